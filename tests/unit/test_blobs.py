"""The blob store in a folder: content is found again, and faults come with a remedy."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest

from postrail.blobs import PART_BYTES, BlobMissing, BlobStore
from postrail.clock import SettableClock
from postrail.errors import ConfigurationError, TransientError
from postrail.records import BlobReference

CONTENT = b"an attachment"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blob store" / "é"


@pytest.fixture
def blobs(folder: Path) -> BlobStore:
    return BlobStore(folder.as_uri())


def path_of(folder: Path, sha256: str) -> Path:
    return folder / "blobs" / sha256[:2] / sha256


def archived(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.eml"))


async def listed(blobs: BlobStore) -> set[str]:
    return {blob.sha256 async for page in blobs.list_blobs() for blob in page}


async def test_content_comes_back_by_its_sha256(blobs: BlobStore, folder: Path) -> None:
    reference = await blobs.put(CONTENT)
    assert (reference.sha256, reference.size) == (SHA256, len(CONTENT))
    assert path_of(folder, SHA256).read_bytes() == CONTENT
    assert await blobs.get(SHA256) == CONTENT


async def test_an_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    reference = await blobs.put(b"")
    assert reference.size == 0
    assert await blobs.get(reference.sha256) == b""


@pytest.mark.parametrize("size", [0, 1000, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
async def test_content_is_written_and_read_in_parts(
    blobs: BlobStore, folder: Path, tmp_path: Path, size: int
) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    reference = BlobReference(sha256=hashlib.sha256(content).hexdigest(), size=size)
    pieces = (content[start : start + 70_000] for start in range(0, size, 70_000))
    await blobs.put_chunks(reference, pieces)
    assert path_of(folder, reference.sha256).read_bytes() == content
    with (tmp_path / "read").open("w+b") as file:
        await blobs.read_into(reference.sha256, file)
        file.seek(0)
        assert file.read() == content


async def test_failed_parts_leave_no_blob(blobs: BlobStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * PART_BYTES
        raise OSError("the disk is gone")

    reference = BlobReference(sha256=SHA256, size=2 * PART_BYTES)
    with pytest.raises(TransientError, match="blob store"):
        await blobs.put_chunks(reference, broken())
    assert await listed(blobs) == set()


async def test_writing_in_parts_moves_the_last_write_too(blobs: BlobStore, folder: Path) -> None:
    content = b"x" * (PART_BYTES + 1)
    reference = await blobs.put(content)
    os.utime(path_of(folder, reference.sha256), (1_000_000, 1_000_000))
    before = await blobs.written_at(reference.sha256)
    await blobs.put_chunks(reference, [content])
    after = await blobs.written_at(reference.sha256)
    assert before is not None
    assert after is not None
    assert after > before


async def test_a_second_put_moves_the_last_write(blobs: BlobStore, folder: Path) -> None:
    await blobs.put(CONTENT)
    os.utime(path_of(folder, SHA256), (1_000_000, 1_000_000))
    before = await blobs.written_at(SHA256)
    await blobs.put(CONTENT)
    after = await blobs.written_at(SHA256)
    assert before == datetime.fromtimestamp(1_000_000, UTC)
    assert after is not None
    assert datetime.now(UTC) - after < timedelta(minutes=1)


async def test_blobs_in_a_folder_have_the_times_of_the_clock(folder: Path) -> None:
    clock = SettableClock(datetime.now(UTC) + timedelta(days=40))
    blobs = BlobStore(folder.as_uri(), clock)
    small = await blobs.put(CONTENT)
    large = await blobs.put(b"x" * (PART_BYTES + 1))
    await blobs.put_chunks(large, [b"x" * (PART_BYTES + 1)])
    for reference in (small, large):
        written_at = await blobs.written_at(reference.sha256)
        assert written_at is not None
        assert abs(written_at - clock.now()) < timedelta(seconds=1)


async def test_the_same_content_put_at_once_by_many_is_whole(blobs: BlobStore) -> None:
    data = b"x" * 3_000_000
    references = await asyncio.gather(*(blobs.put(data) for _ in range(8)))
    assert len(set(references)) == 1
    assert await blobs.get(references[0].sha256) == data
    assert await listed(blobs) == {references[0].sha256}


async def test_a_missing_blob_among_others_is_a_permanent_error(blobs: BlobStore) -> None:
    await blobs.put(CONTENT)
    with pytest.raises(BlobMissing, match="there is no blob 00"):
        await blobs.get("00" * 32)
    assert await blobs.written_at("00" * 32) is None


async def test_an_empty_store_is_a_transient_error(blobs: BlobStore) -> None:
    with pytest.raises(TransientError, match=r"is empty.*POSTRAIL_BLOBS__URL.*mounted"):
        await blobs.get(SHA256)


async def test_list_and_delete(blobs: BlobStore, folder: Path) -> None:
    references = [await blobs.put(b"%d" % number) for number in range(5)]
    # Files not named by a SHA-256 are not blobs.
    (folder / "blobs" / "README").write_text("hands off")
    await blobs.delete(references[0].sha256)
    await blobs.delete(references[0].sha256)
    assert await listed(blobs) == {reference.sha256 for reference in references[1:]}
    assert (folder / "blobs" / "README").exists()


async def test_an_emptied_store_accepts_blobs_again(blobs: BlobStore) -> None:
    await blobs.put(CONTENT)
    await blobs.delete(SHA256)
    await blobs.put(CONTENT)
    assert await blobs.get(SHA256) == CONTENT


async def test_the_archive_is_by_day_and_mailbox(blobs: BlobStore, folder: Path) -> None:
    await blobs.archive(date(2026, 11, 21), "support", "m-1", 3, [b"raw"])
    await blobs.archive(date(2026, 11, 21), "support", "m-1", 3, [b"raw"])
    assert archived(folder) == ["archive/2026-11-21/support/m-1.eml"]


@pytest.mark.parametrize(
    ("mailbox", "part"),
    [
        ("help@example.org", "help@example.org"),
        ("../../etc", "______etc"),  # No way out of the archive.
        ("..", "__"),
        (".", "_"),
        ("", "_"),
        ("Größe/Süd", "Gr__e_S_d"),
        ("a\x00b", "a_b"),
        ("x" * 300, "x" * 100),
    ],
)
async def test_mailbox_names_are_safe_in_paths(
    blobs: BlobStore, folder: Path, mailbox: str, part: str
) -> None:
    await blobs.archive(date(2026, 11, 21), mailbox, "m-1", 3, [b"raw"])
    assert archived(folder) == [f"archive/2026-11-21/{part}/m-1.eml"]


async def test_expired_days_leave_the_archive(blobs: BlobStore, folder: Path) -> None:
    today = date(2026, 11, 21)
    for age in (0, 29, 30, 400):
        await blobs.archive(today - timedelta(days=age), "support", f"m-{age}", 3, [b"raw"])
    await blobs.put(CONTENT)
    (folder / "archive" / "by hand").mkdir()
    assert await blobs.expire_archive(30, today) == 2
    assert archived(folder) == [
        "archive/2026-10-23/support/m-29.eml",
        "archive/2026-11-21/support/m-0.eml",
    ]
    assert await blobs.get(SHA256) == CONTENT


async def test_a_message_that_cannot_be_removed_keeps_no_other_in_the_archive(
    blobs: BlobStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = date(2026, 11, 21)
    for name in ("a", "b", "c"):
        await blobs.archive(today - timedelta(days=40), "support", name, 3, [b"raw"])
    delete = obstore.delete_async

    async def refuse_b(store: Any, path: Any) -> None:
        if str(path).endswith("/b.eml"):
            raise PermissionError(1, "Operation not permitted", path)
        await delete(store, path)

    monkeypatch.setattr(obstore, "delete_async", refuse_b)
    with pytest.raises(TransientError, match=r"not permitted: 'archive/.*/b.eml'"):
        await blobs.expire_archive(30, today)
    assert archived(folder) == ["archive/2026-10-12/support/b.eml"]


async def test_an_archive_that_was_never_written_expires(blobs: BlobStore) -> None:
    assert await blobs.expire_archive(30, date(2026, 11, 21)) == 0


async def test_an_unavailable_store_names_the_setting(blobs: BlobStore, folder: Path) -> None:
    # A file in place of the folder stops even root, which may write to any folder.
    await blobs.check()
    shutil.rmtree(folder)
    folder.write_text("")
    for attempt in (
        blobs.put(CONTENT),
        blobs.get(SHA256),
        blobs.delete(SHA256),
        blobs.archive(date(2026, 11, 21), "support", "m-1", 0, []),
        blobs.check(),
    ):
        with pytest.raises(TransientError, match=r"POSTRAIL_BLOBS__URL.*may write"):
            await attempt


async def test_check_leaves_nothing_behind(blobs: BlobStore, folder: Path) -> None:
    await blobs.check()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
async def test_a_read_only_folder_names_the_setting(blobs: BlobStore, folder: Path) -> None:
    folder.chmod(0o500)
    with pytest.raises(TransientError, match=r"POSTRAIL_BLOBS__URL.*may write"):
        await blobs.check()


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("file:///proc/postrail/blobs", "may write"),  # A place where no folder can be made.
        ("nonsense://place", "Use file:///folder"),
        ("/var/lib/blobs", "Use file:///folder"),
        ("", "Use file:///folder"),
    ],
)
def test_a_wrong_url_is_a_configuration_error(url: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=f"POSTRAIL_BLOBS__URL.*{remedy}"):
        BlobStore(url)


def test_a_folder_that_is_only_looked_at_is_not_created(tmp_path: Path) -> None:
    url = (tmp_path / "a folder").as_uri()
    with pytest.raises(ConfigurationError, match="does not exist"):
        BlobStore(url, create=False)
    assert list(tmp_path.iterdir()) == []
    BlobStore(url)
    BlobStore(url, create=False)


def test_a_bucket_needs_no_connection_to_be_named() -> None:
    BlobStore("s3://bucket/prefix")
