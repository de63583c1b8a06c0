"""Merging issues: what goes over, what stays with the record, chains, and refused merges."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from typing import Any

import pytest

from postrail.configuration import store
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import IssueType, Status
from postrail.configuration.person_rows import PERSON
from postrail.configuration.project_rows import PROJECT
from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.incoming import conversations
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.link import link
from postrail.operate.issues.merge import MergeNotPossible, merge
from postrail.operate.issues.move import move
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.tracker import IssueNotFound, issues
from postrail.tracker.builtin.assignments import free_merged_of
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.workflow.rights import NotAllowed
from tests.integration.operate.issues.scene import (
    AGENT,
    HELP,
    LATER,
    LEAD,
    OUTSIDER,
    history,
    new_issue,
    published,
    query,
)
from tests.makers.drafts import attachment, comment_draft
from tests.makers.records import NOON

COMMENTS = (
    "SELECT author_address, author_name, body, body_blob, mail_id::text, created_at FROM comment"
    " WHERE issue_key = %s ORDER BY comment_id"
)
RECORDS = "SELECT issue_key, merged_into FROM issue ORDER BY 1"
INDEXED = (
    "SELECT record.issue_key, present.issue_key FROM issue_index AS record"
    " LEFT JOIN issue_index AS present ON present.issue_id = record.merged_into ORDER BY 1"
)
MAIL_ID = str(uuid.uuid4())


async def add_comment(pool: Pool, key: str, **fields: Any) -> None:
    async with transaction(pool) as connection:
        await BuiltinTracker().add_comments(connection, [comment_draft(key, **fields)], NOON)


@pytest.fixture
async def other(pool: Pool, issue: str) -> str:
    """Makes a second issue, of bo@example.org and another project, with a description and file."""
    return await new_issue(
        pool,
        project="SALE",
        reporter_address="bo@example.org",
        reporter_name="Bo",
        summary="Smoke in the chimney",
        description="Me too.",
        mail_id=MAIL_ID,
        attachments=(attachment("a.txt", b"a"),),
    )


async def test_the_description_becomes_a_comment_of_its_author_and_time(
    pool: Pool, desk: Desk, issue: str, other: str
) -> None:
    await add_comment(pool, issue, body="First.", mail_id=None)
    merged = await merge(desk, AGENT, other, issue)
    assert (merged.issue_key, merged.into) == (other, issue)
    agent = ("agent@example.com", "Agent")
    assert await query(pool, COMMENTS, issue) == [
        (*agent, "First.", None, None, NOON),
        ("bo@example.org", "Bo", "Me too.", None, MAIL_ID, NOON),
    ]
    described = "SELECT issue_key, name, comment_id FROM attachment"
    assert await query(pool, described) == [(issue, "a.txt", merged.comment_id)]


@pytest.mark.parametrize(
    ("fields", "body", "blob"),
    [
        ({"description": "", "summary": "Only this"}, "Only this", None),
        ({"description": "", "description_blob": "ab" * 32}, "", "ab" * 32),
        # Made by hand: the comment has an act in the place of the message.
        ({"description": "By hand.", "mail_id": None}, "By hand.", None),
    ],
)
async def test_nothing_that_the_issue_says_is_lost(
    pool: Pool, desk: Desk, issue: str, fields: dict[str, Any], body: str, blob: str | None
) -> None:
    other = await new_issue(pool, **fields)
    await merge(desk, AGENT, other, issue)
    (comment,) = await query(pool, COMMENTS, issue)
    assert comment[2:4] == (body, blob)
    ((by_hand,),) = await query(pool, "SELECT act_id IS NOT NULL FROM comment")
    assert by_hand == ("mail_id" in fields)


async def test_comments_files_and_search_rows_go_over(
    pool: Pool, desk: Desk, issue: str, other: str
) -> None:
    await add_comment(pool, other, attachments=(attachment("b.txt", b"b"),), body="Water?")
    await merge(desk, AGENT, other, issue)
    assert await query(pool, "SELECT issue_key, count(*) FROM comment GROUP BY 1") == [(issue, 2)]
    files = (
        "SELECT issue_key, name, body FROM attachment JOIN comment USING (comment_id, issue_key)"
    )
    assert sorted(await query(pool, files)) == [
        (issue, "a.txt", "Me too."),
        (issue, "b.txt", "Water?"),
    ]
    # The present issue is found by the summary of the merged one.
    for word, body in {"chimney": None, "b.txt": "Water?", "printer": None}.items():
        found = (
            "SELECT issue_key, body FROM issue_text LEFT JOIN comment USING (comment_id, issue_key)"
            " WHERE words @@ phraseto_tsquery('simple', translate(%s, '.', ' '))"
        )
        assert await query(pool, found + " AND issue_key = 'HELP-1'", word) == [(issue, body)]


async def test_people_and_addresses_go_over_once(
    pool: Pool, desk: Desk, issue: str, other: str
) -> None:
    await watch(desk, AGENT, other)
    await watch(desk, LEAD, other)
    await watch(desk, AGENT, issue)
    merged = await merge(desk, AGENT, other, issue)
    assert merged.watchers == (LEAD.address,)
    for table, addresses in {
        "watcher": ["ada@example.org", AGENT.address, LEAD.address],
        "participant": ["ada@example.org"],
        "issue_address": ["support@example.com"],
    }.items():
        people = f"SELECT issue_key, address FROM {table} JOIN issue_index USING (issue_id)"
        found = await query(pool, people + " ORDER BY 2")
        assert found == [(issue, address) for address in addresses], table


async def test_history_and_fields_stay_with_the_record(pool: Pool, desk: Desk, issue: str) -> None:
    other = await new_issue(pool)
    await edit(desk, AGENT, other, Edits(values={"Serial": "X", "labels": "urgent"}))
    await merge(desk, AGENT, other, issue)
    assert await query(pool, "SELECT issue_key, text_value FROM custom_value") == [(other, "X")]
    assert (await history(pool, other))[-1] == ("merged into", None, issue)
    assert await history(pool, issue) == [("merged from", None, other)]
    record, successor = (await published(pool))[1:]
    assert (record.issue_key, record.act, record.changes[0].after) == (other, "merge", f'"{issue}"')
    assert (successor.issue_key, successor.act_id) == (issue, record.act_id)
    times = await query(pool, "SELECT DISTINCT changed_at FROM issue")
    assert times == [(LATER,)]


async def test_messages_and_deliveries_keep_their_id_and_key(
    pool: Pool, desk: Desk, issue: str, other: str
) -> None:
    """They are logs; ids are resolved when they are read."""
    await transition(desk, AGENT, other, "Done")
    logs = (
        "SELECT mail.issue_id, mail.issue_key, delivery.issue_id FROM outgoing_mail AS mail"
        " JOIN delivery USING (outgoing_id)"
    )
    before = await query(pool, logs)
    assert before[0][1] == other
    await merge(desk, AGENT, other, issue)
    assert await query(pool, logs) == before
    async with transaction(pool) as connection:
        found = await issues.by_id(connection, [before[0][0]])
    assert [one.issue_key for one in found.values()] == [issue]


async def test_conversations_go_over_once(pool: Pool, desk: Desk, issue: str, other: str) -> None:
    own, shared = str(uuid.uuid4()), str(uuid.uuid4())
    async with transaction(pool) as connection:
        by_key = await issues.by_key(connection, [issue, other])
        first, second = by_key[issue].issue_id, by_key[other].issue_id
        await conversations.map_issues(
            connection, [(own, second), (shared, first), (shared, second)]
        )
    await merge(desk, AGENT, other, issue)
    async with transaction(pool) as connection:
        found = await conversations.issues_of(connection, [own, shared], [])
    assert found == {own: [first], shared: [first]}


async def test_links_go_over_once_and_those_between_the_two_end(pool: Pool, desk: Desk) -> None:
    old, new, third = [await new_issue(pool) for _ in range(3)]
    await link(desk, AGENT, old, "duplicates", new)
    await link(desk, AGENT, old, "relates to", third)
    await link(desk, AGENT, third, "relates to", new)
    await link(desk, AGENT, third, "blocks", old)
    await merge(desk, AGENT, old, new)
    assert await query(pool, "SELECT issue_key, kind, linked_key FROM issue_link ORDER BY 2") == [
        (third, "blocks", new),
        (third, "relates to", new),
    ]


async def test_a_chain_of_merges_has_one_step(pool: Pool, desk: Desk) -> None:
    first, second, third = [await new_issue(pool) for _ in range(3)]
    await merge(desk, AGENT, first, second)
    await merge(desk, AGENT, second, third)
    assert await query(pool, RECORDS) == [(first, third), (second, third), (third, None)]
    assert await query(pool, INDEXED) == [(first, third), (second, third), (third, None)]
    bodies = await query(pool, "SELECT issue_key, count(*) FROM comment GROUP BY 1")
    assert bodies == [(third, 2)]
    # Acts on the old keys are acts on the present issue.
    done = await edit(desk, AGENT, first, Edits(values={"summary": "By an old key"}))
    assert done.issue_key == third


async def test_keys_of_before_a_move_lead_to_the_successor(
    pool: Pool, desk: Desk, issue: str, other: str
) -> None:
    moved = await move(desk, AGENT, issue, "SALE")
    await merge(desk, AGENT, moved.issue_key, other)
    await move(desk, AGENT, other, "HELP")
    async with transaction(pool) as connection:
        keys = [issue, moved.issue_key, other, "HELP-2"]
        found = await issues.by_key(connection, keys)
    assert {key: one.issue_key for key, one in found.items()} == dict.fromkeys(keys, "HELP-2")
    assert found[issue].former_projects == ("SALE",)


@pytest.mark.parametrize(
    ("key", "into", "error", "problem"),
    [
        ("HELP-9", "HELP-1", IssueNotFound, "there is no issue HELP-9"),
        ("HELP-1", "HELP-9", IssueNotFound, "there is no issue HELP-9"),
        ("HELP-1", "HELP-1", MergeNotPossible, "HELP-1 and HELP-1 are one issue, HELP-1"),
        # A merge the other way round, or again.
        ("HELP-1", "HELP-2", MergeNotPossible, "HELP-1 and HELP-2 are one issue, HELP-1"),
        ("HELP-2", "HELP-1", MergeNotPossible, "HELP-2 and HELP-1 are one issue, HELP-1"),
    ],
)
async def test_a_refused_merge_changes_nothing(
    pool: Pool,
    desk: Desk,
    issue: str,
    key: str,
    into: str,
    error: type[PermanentError],
    problem: str,
) -> None:
    await merge(desk, AGENT, await new_issue(pool), issue)
    before = await query(pool, INDEXED), await query(pool, COMMENTS, issue), await published(pool)
    with pytest.raises(error, match=problem) as raised:
        await merge(desk, AGENT, key, into)
    assert raised.value.remedy
    assert before == (
        await query(pool, INDEXED),
        await query(pool, COMMENTS, issue),
        await published(pool),
    )


@pytest.mark.parametrize(
    "actor", [OUTSIDER, Actor(address=AGENT.address, channel="mail")], ids=["outsider", "mail"]
)
async def test_a_merge_takes_the_right_in_both_projects(
    desk: Desk, issue: str, other: str, actor: Actor
) -> None:
    for key, into in ((issue, other), (other, issue)):
        with pytest.raises(NotAllowed):
            await merge(desk, actor, key, into)


async def test_merges_in_a_circle_at_once_leave_one_issue(pool: Pool, desk: Desk) -> None:
    for _ in range(5):
        keys = [await new_issue(pool, description=str(n)) for n in range(4)]
        pairs = zip(keys, [*keys[1:], keys[0]], strict=True)
        async with asyncio.timeout(60):
            done = await asyncio.gather(
                *(merge(desk, AGENT, key, into) for key, into in pairs), return_exceptions=True
            )
        refused = [one for one in done if isinstance(one, Exception)]
        # The last one finds both of its keys to be one issue.
        assert [type(one) for one in refused] == [MergeNotPossible]
        found = await query(
            pool, "SELECT issue_key FROM issue_index WHERE merged_into IS NULL ORDER BY issue_id"
        )
        (present,) = (key for (key,) in found if key in keys)
        bodies = await query(
            pool, "SELECT body FROM comment WHERE issue_key = %s ORDER BY body", present
        )
        own = await query(pool, "SELECT description FROM issue WHERE issue_key = %s", present)
        assert sorted([*own, *bodies]) == [("0",), ("1",), ("2",), ("3",)]


async def test_a_merged_description_in_a_blob_is_still_named(
    pool: Pool, desk: Desk, issue: str
) -> None:
    """The collector of blobs must not take it: the record and the comment name it."""
    sha256 = hashlib.sha256(b"x").hexdigest()
    other = await new_issue(pool, description="", description_blob=sha256)
    await merge(desk, AGENT, other, issue)
    assert await query(pool, "SELECT body_blob FROM comment") == [(sha256,)]
    assert (sha256,) in await query(pool, "SELECT description_blob FROM issue")


async def test_a_record_does_not_keep_its_project_from_giving_up_what_it_has(
    pool: Pool, desk: Desk, issue: str
) -> None:
    """Nobody can change a record, so that the parts could never be removed."""
    other = await new_issue(pool, issue_type="Bug", assignee="second@example.com")
    await edit(desk, AGENT, other, Edits(values={"Serial": "X", "components": "Printer"}))
    await transition(desk, AGENT, other, "Done")
    smaller = HELP.model_copy(
        update={
            "issue_types": [IssueType(name="Request")],
            "statuses": [Status(name="New", category="to do"), HELP.statuses[0]],
            "components": [],
            "fields": [],
        }
    )
    second = Person(address="second@example.com", name="A Second Agent")
    changed = second.model_copy(update={"address": "new@example.com"})
    assert PROJECT.in_use is not None
    assert PERSON.in_use is not None
    async with transaction(pool) as connection:
        assert len(await PROJECT.in_use(connection, HELP, smaller)) == 4
        assert await PERSON.in_use(connection, second, changed)
    await merge(desk, AGENT, other, issue)
    async with transaction(pool) as connection:
        assert await PROJECT.in_use(connection, HELP, smaller) == []
        assert await PERSON.in_use(connection, second, changed) == []
        await store.save(connection, smaller, before=HELP, author="test", now=NOON)
        await free_merged_of(connection, [second.address])
    record = "SELECT issue_type, status, resolution, assignee FROM issue WHERE issue_key = %s"
    assert await query(pool, record, other) == [("Request", "New", None, None)]
    assert await query(pool, "SELECT 1 FROM custom_value") == []
    assert await query(pool, record, issue) == [("Request", "Open", None, None)]
