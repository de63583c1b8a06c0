"""The handler's daily work: it finds what no listing of the blob store shows."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from services.handler.housekeeping import FIRST_CLEAN_SECONDS, Housekeeping
from tests.integration.handler.bench import Bench


async def test_unfinished_blobs_are_removed_with_the_daily_work(bench: Bench) -> None:
    folder = Path(urlsplit(bench.blobs.url).path)
    left = folder / "blobs" / "ab" / ("ab" * 32 + "#1")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"part")
    old = (bench.clock.now() - timedelta(days=2)).timestamp()
    os.utime(left, (old, old))
    housekeeping = Housekeeping(bench.process(), bench.pool, bench.blobs)
    await housekeeping._round()
    assert left.exists()
    bench.clock.move(FIRST_CLEAN_SECONDS)
    await housekeeping._round()
    assert not left.exists()
