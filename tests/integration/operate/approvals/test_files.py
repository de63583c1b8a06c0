"""The files of a request: stored once, carried by each message, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from postrail.approvals.blob_names import named_blobs
from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.effects.approvals.refused import RequestRefused
from postrail.operate.approvals.files import stored_files
from postrail.operate.issues.act import Desk
from postrail.operate.issues.attach import NewFile
from tests.integration.operate.approvals.scene import requested
from tests.integration.operate.issues.scene import query

NOTES = NewFile("notes.txt", b"All tests pass.")


async def test_each_message_carries_the_files(pool: Pool, desk: Desk, tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    files = await stored_files([NOTES], blobs, max_bytes=1000)
    (file,) = files
    assert (file.name, file.content_type, file.size) == ("notes.txt", "text/plain", 15)
    await requested(desk, attachments=files)
    sent = await query(pool, "SELECT name, sha256 FROM outgoing_attachment")
    assert sent == [("notes.txt", file.sha256)] * 2
    async with transaction(pool) as connection:
        assert await named_blobs(connection, [file.sha256, "00"]) == {file.sha256}
        assert await named_blobs(connection, []) == set()


async def test_files_too_large_for_a_message_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestRefused, match="30 bytes"):
        await stored_files([NOTES, NOTES], BlobStore(tmp_path.as_uri()), max_bytes=20)
    assert list(tmp_path.iterdir()) == []
