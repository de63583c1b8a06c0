"""What a killed process leaves of a large write is removed, and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

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


def leave_unfinished(folder: Path, *names: str) -> list[Path]:
    """Makes unfinished files of two days ago, each in a folder of its own."""
    files = [folder / "blobs" / name / (name * 32 + "#1") for name in names]
    old = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"part")
        os.utime(file, (old, old))
    return files


async def test_a_file_that_cannot_be_removed_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, *_ = leave_unfinished(tmp_path, "ab", "cd", "ef")
    (tmp_path / "blobs" / "a folder#1").mkdir()
    unlink = Path.unlink

    def refuse_one(path: Path) -> None:
        if path == refused:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path)

    monkeypatch.setattr(Path, "unlink", refuse_one)
    later = datetime.now(UTC) + timedelta(days=3)
    with capture_logs() as lines:
        assert await remove_unfinished(tmp_path.as_uri(), later) == 2
    assert refused.exists()
    assert [(line["event"], line["path"]) for line in lines] == [
        ("unfinished blobs are left", str(refused))
    ]


async def test_folders_that_vanish_meanwhile_are_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_unfinished(tmp_path, "ab", "cd", "ef")
    unlink = Path.unlink

    def remove_the_others(path: Path) -> None:
        unlink(path)
        for other in path.parent.parent.iterdir():
            shutil.rmtree(other)

    monkeypatch.setattr(Path, "unlink", remove_the_others)
    with capture_logs() as lines:
        assert await remove_unfinished(tmp_path.as_uri(), datetime.now(UTC)) == 1
    assert lines == []


async def test_a_bucket_has_no_such_files() -> None:
    assert await remove_unfinished("s3://bucket/prefix", datetime.now(UTC)) == 0
