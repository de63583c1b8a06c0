"""The built-in tracker's rows on real PostgreSQL: attachments, links, comments, blobs."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from postrail.database import Pool, rows, transaction
from postrail.message_parts import Attachment
from postrail.tracker import CommentDraft, IssueDraft, IssueNotFound
from postrail.tracker.builtin.blob_names import named_blobs
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.makers.drafts import attachment, comment_draft, issue_draft
from tests.makers.records import NOON

LATER = NOON + timedelta(hours=1)
# Tables of the built-in tracker, whose columns may name blobs.
TABLES = ["issue", "comment", "attachment", "issue_link", "issue_numbering"]


async def create(pool: Pool, *drafts: IssueDraft) -> list[str]:
    async with transaction(pool) as connection:
        return await BuiltinTracker().create_issues(connection, drafts, NOON)


async def add(pool: Pool, *drafts: CommentDraft) -> list[int]:
    async with transaction(pool) as connection:
        return await BuiltinTracker().add_comments(connection, drafts, LATER)


async def read(pool: Pool, statement: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as connection:
        return await rows(connection, statement)


def files(*names: str) -> tuple[Attachment, ...]:
    return tuple(attachment(name, name.encode()) for name in names)


async def test_nothing_to_do_writes_nothing(pool: Pool) -> None:
    assert await create(pool) == []
    assert await add(pool) == []
    assert await read(pool, "SELECT * FROM issue_numbering") == []


async def test_keys_follow_the_order_of_the_drafts_across_projects(pool: Pool) -> None:
    drafts = [issue_draft(project=key, summary=key) for key in ("SALE", "HELP", "SALE")]
    assert await create(pool, *drafts) == ["SALE-1", "HELP-1", "SALE-2"]
    assert await read(pool, "SELECT issue_key, summary FROM issue ORDER BY issue_key") == [
        ("HELP-1", "HELP"),
        ("SALE-1", "SALE"),
        ("SALE-2", "SALE"),
    ]


async def test_attachments_belong_to_their_issue_or_comment(pool: Pool) -> None:
    first, second = await create(
        pool, issue_draft(attachments=files("a", "b")), issue_draft(attachments=files("c"))
    )
    ids = await add(
        pool,
        comment_draft(second, attachments=files("d")),
        comment_draft(first),
        comment_draft(first, attachments=files("e", "f")),
    )
    found = await read(
        pool,
        "SELECT issue_key, comment_id, name, content_type, size, sha256 FROM attachment"
        " ORDER BY attachment_id",
    )
    assert [row[:3] for row in found] == [
        (first, None, "a"),
        (first, None, "b"),
        (second, None, "c"),
        (second, ids[0], "d"),
        (first, ids[2], "e"),
        (first, ids[2], "f"),
    ]
    (expected,) = files("f")
    assert found[-1][3:] == (expected.content_type, expected.size, expected.sha256)


async def test_a_new_issue_is_linked_to_the_one_that_its_subject_named(pool: Pool) -> None:
    (first,) = await create(pool, issue_draft())
    _, third, fourth = await create(
        pool, issue_draft(), issue_draft(linked_to=first), issue_draft(linked_to="HELP-2")
    )
    assert await read(pool, "SELECT * FROM issue_link ORDER BY issue_key") == [
        (third, first, "relates to"),
        # An issue of the same batch is there already.
        (fourth, "HELP-2", "relates to"),
    ]


async def test_comments_keep_the_order_of_their_drafts(pool: Pool) -> None:
    keys = await create(pool, issue_draft(), issue_draft())
    bodies = [f"{n:03}" for n in range(200)]
    ids = await add(pool, *(comment_draft(keys[n % 2], body=body) for n, body in enumerate(bodies)))
    assert ids == sorted(ids)
    assert [row[0] for row in await read(pool, "SELECT body FROM comment ORDER BY comment_id")] == (
        bodies
    )


async def test_a_comment_changes_the_time_of_its_issue_only(pool: Pool) -> None:
    first, second = await create(pool, issue_draft(), issue_draft())
    await add(pool, comment_draft(first))
    assert dict(await read(pool, "SELECT issue_key, changed_at FROM issue")) == {
        first: LATER,
        second: NOON,
    }


async def test_a_batch_with_an_unknown_key_adds_no_comment(pool: Pool) -> None:
    (key,) = await create(pool, issue_draft())
    with pytest.raises(IssueNotFound, match=r"no issue HELP-9\. .*issues list"):
        await add(pool, comment_draft(key), comment_draft("HELP-9"))
    assert await read(pool, "SELECT 1 FROM comment") == []


async def test_a_batch_that_waits_for_an_issue_holds_no_later_one(pool: Pool) -> None:
    """Two batches that took the same issues in other orders would wait for each other."""
    first, second = await create(pool, issue_draft(), issue_draft())
    async with transaction(pool) as connection:
        await BuiltinTracker().add_comments(connection, [comment_draft(first)], LATER)
        waiting = asyncio.create_task(add(pool, comment_draft(second), comment_draft(first)))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(10):
            await add(pool, comment_draft(second))
        assert not waiting.done()
    assert len(await waiting) == 2


async def test_blobs_of_descriptions_comments_replies_and_files_are_named(pool: Pool) -> None:
    (file,) = files("a")
    (key,) = await create(pool, issue_draft(description_blob="d", attachments=(file,)))
    await add(pool, comment_draft(key, body_blob="b"), comment_draft(key, reply_blob="r"))
    async with transaction(pool) as connection:
        asked = ["d", "b", "r", file.sha256, "unknown"]
        assert await named_blobs(connection, asked) == {"d", "b", "r", file.sha256}
        assert await named_blobs(connection, ["r", "unknown"]) == {"r"}
        assert await named_blobs(connection, []) == set()


async def test_no_other_column_names_blobs(pool: Pool) -> None:
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT table_name || '.' || column_name FROM information_schema.columns"
            " WHERE table_name = ANY(%s) AND (column_name LIKE '%%blob%%'"
            " OR column_name LIKE '%%sha256%%')",
            [TABLES],
        )
    # A new one must be added to `named_blobs` as well as here.
    assert {row[0] for row in found} == {
        "issue.description_blob",
        "comment.body_blob",
        "comment.reply_blob",
        "attachment.sha256",
    }


async def test_an_issue_has_the_fields_of_its_draft(pool: Pool) -> None:
    labels = ('quoted "one"', "a,b", "{}", "NULL", "größer")
    await create(
        pool,
        issue_draft(labels=labels, components=("Web",), priority=1, due=date(2027, 1, 31)),
        issue_draft(mail_id=None, status="In Progress"),
    )
    assert await read(
        pool,
        "SELECT labels, components, priority, due_on, status, mail_id IS NULL FROM issue"
        " ORDER BY number",
    ) == [
        (list(labels), ["Web"], 1, date(2027, 1, 31), "Open", False),
        ([], [], 3, None, "In Progress", True),
    ]
