"""Comments by hand: public and internal ones, mentions, edits; with history and record."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration import store
from postrail.configuration.models.person import Person
from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.comment import (
    TEXT_MAX_CHARACTERS,
    CommentNotFound,
    InvalidComment,
    comment,
    commenter,
    edit_comment,
)
from postrail.operate.issues.watch import watch
from postrail.people import PersonNotFound
from postrail.tracker import IssueNotFound
from postrail.workflow.rights import NotAllowed
from tests.integration.operate.issues.scene import (
    AGENT,
    LATER,
    LEAD,
    OPERATOR,
    OUTSIDER,
    history,
    published,
    query,
)
from tests.makers.records import NOON

ADA = "ada@example.org"
SECOND = "second@example.com"


async def add_people(pool: Pool, *people: Person) -> None:
    async with transaction(pool) as connection:
        for person in people:
            await store.save(connection, person, before=None, author="test", now=NOON)


async def recipients(pool: Pool) -> list[str]:
    found = await query(pool, "SELECT recipient FROM delivery ORDER BY recipient")
    return [row[0] for row in found]


async def comments(pool: Pool) -> list[tuple[Any, ...]]:
    return await query(
        pool, "SELECT comment_id, author_address, body, internal FROM comment ORDER BY comment_id"
    )


async def test_a_comment_has_history_a_record_and_notifications_by_one_random_id(
    pool: Pool, desk: Desk, issue: str
) -> None:
    done = await comment(desk, AGENT, issue, "Use water.")
    assert done.notified == (ADA,)
    assert await comments(pool) == [(done.comment_id, AGENT.address, "Use water.", False)]
    assert await history(pool, issue) == [
        ("comment", None, {"id": done.comment_id, "internal": False}),
        ("watcher", None, AGENT.address),
    ]
    (record,) = await published(pool)
    assert record.comment is not None
    assert (record.act, record.comment.text, record.comment.author_name) == (
        "comment",
        "Use water.",
        AGENT.name,
    )
    assert await query(
        pool,
        "SELECT DISTINCT comment.act_id = issue_change.act_id, cause = 'act ' || comment.act_id"
        " FROM comment, issue_change, outgoing_mail",
    ) == [(True, True)]
    assert record.act_id in (await query(pool, "SELECT cause FROM outgoing_mail"))[0][0]


async def test_the_operator_comments_in_the_name_of_the_help_desk(
    pool: Pool, desk: Desk, issue: str
) -> None:
    done = await comment(desk, OPERATOR, issue, "Use water.")
    assert await comments(pool) == [(done.comment_id, "desk@example.com", "Use water.", False)]
    (record,) = await published(pool)
    assert (record.actor_address, record.actor_name) == ("", "root")


async def test_an_internal_comment_is_for_insiders_only(pool: Pool, desk: Desk, issue: str) -> None:
    # Ada, an outsider with a person and an inactive agent watch, and so does an agent.
    for watcher in (SECOND, OUTSIDER.address):
        await watch(desk, OPERATOR, issue, watcher=watcher)
    await query(
        pool,
        "INSERT INTO watcher (issue_id, address)"
        " SELECT issue_id, 'gone@example.com' FROM issue_index RETURNING 1",
    )
    done = await comment(desk, AGENT, issue, "They never paid.", internal=True)
    assert done.notified == (SECOND,)
    assert await recipients(pool) == [SECOND]
    ((text, internal),) = await query(pool, "SELECT text, internal FROM outgoing_mail")
    assert internal
    assert "commented internally on HELP-1" in text
    # A later public comment goes to all of them, and holds nothing of the internal one.
    public = await comment(desk, AGENT, issue, "It is fixed.")
    assert {ADA, SECOND, OUTSIDER.address} <= set(public.notified)
    (text,) = (await query(pool, "SELECT text FROM outgoing_mail WHERE NOT internal"))[0]
    assert "paid" not in text


async def test_only_active_people_comment_by_hand(pool: Pool) -> None:
    async with transaction(pool) as connection:
        with pytest.raises(PersonNotFound, match="Let others write to the project's mailbox"):
            await commenter(connection, "Eve@example.net")
        assert (await commenter(connection, AGENT.address.upper())).address == AGENT.address


async def test_outsiders_write_no_internal_comments_and_edit_none(
    pool: Pool, desk: Desk, issue: str
) -> None:
    actor = OUTSIDER
    made = await comment(desk, actor, issue, "Please hurry.")
    before = await comments(pool)
    with pytest.raises(NotAllowed, match="may not comment internally"):
        await comment(desk, actor, issue, "x", internal=True)
    with pytest.raises(NotAllowed, match="may not edit comment"):
        await edit_comment(desk, actor, issue, made.comment_id, "x")
    assert await comments(pool) == before
    assert len(await published(pool)) == 1


async def test_an_edit_keeps_the_former_text_and_notifies_nobody(
    pool: Pool, desk: Desk, issue: str
) -> None:
    made = await comment(desk, AGENT, issue, "Use water. @second")
    told = await recipients(pool)
    await edit_comment(desk, LEAD, issue, made.comment_id, "Use sand. @lead")
    edited = await edit_comment(desk, LEAD, issue, made.comment_id, "Use foam.", internal=True)
    assert edited.internal
    # The text changes only, and the comment stays internal.
    assert (await edit_comment(desk, LEAD, issue, made.comment_id, "Use ice.")).internal
    assert await comments(pool) == [(made.comment_id, AGENT.address, "Use ice.", True)]
    assert await query(
        pool, "SELECT editor_address, body, internal FROM comment_edit ORDER BY xmin::text::bigint"
    ) == [
        (LEAD.address, "Use water. @second", False),
        (LEAD.address, "Use sand. @lead", False),
        (LEAD.address, "Use foam.", True),
    ]
    assert await query(pool, "SELECT edited_at FROM comment") == [(LATER,)]
    assert await recipients(pool) == told
    public = {"id": made.comment_id, "internal": False}
    internal = {"id": made.comment_id, "internal": True}
    assert [change for change in await history(pool, issue) if change[1]] == [
        ("comment", public, public),
        ("comment", public, internal),
        ("comment", internal, internal),
    ]
    texts = [record.comment and record.comment.text for record in await published(pool)]
    assert texts == ["Use water. @second", "Use sand. @lead", "Use foam.", "Use ice."]


async def test_the_search_finds_the_text_after_an_edit(pool: Pool, desk: Desk, issue: str) -> None:
    made = await comment(desk, AGENT, issue, "Use water.")
    await edit_comment(desk, AGENT, issue, made.comment_id, "Use foam.")
    found = [
        await query(pool, "SELECT 1 FROM issue_text WHERE words @@ to_tsquery('simple', %s)", word)
        for word in ("water", "foam")
    ]
    assert found == [[], [(1,)]]


async def test_an_edit_without_a_change_writes_nothing(pool: Pool, desk: Desk, issue: str) -> None:
    made = await comment(desk, AGENT, issue, "Use water.")
    await edit_comment(desk, AGENT, issue, made.comment_id, "Use water.")
    assert await query(pool, "SELECT 1 FROM comment_edit") == []
    assert len(await published(pool)) == 1


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        (" \n", InvalidComment, "has no text"),
        ("x" * (TEXT_MAX_CHARACTERS + 1), InvalidComment, "has 100001 characters"),
    ],
)
async def test_a_refused_text_changes_nothing(
    pool: Pool, desk: Desk, issue: str, text: str, error: type[PermanentError], problem: str
) -> None:
    with pytest.raises(error, match=problem):
        await comment(desk, AGENT, issue, text)
    with pytest.raises(error, match=problem):
        await edit_comment(desk, AGENT, issue, 1, text)
    assert await comments(pool) == []


async def test_an_unknown_issue_or_comment_is_refused(pool: Pool, desk: Desk, issue: str) -> None:
    with pytest.raises(IssueNotFound):
        await comment(desk, AGENT, "HELP-9", "x")
    with pytest.raises(CommentNotFound, match=r"HELP-1 has no comment 9\. .*issues show HELP-1"):
        await edit_comment(desk, AGENT, issue, 9, "x")


async def test_hostile_characters_are_stored_or_replaced(
    pool: Pool, desk: Desk, issue: str
) -> None:
    await comment(desk, AGENT, issue, "a\0b\udcffc\x1b[2J")
    ((_, _, body, _),) = await comments(pool)
    assert body == "ab?c\x1b[2J"


@pytest.mark.parametrize(
    ("text", "told", "unresolved"),
    [
        # The local part, with a full stop behind it; the whole address; first and last name.
        ("@second. Please look.", {ADA, SECOND}, {}),
        ("(@second@example.com)", {ADA, SECOND}, {}),
        ("@Grace.Hopper: see this", {ADA, "gh@example.com"}, {}),
        # A watcher or a person named twice gets one message; the author gets none.
        ("@second @second@example.com @agent", {ADA, SECOND}, {}),
        # An outsider may be mentioned in a public comment.
        ("@outsider", {ADA, OUTSIDER.address}, {}),
        ("@bob", {ADA}, {"bob": "it may be bob@a.example or bob@b.example"}),
        ("@bob@a.example", {ADA, "bob@a.example"}, {}),
        ("@nobody, @gone", {ADA}, {"nobody": "nobody has", "gone": "nobody has"}),
        # An address, a quoted line and a dotted word mention nobody.
        ("to second@example.com\n> @second\nx.@second", {ADA}, {}),
    ],
)
async def test_mentions_notify(
    pool: Pool, desk: Desk, issue: str, text: str, told: set[str], unresolved: dict[str, str]
) -> None:
    await add_people(
        pool,
        Person(address="gh@example.com", name="Grace Brewster  Hopper"),
        Person(address="bob@a.example"),
        Person(address="bob@b.example"),
    )
    done = await comment(desk, AGENT, issue, text)
    assert (set(done.notified), len(done.notified)) == (told, len(told))
    assert {one.name for one in done.unresolved} == set(unresolved)
    for one in done.unresolved:
        assert unresolved[one.name] in one.reason


async def test_an_internal_comment_mentions_no_outsider(pool: Pool, desk: Desk, issue: str) -> None:
    done = await comment(desk, AGENT, issue, "@outsider @second", internal=True)
    assert done.notified == (SECOND,)
    assert [one.name for one in done.unresolved] == ["outsider"]


async def test_an_outsider_mentions_nobody(pool: Pool, desk: Desk, issue: str) -> None:
    stranger = Actor(address="eve@example.net")
    done = await comment(desk, stranger, issue, "@second")
    assert done.notified == (ADA,)
    assert "may not mention" in done.unresolved[0].reason


async def test_a_person_is_mentioned_by_any_address(pool: Pool, desk: Desk, issue: str) -> None:
    await query(
        pool,
        "INSERT INTO person_address SELECT 'other@example.net', person_id FROM person"
        " WHERE address = 'second@example.com' RETURNING 1",
    )
    done = await comment(desk, AGENT, issue, "@other")
    assert set(done.notified) == {ADA, SECOND}
