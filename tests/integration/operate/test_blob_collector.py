"""The collector on a real folder and a real PostgreSQL: blobs that rows name are kept."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from postrail.blobs import BlobStore, StoredBlob
from postrail.database import Pool, open_pool, rows, transaction
from postrail.errors import TransientError
from postrail.operate.blob_collector import collect
from postrail.settings import DatabaseSettings

KEEP = timedelta(days=37)
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=38)
YOUNG = NOW - timedelta(days=36)
# Columns that hold a SHA-256, but not of a blob.
OTHER_HASHES = {("schema_migration", "sha256")}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(DatabaseSettings(url=SecretStr(database_url)))
    yield pool
    await pool.close()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path.as_uri())


async def put(blobs: BlobStore, folder: Path, content: bytes, written_at: datetime) -> str:
    sha256 = (await blobs.put(content)).sha256
    write_again(folder, sha256, written_at)
    return sha256


def write_again(folder: Path, sha256: str, written_at: datetime) -> None:
    seconds = written_at.timestamp()
    os.utime(folder / "blobs" / sha256[:2] / sha256, (seconds, seconds))


async def present(blobs: BlobStore) -> set[str]:
    return {blob.sha256 async for page in blobs.list_blobs() for blob in page}


async def insert_name(pool: Pool, statement: str, sha256: str) -> None:
    async with transaction(pool) as connection:
        await connection.execute(
            "INSERT INTO project (project_key, name, default_issue_type) VALUES ('KEY', 'n', 't')"
        )
        await connection.execute("INSERT INTO issue_type (project_key, name) VALUES ('KEY', 't')")
        await connection.execute(
            "INSERT INTO project_status (project_key, name, place, category)"
            " VALUES ('KEY', 'Open', 1, 'to do')"
        )
        await connection.execute(
            "INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,"
            " reporter_address, conversation, created_at, changed_at)"
            " VALUES ('KEY-1', 'KEY', 1, 't', 's', 'd', 'a@example.org', gen_random_uuid(),"
            " now(), now())"
        )
        await connection.execute(
            statement.encode(), {"sha256": sha256, "other": "0" * 64, "id": uuid4()}
        )


NAMINGS = {
    "incoming_mail.blobs": "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size,"
    " fetched_at, blobs) VALUES (%(id)s, 'm', 's', 'done', 1, now(),"
    " ARRAY[%(other)s, %(sha256)s])",
    "attachment.sha256": "INSERT INTO attachment (issue_key, name, content_type, size, sha256)"
    " VALUES ('KEY-1', 'n', 't', 1, %(sha256)s)",
    "outgoing_mail.message_blob": "INSERT INTO outgoing_mail (outgoing_id, conversation, cause,"
    " connection, envelope_from, message_id, subject, queued_at, message_blob)"
    " VALUES (%(id)s, 'c', 'c', 'c', '', '<i@e>', 's', now(), %(sha256)s)",
    "outgoing_attachment.sha256": "WITH made AS (INSERT INTO outgoing_mail (outgoing_id,"
    " conversation, cause, connection, envelope_from, message_id, subject, queued_at)"
    " VALUES (%(id)s, 'c', 'c', 'c', '', '<i@e>', 's', now()) RETURNING outgoing_id)"
    " INSERT INTO outgoing_attachment SELECT outgoing_id, 1, 'n', 't', %(sha256)s, 1, '', false"
    " FROM made",
    "issue.description_blob": "UPDATE issue SET description_blob = %(sha256)s",
    "comment.body_blob": "INSERT INTO comment (issue_key, author_address, body, body_blob,"
    " created_at) VALUES ('KEY-1', 'a', '', %(sha256)s, now())",
    "comment_edit.body_blob": "WITH made AS (INSERT INTO comment (issue_key, author_address, body,"
    " created_at) VALUES ('KEY-1', 'a', '', now()) RETURNING comment_id)"
    " INSERT INTO comment_edit (comment_id, act_id, edited_at, editor_address, body, body_blob,"
    " internal) SELECT comment_id, gen_random_uuid(), now(), 'a', '', %(sha256)s, false FROM made",
    "issue_change.before": "INSERT INTO issue_change (issue_key, act_id, changed_at, actor_address,"
    " channel, act, field, before) VALUES ('KEY-1', %(id)s, now(), '', 'command', 'edit',"
    " 'description', jsonb_build_object('blob', %(sha256)s::text))",
    "approval_request.attachments": "INSERT INTO approval_request (request_id, setup, order_digest,"
    " made_at, origin, subject, attachments, choices, rule, needed, digest) VALUES (%(id)s, 's',"
    " '', now(), 'command', 's', jsonb_build_array(jsonb_build_object('sha256', %(sha256)s::text)),"
    " '[]', 'any', 1, '')",
    "comment.reply_blob": "INSERT INTO comment (issue_key, author_address, body, reply_blob,"
    " created_at) VALUES ('KEY-1', 'a', '', %(sha256)s, now())",
}


@pytest.mark.parametrize("column", NAMINGS)
async def test_a_blob_that_a_row_names_is_kept(
    pool: Pool, blobs: BlobStore, tmp_path: Path, column: str
) -> None:
    needed = await put(blobs, tmp_path, b"needed", OLD)
    unneeded = await put(blobs, tmp_path, b"unneeded", OLD)
    await insert_name(pool, NAMINGS[column], needed)
    report = await collect(pool, blobs, now=NOW, keep=KEEP)
    assert await present(blobs) == {needed}
    assert (report.needed, report.removed, report.removed_bytes) == (1, 1, len(b"unneeded"))
    assert unneeded != needed


async def test_a_blob_that_was_written_recently_is_kept(
    pool: Pool, blobs: BlobStore, tmp_path: Path
) -> None:
    young = await put(blobs, tmp_path, b"young", YOUNG)
    await put(blobs, tmp_path, b"old", OLD)
    report = await collect(pool, blobs, now=NOW, keep=KEEP)
    assert await present(blobs) == {young}
    assert (report.seen, report.young, report.removed) == (2, 1, 1)


async def test_a_dry_run_changes_nothing(pool: Pool, blobs: BlobStore, tmp_path: Path) -> None:
    old = await put(blobs, tmp_path, b"old", OLD)
    report = await collect(pool, blobs, now=NOW, keep=KEEP, dry_run=True)
    # Nor is anything written.
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [old]
    assert str(report) == "1 blobs: 0 young, 0 needed, would remove 1 (3 bytes)"


async def test_a_store_whose_clock_is_behind_keeps_its_young_blobs(
    pool: Pool, blobs: BlobStore, tmp_path: Path
) -> None:
    # All times are of a machine whose clock is two months behind.
    behind = timedelta(days=60)
    young = await put(blobs, tmp_path, b"young", NOW)
    await put(blobs, tmp_path, b"old", NOW - timedelta(days=38))
    report = await collect(pool, blobs, now=NOW + behind, keep=KEEP)
    assert report.removed == 1
    assert await present(blobs) == {young}


async def test_an_empty_store_has_nothing_to_collect(pool: Pool, blobs: BlobStore) -> None:
    assert (await collect(pool, blobs, now=NOW, keep=KEEP)).seen == 0


class WrittenMeanwhile(BlobStore):
    """A store in which a message with the same attachment arrives right after the listing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder.as_uri())
        self._folder = folder

    async def written_at(self, sha256: str) -> datetime | None:
        write_again(self._folder, sha256, NOW)
        return await super().written_at(sha256)


