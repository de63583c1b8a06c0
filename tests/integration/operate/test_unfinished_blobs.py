"""What a killed process leaves of a large write is removed, and nothing else."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postrail.blobs import BlobStore
from postrail.operate.unfinished_blobs import ABANDONED_AFTER, remove_unfinished

REPOSITORY = Path(__file__).parents[3]


def write_and_die(url: str) -> int:
    command = [sys.executable, "-m", "tests.processes.killed_writer", url]
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


async def test_an_unfinished_write_of_a_killed_process_is_removed_after_a_day(
    tmp_path: Path,
) -> None:
    url = (tmp_path / "blobs of a desk").as_uri()
    blobs = BlobStore(url)
    whole = await blobs.put(b"whole")
    assert await asyncio.to_thread(write_and_die, url) == -signal.SIGKILL
    (left,) = tmp_path.rglob("*#*")
    assert left.stat().st_size

    now = datetime.now(UTC)
    assert await remove_unfinished(url, now + ABANDONED_AFTER - timedelta(minutes=5)) == 0
    assert left.exists()
    assert await remove_unfinished(url, now + ABANDONED_AFTER + timedelta(minutes=5)) == 1
    assert list(tmp_path.rglob("*#*")) == []
    assert await blobs.get(whole.sha256) == b"whole"


async def test_a_bucket_has_no_such_files() -> None:
    assert await remove_unfinished("s3://bucket/prefix", datetime.now(UTC)) == 0
