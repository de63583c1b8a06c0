"""Attaching files: blobs, rows, history and record; and what messages bring."""

from __future__ import annotations

from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.database import Pool
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.attach import NewFile, attach
from postrail.tracker import IssueNotFound
from tests.integration.operate.issues.scene import AGENT, history, published, query

STORED = (
    "SELECT name, original_name, content_type, size, sha256, comment_id FROM attachment"
    " ORDER BY attachment_id"
)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path.as_uri())


async def test_files_are_attached_with_history_and_record(
    pool: Pool, desk: Desk, issue: str, blobs: BlobStore
) -> None:
    files = [NewFile("plan.pdf", b"%PDF"), NewFile("a:b", b""), NewFile("plan.pdf", b"2")]
    done = await attach(desk, AGENT, issue, files, blobs)
    found = await query(pool, STORED)
    assert [row[:4] for row in found] == [
        ("plan.pdf", None, "application/pdf", 4),
        ("a_b", "a:b", "application/octet-stream", 0),
        ("plan.pdf", None, "application/pdf", 1),
    ]
    assert [await blobs.get(row[4]) for row in found] == [b"%PDF", b"", b"2"]
    noted = await history(pool, issue)
    assert [(field, before, after["id"]) for field, before, after in noted] == [
        ("attachment", None, attachment_id) for attachment_id, _ in done.files
    ]
    (record,) = await published(pool)
    assert (record.act, len(record.changes)) == ("attach", 3)
    assert await query(
        pool, "SELECT 1 FROM issue_text WHERE words @@ to_tsquery('simple', 'plan')"
    ) == [(1,)]
    # Ada watches, and is not notified.
    assert await query(pool, "SELECT 1 FROM delivery") == []


async def test_an_outsider_may_attach(pool: Pool, desk: Desk, issue: str, blobs: BlobStore) -> None:
    await attach(desk, Actor(address="ada@example.org"), issue, [NewFile("a", b"x")], blobs)
    assert len(await query(pool, STORED)) == 1


async def test_an_unknown_issue_gets_no_file(pool: Pool, desk: Desk, blobs: BlobStore) -> None:
    with pytest.raises(IssueNotFound):
        await attach(desk, AGENT, "HELP-9", [NewFile("a", b"x")], blobs)
    assert await query(pool, STORED) == []
