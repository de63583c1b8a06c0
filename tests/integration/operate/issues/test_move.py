"""Moving an issue: its new number, its fields there, and all that refers to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.link import link
from postrail.operate.issues.move import MoveNotPossible, move
from postrail.operate.issues.transition import transition
from postrail.tracker import IssueNotFound, issues
from postrail.tracker.builtin.history import Change
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.workflow.rights import NotAllowed
from postrail.workflow.values import InvalidValue, ProjectNotFound
from tests.integration.operate.issues.scene import (
    ADMINISTRATOR,
    AGENT,
    LATER,
    LEAD,
    OPERATOR,
    OUTSIDER,
    history,
    mails,
    new_issue,
    published,
    query,
)
from tests.makers.drafts import attachment, comment_draft
from tests.servers.databases import until_lock_waits_in

ISSUE = (
    "SELECT issue_key, project_key, number, issue_type, status, resolution, components,"
    " changed_at FROM issue ORDER BY 1"
)
OF_ISSUE = {
    "comment": "SELECT issue_key FROM comment",
    "attachment": "SELECT issue_key FROM attachment",
    "issue_change": "SELECT DISTINCT issue_key FROM issue_change",
    "issue_text": "SELECT issue_key FROM issue_text",
    "watcher": "SELECT issue_key FROM watcher JOIN issue_index USING (issue_id)",
    "participant": "SELECT issue_key FROM participant JOIN issue_index USING (issue_id)",
    "issue_address": "SELECT issue_key FROM issue_address JOIN issue_index USING (issue_id)",
}


async def with_everything(pool: Pool) -> str:
    """Makes an issue of HELP with a comment, files and a search row."""
    key = await new_issue(pool, attachments=(attachment("a.txt", b"a"),))
    async with transaction(pool) as connection:
        draft = comment_draft(key, attachments=(attachment("b.txt", b"b"),))
        await BuiltinTracker().add_comments(connection, [draft], LATER)
    return key


async def test_a_moved_issue_has_the_next_number_there(pool: Pool, desk: Desk, issue: str) -> None:
    await new_issue(pool, project="SALE")
    moved = await move(desk, AGENT, issue, "SALE")
    assert (moved.issue_key, moved.former_key, moved.changes) == ("SALE-2", "HELP-1", ())
    assert await new_issue(pool, project="SALE") == "SALE-3"
    assert await new_issue(pool) == "HELP-2"
    assert (await query(pool, ISSUE))[2] == (
        *("SALE-2", "SALE", 2, "Request", "Open", None, [], LATER),
    )
    assert await history(pool, "SALE-2") == [("key", "HELP-1", "SALE-2")]
    (record,) = await published(pool)
    assert (record.act, record.issue_key, record.project) == ("move", "SALE-2", "SALE")
    assert [(one.field, one.before, one.after) for one in record.changes] == [
        ("key", '"HELP-1"', '"SALE-2"')
    ]


async def test_all_that_belongs_to_an_issue_follows_it(pool: Pool, desk: Desk) -> None:
    key = await with_everything(pool)
    moved = await move(desk, AGENT, key, "SALE")
    for table, statement in OF_ISSUE.items():
        found = {one for (one,) in await query(pool, statement)}
        assert found == {moved.issue_key}, table


async def test_the_search_uses_the_language_of_the_project_that_it_is_in(
    pool: Pool, desk: Desk
) -> None:
    await query(pool, "UPDATE project SET language = 'de' WHERE project_key = 'SALE' RETURNING 1")
    key = await new_issue(pool, summary="Die Drucker brennen", description="")
    async with transaction(pool) as connection:
        await BuiltinTracker().add_comments(
            connection, [comment_draft(key, body="Die Drucker brennen")], LATER
        )
    by_stem = "SELECT issue_key FROM issue_text WHERE words @@ to_tsquery('german', 'brenne')"
    assert await query(pool, by_stem) == []
    await move(desk, AGENT, key, "SALE")
    assert await query(pool, by_stem) == [("SALE-1",), ("SALE-1",)]


async def test_messages_keep_the_key_of_their_time_and_the_id(pool: Pool, desk: Desk) -> None:
    key = await new_issue(pool)
    await transition(desk, AGENT, key, "Done")
    before = await query(pool, "SELECT issue_id, issue_key FROM outgoing_mail")
    assert before[0][1] == key
    await move(desk, AGENT, key, "SALE")
    assert await query(pool, "SELECT issue_id, issue_key FROM outgoing_mail") == before


async def test_the_former_key_leads_to_the_issue(pool: Pool, desk: Desk, issue: str) -> None:
    await move(desk, AGENT, issue, "SALE")
    await edit(desk, AGENT, issue, Edits(values={"summary": "By its former key"}))
    again = await move(desk, AGENT, issue, "HELP")
    assert (again.issue_key, again.former_key) == ("HELP-2", "SALE-1")
    async with transaction(pool) as connection:
        found = await issues.by_key(connection, ["HELP-1", "SALE-1", "HELP-2"])
    assert {one.issue_key for one in found.values()} == {"HELP-2"}
    assert {one.former_projects for one in found.values()} == {("SALE",)}
    assert [change for change in await history(pool, "HELP-2") if change[0] == "key"] == [
        ("key", "HELP-1", "SALE-1"),
        ("key", "SALE-1", "HELP-2"),
    ]


async def test_watchers_are_notified_when_a_move_ends_or_opens_the_issue(
    pool: Pool, desk: Desk, issue: str
) -> None:
    assert (await move(desk, AGENT, issue, "SALE", {"status": "In Progress"})).notified == ()
    assert await mails(pool) == []
    done = await move(desk, AGENT, "SALE-1", "HELP", {"status": "Done"})
    assert done.notified == ("ada@example.org",)
    opened = await move(desk, AGENT, "HELP-2", "SALE", {"status": "Open"})
    assert opened.notified == ("ada@example.org",)
    texts = [text for _, text in await mails(pool)]
    assert "An Agent set HELP-2 to Done: Printer on fire" in texts[0]
    assert "An Agent set SALE-2 to Open: Printer on fire" in texts[1]


FIELDS = {"Serial": "X-1", "Pages": "12", "Floor": "First", "components": ["Printer"]}


async def test_fields_that_the_project_lacks_are_reported(
    pool: Pool, desk: Desk, issue: str
) -> None:
    await edit(desk, AGENT, issue, Edits(values=FIELDS))
    await transition(desk, AGENT, issue, "In Progress")
    await transition(desk, LEAD, issue, "Released")
    moved = await move(desk, AGENT, issue, "SALE")
    assert moved.changes == (
        Change("status", "Released", "Done"),
        Change("components", ["Printer"], []),
        Change("field:Floor", "First", None),
        Change("field:Pages", 12, None),
        Change("field:Serial", "X-1", None),
    )
    assert await query(pool, "SELECT * FROM custom_value") == []
    assert (await query(pool, ISSUE))[0][3:7] == ("Request", "Done", "Done", [])
    assert (await history(pool, "SALE-1"))[-5:] == [
        (one.field, one.before, one.after) for one in moved.changes
    ]


async def test_values_for_the_project_are_given_with_the_move(pool: Pool, desk: Desk) -> None:
    key = await new_issue(pool, project="SALE", issue_type="Bug")
    given = {
        "type": "task",
        "status": "in progress",
        "components": "network,Printer",
        "field:serial": "X-2",
        "Colours": ["Blue", "Red"],
        "Owner": "agent@example.com",
    }
    moved = await move(desk, AGENT, key, "HELP", given)
    assert moved.changes == (
        Change("type", "Bug", "Task"),
        Change("status", "Open", "In Progress"),
        Change("components", [], ["Printer", "Network"]),
        Change("field:Colours", None, ["Red", "Blue"]),
        Change("field:Owner", None, "agent@example.com"),
        Change("field:Serial", None, "X-2"),
    )
    values = "SELECT issue_key, project_key, field, text_value FROM custom_value ORDER BY 3, place"
    assert await query(pool, values) == [
        ("HELP-1", "HELP", "Colours", "Red"),
        ("HELP-1", "HELP", "Colours", "Blue"),
        ("HELP-1", "HELP", "Owner", "agent@example.com"),
        ("HELP-1", "HELP", "Serial", "X-2"),
    ]


@pytest.mark.parametrize(
    ("key", "project", "values", "error", "problem"),
    [
        ("HELP-9", "SALE", {}, IssueNotFound, "there is no issue HELP-9"),
        ("HELP-1", "NONE", {}, ProjectNotFound, "no project NONE. Use one of: HELP, SALE"),
        ("HELP-1", "HELP", {}, MoveNotPossible, "is in project HELP already. Use one of: SALE"),
        ("HELP-1", "SALE", {"type": "Nonsense"}, InvalidValue, "'Nonsense'"),
        ("HELP-1", "SALE", {"status": "Released"}, InvalidValue, "'Released'"),
        ("HELP-1", "SALE", {"Serial": "X"}, InvalidValue, "'Serial'"),
        ("HELP-1", "SALE", {"summary": "X"}, InvalidValue, "summary is not changed by a move"),
        ("HELP-1", "SALE", {"resolution": "X"}, InvalidValue, "resolution is not changed by"),
    ],
)
async def test_a_refused_move_changes_nothing(
    pool: Pool,
    desk: Desk,
    issue: str,
    key: str,
    project: str,
    values: Mapping[str, Any],
    error: type[PermanentError],
    problem: str,
) -> None:
    before = await query(pool, ISSUE)
    with pytest.raises(error, match=problem) as raised:
        await move(desk, AGENT, key, project, values)
    assert raised.value.remedy
    assert await query(pool, ISSUE) == before
    assert await query(pool, "SELECT * FROM issue_alias") == []
    assert await published(pool) == []
    assert await new_issue(pool, project="SALE") == "SALE-1"


@pytest.mark.parametrize(
    ("actor", "key", "project", "allowed"),
    [
        (OUTSIDER, "HELP-1", "SALE", False),
        # A known person whom no list of SALE names is an agent there, but not in HELP.
        (OUTSIDER, "SALE-1", "HELP", False),
        (Actor(address="stranger@example.net"), "HELP-1", "SALE", False),
        (AGENT, "HELP-1", "SALE", True),
        (LEAD, "HELP-1", "SALE", True),
        (ADMINISTRATOR, "SALE-1", "HELP", True),
        (OPERATOR, "HELP-1", "SALE", True),
        (Actor(address=AGENT.address, channel="mail"), "HELP-1", "SALE", False),
        (Actor(address=AGENT.address, channel="page"), "HELP-1", "SALE", True),
    ],
)
async def test_a_move_takes_the_right_in_both_projects(
    pool: Pool, desk: Desk, issue: str, actor: Actor, key: str, project: str, allowed: bool
) -> None:
    await new_issue(pool, project="SALE")
    if allowed:
        assert (await move(desk, actor, key, project)).issue_key == f"{project}-2"
        return
    with pytest.raises(NotAllowed):
        await move(desk, actor, key, project)


async def test_a_move_does_not_pass_by_an_approval(pool: Pool, desk: Desk) -> None:
    key = await new_issue(pool, project="SALE")
    with pytest.raises(NotAllowed, match="may not approve"):
        await move(desk, AGENT, key, "HELP", {"status": "Released"})
    assert (await move(desk, LEAD, key, "HELP", {"status": "Released"})).issue_key == "HELP-1"


async def test_merged_records_and_links_follow_a_move(pool: Pool, desk: Desk) -> None:
    first, second = await new_issue(pool), await new_issue(pool)
    await link(desk, AGENT, first, "blocks", second)
    await query(
        pool, "UPDATE issue SET merged_into = 'HELP-1' WHERE issue_key = 'HELP-2' RETURNING 1"
    )
    await move(desk, AGENT, first, "SALE")
    assert await query(pool, "SELECT issue_key, linked_key FROM issue_link") == [
        ("SALE-1", "HELP-2")
    ]
    assert await query(pool, "SELECT issue_key, merged_into FROM issue ORDER BY 1") == [
        ("HELP-2", "SALE-1"),
        ("SALE-1", None),
    ]


async def test_linked_issues_that_move_at_once_do_not_wait_for_each_other(
    pool: Pool, desk: Desk
) -> None:
    """Each move changes the rows of its links in both directions, here in another order."""
    first, second, third = await new_issue(pool), await new_issue(pool, project="SALE"), "HELP-2"
    assert await new_issue(pool) == third
    await link(desk, AGENT, third, "blocks", first)
    await link(desk, AGENT, third, "blocks", second)
    await link(desk, AGENT, first, "blocks", second)
    await link(desk, AGENT, second, "relates to", first)
    async with transaction(pool) as holding:
        # Both moves would get to these rows with one of the two between them in their hands.
        await holding.execute("SELECT 1 FROM issue_link WHERE issue_key = 'HELP-2' FOR UPDATE")
        one = asyncio.create_task(move(desk, AGENT, first, "SALE"))
        await until_lock_waits_in(pool, 1)
        other = asyncio.create_task(move(desk, AGENT, second, "HELP"))
        await until_lock_waits_in(pool, 2)
    async with asyncio.timeout(20):
        assert ((await one).issue_key, (await other).issue_key) == ("SALE-2", "HELP-3")
    links = "SELECT issue_key, linked_key FROM issue_link ORDER BY 1, 2"
    assert await query(pool, links) == [
        ("HELP-2", "HELP-3"),
        ("HELP-2", "SALE-2"),
        ("HELP-3", "SALE-2"),
        ("SALE-2", "HELP-3"),
    ]
