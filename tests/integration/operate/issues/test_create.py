"""Issues by hand: their fields, people and notifications, and what the record holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from postrail.configuration import store
from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.comment import comment
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from postrail.tracker import issues
from postrail.tracker.builtin.fields import read_fields
from postrail.workflow.rights import NotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.issues.scene import (
    AGENT,
    HELP,
    OPERATOR,
    OUTSIDER,
    history,
    mails,
    published,
    query,
)
from tests.makers.records import NOON

ADA, SECOND = "ada@example.org", "second@example.com"
WATCHERS = "SELECT address FROM watcher ORDER BY address"
EVERYTHING = {
    "summary": " A  new printer ",
    "description": "Please.\nSoon.",
    "type": "2",
    "reporter": "Ada@example.org",
    "priority": "High",
    "assignee": "Second@example.com",
    "labels": "urgent,paper",
    "components": ["network", "Printer"],
    "due": "2026-02-01",
    "serial": "X-1",
    "Pages": "12.50",
    "Bought": "2025-12-24",
    "Floor": "first",
    "Colours": ["Blue", "Red"],
    "Owner": "lead@example.com",
}
STORED = {
    "summary": "A new printer",
    "description": "Please.\nSoon.",
    "type": "New Feature",
    "status": "Open",
    "priority": 2,
    "assignee": SECOND,
    "reporter": ADA,
    "labels": ["urgent", "paper"],
    "components": ["Printer", "Network"],
    "due": "2026-02-01",
    "field:Serial": "X-1",
    "field:Pages": 12.5,
    "field:Bought": "2025-12-24",
    "field:Floor": "First",
    "field:Colours": ["Red", "Blue"],
    "field:Owner": "lead@example.com",
}


async def test_a_record_holds_a_new_issue_whole(pool: Pool, desk: Desk) -> None:
    done = await create(desk, AGENT, "HELP", EVERYTHING)
    assert done.issue_key == "HELP-1"
    (record,) = await published(pool)
    assert (record.act, record.issue_key, record.project) == ("create", "HELP-1", "HELP")
    changed = {one.field: json.loads(one.after or "") for one in record.changes}
    assert {one.before for one in record.changes} == {None}
    assert changed.pop("watcher") in {ADA, SECOND}
    assert changed == STORED
    assert await history(pool, "HELP-1") == [
        (one.field, None, json.loads(one.after or "")) for one in record.changes
    ]


async def test_people_of_a_new_issue_watch_it_and_are_notified(pool: Pool, desk: Desk) -> None:
    done = await create(desk, AGENT, "HELP", EVERYTHING)
    assert set(done.notified) == {ADA, SECOND}
    assert await query(pool, WATCHERS) == [(ADA,), (SECOND,)]
    texts = dict(await mails(pool))
    assert "An Agent opened HELP-1 for you: A new printer\n\nPlease.\nSoon.\n" in texts[ADA]
    assert "An Agent opened HELP-1, which is assigned to you: A new printer\n" in texts[SECOND]


async def test_messages_about_an_issue_that_no_message_began_are_one_conversation(
    pool: Pool, desk: Desk
) -> None:
    await create(desk, AGENT, "HELP", EVERYTHING)
    await comment(desk, AGENT, "HELP-1", "It is here.", internal=False)
    ((root, references),) = set(
        await query(pool, "SELECT in_reply_to, reference_ids::text FROM outgoing_mail")
    )
    ((conversation,),) = await query(pool, "SELECT conversation::text FROM conversation_issue")
    assert root == f"<issue.{conversation}@example.com>"
    assert references == f"{{{root}}}"


async def test_a_reporter_who_is_assigned_is_notified_once(pool: Pool, desk: Desk) -> None:
    values = {"summary": "x", "reporter": SECOND, "assignee": SECOND}
    assert (await create(desk, AGENT, "HELP", values)).notified == (SECOND,)


async def test_defaults_of_a_new_issue(pool: Pool, desk: Desk) -> None:
    done = await create(desk, OUTSIDER, "HELP", {"summary": "Help me"})
    assert done.notified == ()
    async with transaction(pool) as connection:
        values = await read_fields(connection, done.issue_key, ())
        (found,) = (await issues.by_key(connection, [done.issue_key])).values()
    assert (values["type"], values["status"], values["priority"]) == ("Request", "Open", 3)
    assert (values["reporter"], values["reporter name"]) == (OUTSIDER.address, OUTSIDER.name)
    assert await query(pool, WATCHERS) == [(OUTSIDER.address,)]
    # An answer to a notification finds the issue by its conversation.
    assert await query(pool, "SELECT conversation::text, issue_id FROM conversation_issue") == [
        (found.conversation, found.issue_id)
    ]


@pytest.mark.parametrize(
    ("own", "assignee", "told"),
    [
        (SECOND, SECOND, (SECOND,)),
        ("second@home.example", SECOND, (SECOND,)),
        ("gone@example.com", None, ()),
    ],
)
async def test_the_default_assignee(
    pool: Pool, desk: Desk, own: str, assignee: str | None, told: tuple[str, ...]
) -> None:
    async with transaction(pool) as connection:
        project = HELP.model_copy(update={"default_assignee": own})
        await store.save(connection, project, before=HELP, author="test", now=NOON)
    assert (await create(desk, AGENT, "HELP", {"summary": "x"})).notified == told
    assert await query(pool, "SELECT assignee FROM issue") == [(assignee,)]


@pytest.mark.parametrize(
    ("actor", "project", "values", "error", "problem"),
    [
        (AGENT, "NONE", {"summary": "x"}, PermanentError, "there is no project NONE"),
        (AGENT, "HELP", {"summary": " "}, InvalidValue, "summary may not be empty"),
        (AGENT, "HELP", {"description": "x"}, InvalidValue, "summary may not be empty"),
        (
            OPERATOR,
            "HELP",
            {"summary": "x", "reporter": " "},
            InvalidValue,
            "reporter may not be empty",
        ),
        (AGENT, "HELP", {"summary": "x", "Summary": "y"}, InvalidValue, "given twice"),
        (AGENT, "HELP", {"summary": "x", "status": "Done"}, InvalidValue, "not set for a new"),
        (AGENT, "HELP", {"summary": "x", "Weight": "1"}, InvalidValue, "'Weight'"),
        (AGENT, "SALE", {"summary": "x", "Serial": "1"}, InvalidValue, "'Serial'"),
        (OUTSIDER, "HELP", {"summary": "x", "priority": "1"}, NotAllowed, "may not edit"),
        (OUTSIDER, "HELP", {"summary": "x", "assignee": SECOND}, NotAllowed, "may not assign"),
        (OUTSIDER, "HELP", {"summary": "x", "reporter": ADA}, NotAllowed, "may not edit"),
    ],
)
async def test_a_refused_issue_takes_no_number(
    pool: Pool,
    desk: Desk,
    actor: Actor,
    project: str,
    values: Mapping[str, Any],
    error: type[PermanentError],
    problem: str,
) -> None:
    with pytest.raises(error, match=problem):
        await create(desk, actor, project, values)
    assert await published(pool) == []
    assert (await create(desk, AGENT, "HELP", {"summary": "x"})).issue_key == "HELP-1"


async def test_a_new_issue_is_edited_like_any_other(pool: Pool, desk: Desk) -> None:
    key = (await create(desk, AGENT, "HELP", EVERYTHING)).issue_key
    await edit(desk, AGENT, key, Edits(values={"Pages": "13"}))
    assert (await history(pool, key))[-1] == ("field:Pages", 12.5, 13)


async def test_the_history_says_who_opened_an_issue_for_whom(pool: Pool, desk: Desk) -> None:
    key = (await create(desk, AGENT, "HELP", {"summary": "x", "reporter": ADA})).issue_key
    opened = await query(
        pool,
        "SELECT DISTINCT act, actor_address, actor_name, channel, changed_at FROM issue_change"
        " WHERE issue_key = %s",
        key,
    )
    assert opened == [("create", AGENT.address, AGENT.name, "command", desk.now)]
    assert ("reporter", None, ADA) in await history(pool, key)
