"""A full disk is named with its folder and waited for; what was begun leaves nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.clock import SettableClock
from postrail.errors import TransientError
from postrail.mailbox.spool import spooled
from postrail.records import BlobReference, MailParsed
from postrail.stream import avro
from postrail.temporary_files import TemporaryFile
from services.parser.mime.raw_bytes import READ_MAX
from services.parser.record.record_maker import parsed_or_not
from services.parser.step import Parser
from tests.fakes.streams import MemoryProducer
from tests.makers.records import mail_fetched, received
from tests.servers.small_disk import SmallDisk, small_disk

MIB = 1024 * 1024
SMALL, LARGE = MIB, 7 * MIB


@pytest.fixture
def disk(own_folder: Path) -> Iterator[SmallDisk]:
    with small_disk(own_folder / "disk", 16) as disk:
        yield disk


@pytest.fixture
def temporary(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
    return disk


class NoCounts:
    """Drops the parser's figures."""

    def count(self, *_: object, **__: object) -> None:
        """Counts nothing."""


def chunks(size: int) -> Iterable[bytes]:
    return (b"x" * MIB for _ in range(size // MIB))


def reference(size: int) -> BlobReference:
    return BlobReference(sha256=hashlib.sha256(b"x" * size).hexdigest(), size=size)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_full_blob_store_is_named_with_its_folder(disk: SmallDisk, size: int) -> None:
    blobs = BlobStore((disk.folder / "blobs").as_uri())
    disk.fill(leave=size // 2)
    for _ in range(3):
        with pytest.raises(TransientError, match="has no space left") as found:
            await blobs.put_chunks(reference(size), chunks(size))
    assert f"file://{disk.folder}/blobs" in str(found.value)
    assert "Free space there" in str(found.value)
    left = [path.name for path in (disk.folder / "blobs").rglob("*") if path.is_file()]
    assert left == []
    disk.free()
    await blobs.put_chunks(reference(size), chunks(size))
    assert await blobs.get(reference(size).sha256) == b"x" * size


def test_a_full_folder_for_temporary_files_is_named(temporary: SmallDisk) -> None:
    temporary.fill(leave=LARGE // 2)
    for _ in range(3):
        with pytest.raises(TransientError, match=f"{temporary.folder} has no space left"):
            spooled(chunks(LARGE))
    temporary.free()
    with contextlib.closing(spooled(chunks(LARGE))) as spool:
        assert spool.sha256 == reference(LARGE).sha256


def test_a_folder_for_temporary_files_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(TransientError, match=f"{tmp_path}/gone cannot be used") as found:
        TemporaryFile()
    assert "TMPDIR" in str(found.value)


def test_a_message_is_not_unparsable_because_a_disk_is_full(temporary: SmallDisk) -> None:
    # Line ends of old Macs are replaced in a temporary file.
    message = b"Subject: hello\r\r" + b"a line\r" * (READ_MAX // 6)
    assert len(message) > READ_MAX
    temporary.fill()
    with pytest.raises(TransientError, match="has no space left"):
        parsed_or_not(message)
    temporary.free()
    assert parsed_or_not(message).subject == "hello"


async def test_the_parser_waits_for_space_for_a_message_from_the_blob_store(
    temporary: SmallDisk, tmp_path: Path
) -> None:
    blobs = BlobStore((tmp_path / "blobs").as_uri())
    content = b"Subject: large\r\n\r\n" + b"a line\r\n" * (LARGE // 8)
    stored = await blobs.put(content)
    producer = MemoryProducer()
    parser = Parser(
        blobs=blobs,
        producer=producer,
        progress=NoCounts(),
        clock=SettableClock(),
        inline_max_bytes=1000,
    )
    batch = [received(mail_fetched(body=None, blob=stored, size=stored.size))]
    temporary.fill(leave=MIB)
    with pytest.raises(TransientError) as found:
        await parser.process(batch)
    # It is not the blob store that is full.
    assert f"temporary files {temporary.folder} has no space left" in str(found.value)
    assert "blob store" not in str(found.value)
    assert producer.sent == []
    temporary.free()
    await parser.process(batch)
    assert [avro.decode_as(MailParsed, entry.value).error for entry in producer.sent] == [None]