async def test_a_blob_that_is_written_again_after_the_listing_is_kept(
    pool: Pool, tmp_path: Path
) -> None:
    blobs = WrittenMeanwhile(tmp_path)
    old = await put(blobs, tmp_path, b"old", OLD)
    report = await collect(pool, blobs, now=NOW, keep=KEEP)
    assert await present(blobs) == {old}
    assert report.removed == 0


class Refusing(BlobStore):
    """A store that does not remove one of its blobs, or that is gone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder.as_uri())
        self.refused = ""
        self.is_gone = False

    async def delete(self, sha256: str) -> None:
        if self.is_gone or sha256 == self.refused:
            raise TransientError("not permitted")
        await super().delete(sha256)

    async def check(self) -> None:
        if self.is_gone:
            raise TransientError("the store is gone")
        await super().check()


async def test_a_blob_that_cannot_be_removed_keeps_no_other(pool: Pool, tmp_path: Path) -> None:
    blobs = Refusing(tmp_path)
    olds = [await put(blobs, tmp_path, b"%d" % number, OLD) for number in range(3)]
    blobs.refused = sorted(olds)[1]
    report = await collect(pool, blobs, now=NOW, keep=KEEP)
    assert await present(blobs) == {blobs.refused}
    assert str(report) == (
        "3 blobs: 0 young, 0 needed, 1 that cannot be removed, removed 2 (2 bytes)"
    )


async def test_a_store_that_goes_away_ends_the_collection(pool: Pool, tmp_path: Path) -> None:
    blobs = Refusing(tmp_path)
    await put(blobs, tmp_path, b"old", OLD)
    blobs.is_gone = True
    with pytest.raises(TransientError, match="the store is gone"):
        await collect(pool, blobs, now=NOW, keep=KEEP)


async def test_many_pages_are_collected(pool: Pool, blobs: BlobStore, tmp_path: Path) -> None:
    for number in range(1100):
        await put(blobs, tmp_path, b"%d" % number, OLD)
    pages: list[list[StoredBlob]] = [page async for page in blobs.list_blobs()]
    report = await collect(pool, blobs, now=NOW, keep=KEEP)
    assert len(pages) > 1
    assert (report.seen, report.removed) == (1100, 1100)
    assert await present(blobs) == set()


async def test_every_column_that_names_blobs_has_its_case(pool: Pool) -> None:
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public'"
            " AND (column_name LIKE '%%blob%%' OR column_name LIKE '%%sha256%%')",
            [],
        )
    columns = {
        f"{table}.{column}" for table, column in found if (table, column) not in OTHER_HASHES
    }
    # Values of fields are JSON, that of a description may name a blob; so are files of requests.
    assert columns | {"issue_change.before", "approval_request.attachments"} == set(NAMINGS)
