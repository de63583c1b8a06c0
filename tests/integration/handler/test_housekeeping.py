"""The handler's daily work: it finds what no listing of the blob store shows."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from postrail.blobs import BlobStore
from postrail.errors import TransientError
from services.handler.housekeeping import CLEAN_SECONDS, FIRST_CLEAN_SECONDS, Housekeeping
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


async def test_a_step_that_fails_keeps_no_other_and_waits_for_its_next_time(bench: Bench) -> None:
    await bench.blobs.archive(bench.clock.now().date() - timedelta(days=40), "m", "i", 1, [b"x"])
    blobs = WithoutTime(bench.blobs.url)
    kept = bench.settings.blobs.model_copy(update={"archive_days": 30})
    process = replace(bench.process(), settings=bench.settings.model_copy(update={"blobs": kept}))
    housekeeping = Housekeeping(process, bench.pool, blobs)
    bench.clock.move(FIRST_CLEAN_SECONDS)
    await housekeeping._round()
    assert not list(Path(urlsplit(bench.blobs.url).path).rglob("*.eml"))
    await housekeeping._round()
    assert blobs.asked == 1
    bench.clock.move(CLEAN_SECONDS)
    await housekeeping._round()
    assert blobs.asked == 2


class WithoutTime(BlobStore):
    """A store whose collection fails."""

    asked = 0

    async def time(self) -> datetime:
        self.asked += 1
        raise TransientError("no time")
