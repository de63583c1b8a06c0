"""An issue is the same when it is rebuilt by its history, and by its records."""

from __future__ import annotations

import contextlib
import functools
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.effects.fields.write import UNRECORDED
from postrail.operate.issues.accept import accept
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.assign import assign
from postrail.operate.issues.attach import NewFile, attach
from postrail.operate.issues.comment import comment, edit_comment
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.link import link, unlink
from postrail.operate.issues.mailing.letter import Letter
from postrail.operate.issues.mailing.send import mail
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import MoveNotPossible, move
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.tracker import issues
from postrail.tracker.builtin.fields import read_fields
from postrail.workflow.fields import json_value
from postrail.workflow.rights import Act, NotAllowed
from postrail.workflow.transitions import TransitionNotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.issues.scene import (
    ADMINISTRATOR,
    AGENT,
    LATER,
    LEAD,
    OPERATOR,
    new_issue,
    outsider_comment,
    published,
    query,
)

ACTS = 1000
State = dict[str, Any]
RandomAct = Callable[[random.Random, Desk, Actor, str], Awaitable[None]]
PEOPLE = ["agent@example.com", "lead@example.com", "second@example.com"]
WORDS = ["fire", "Ünïcode ✓", "a\tb", "", "long " * 500, "'quoted\" \\", "\u2028line"]
# Fields of which each change adds a value, or takes one away.
SETS = ("watcher", "link", "comment", "accepted comment", "attachment", "merged from", "mail")
# A merge brings the others; they are changes of the issue that was merged.
OWN_COMMENTS = (
    "SELECT comment_id, internal FROM comment WHERE issue_key = %s AND mail_id IS NULL"
    " AND act_id NOT IN"
    " (SELECT act_id FROM issue_change WHERE act = 'merge') ORDER BY 1"
)
STATUSES = ["Open", "In Progress", "Released", "Done"]


async def test_an_issue_is_its_history(pool: Pool, desk: Desk, tmp_path: Path) -> None:
    chance = random.Random(14)
    blobs = BlobStore(tmp_path.as_uri())
    acts: list[RandomAct] = [*RANDOM_ACTS, functools.partial(attach_to_it, blobs)]
    await new_issue(pool)
    values = {"summary": "First", "reporter": "agent@example.com", "labels": "a,b", "Pages": "7"}
    issue = (await create(desk, AGENT, "HELP", values)).issue_key
    for number in range(ACTS):
        act = chance.choice(acts)
        actor = chance.choice([AGENT, LEAD, ADMINISTRATOR, OPERATOR])
        # The workflow or the actor's role may refuse it.
        with contextlib.suppress(*REFUSALS):
            await act(chance, replace(desk, now=LATER + timedelta(minutes=number)), actor, issue)
    last = await state_of(pool, issue)
    rows = await query(
        pool,
        "SELECT act, field, before, after, changed_at FROM issue_change"
        " WHERE issue_key = %s ORDER BY change_id",
        last["key"],
    )
    # Mentions are parts of comments.
    assert {act for act, *_ in rows} == set(Act) - {Act.MENTION}
    assert len(rows) > ACTS // 2
    state = nothing(issue)
    for _, field, before, after, now in rows:
        change(state, field, before, after, now)
    assert state == last
    for _, field, before, after, now in reversed(rows):
        change(state, field, after, before, now)
    assert state == nothing(issue)
    assert await from_records(pool, issue) == last


def nothing(issue: str) -> State:
    """Returns the state before the creation, but for the key, which has no change."""
    return {**{name: set() for name in SETS}, "resolved": None, "key": issue}


async def from_records(pool: Pool, issue: str) -> State:
    """Rebuilds the issue from nothing but the records of its acts."""
    state, records = nothing(issue), await published(pool)
    (issue_id,) = {one.issue_id for one in records if one.issue_key == issue}
    for record in records:
        for one in record.changes if record.issue_id == issue_id else ():
            before, after = (
                None if text is None else json.loads(text) for text in (one.before, one.after)
            )
            change(state, one.field, before, after, record.changed_at)
    return state


def change(state: State, field: str, before: Any, after: Any, now: datetime) -> None:
    """Changes a field, whose value has to be the one before."""
    if field in SETS:
        gone, new = ({_text(one)} if one else set() for one in (before, after))
        assert gone <= state[field]
        state[field] = state[field] - gone | new
        return
    assert state.get(field) == before, field
    state[field] = after
    if after is None:
        del state[field]
    if field == "resolution":
        resolved_at = state["resolved"] or now
        state["resolved"] = None if after is None else resolved_at


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


async def edit_a_field(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    values: dict[str, Any] = {
        "summary": chance.choice([word for word in WORDS if 0 < len(word) < 256]),
        "description": chance.choice(WORDS),
        "type": chance.choice(["Bug", "3", "Request"]),
        "priority": chance.randint(1, 5),
        "reporter": chance.choice([*PEOPLE, "stranger@example.net"]),
        "due": chance.choice([None, f"2027-01-{chance.randint(10, 31)}"]),
        "Serial": chance.choice(WORDS),
        "Pages": chance.choice([None, 0, chance.randint(-9, 9), chance.randint(1, 999) / 8]),
        "Bought": chance.choice([None, f"2026-01-{chance.randint(10, 31)}"]),
        "Floor": chance.choice(["", "Ground", "First"]),
        "Colours": chance.sample(["Red", "Green", "Blue"], chance.randint(0, 3)),
        "Owner": chance.choice(["", *PEOPLE]),
    }
    names = chance.sample(list(values), chance.randint(1, 3))
    await edit(desk, actor, issue, Edits(values={name: values[name] for name in names}))


async def edit_a_list(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    add, remove = ([chance.choice("abcde")] for _ in range(2))
    part = [chance.choice(["Printer", "Network"])]
    edits = Edits(add={"labels": add}, remove={"labels": remove, "components": part})
    await edit(desk, actor, issue, edits)
    await edit(desk, actor, issue, Edits(add={"components": part}))


async def change_the_assignee(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    await assign(desk, actor, issue, chance.choice([None, *PEOPLE]))


async def change_the_status(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    await transition(desk, actor, issue, chance.choice(STATUSES))


async def change_a_watcher(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    watching = chance.random() < 0.5
    await watch(desk, actor, issue, watcher=chance.choice(PEOPLE), watching=watching)


async def link_it(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    act = chance.choice([link, unlink])
    await act(desk, actor, issue, "blocks", "HELP-1")


async def comment_on_it(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    await comment(desk, AGENT, issue, "Some words.", internal=chance.random() < 0.5)


async def write_from_it(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    letter = Letter(to=[chance.choice(PEOPLE)], cc=["reporter"], text="Some words.")
    await mail(desk, actor, issue, letter)


async def edit_a_comment(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    async with transaction(desk.pool) as connection:
        (found,) = (await issues.by_key(connection, [issue])).values()
    if own := await query(desk.pool, OWN_COMMENTS, found.issue_key):
        comment_id, _ = chance.choice(own)
        internal = chance.random() < 0.5
        await edit_comment(desk, actor, issue, comment_id, "Other words.", internal=internal)


async def accept_a_comment(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    async with transaction(desk.pool) as connection:
        (found,) = (await issues.by_key(connection, [issue])).values()
    comment_id = await outsider_comment(desk.pool, found.issue_key)
    await accept(desk, actor, issue, comment_id, BlobStore("memory://"))


async def attach_to_it(
    blobs: BlobStore, chance: random.Random, desk: Desk, actor: Actor, issue: str
) -> None:
    content = chance.randbytes(3)
    await attach(desk, actor, issue, [NewFile(content.hex(), content)], blobs)


async def merge_into_it(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    """Merges a new issue into it in one of ten cases."""
    if chance.random() < 0.1:
        values = {"summary": "Another", "reporter": chance.choice(PEOPLE)}
        merged = (await create(desk, actor, "HELP", values)).issue_key
        await merge(desk, actor, merged, issue)


async def move_it(chance: random.Random, desk: Desk, actor: Actor, issue: str) -> None:
    """Moves the issue to the other project, which lacks its fields, in one of ten cases."""
    if chance.random() < 0.1:
        await move(desk, actor, issue, chance.choice(["HELP", "SALE"]))


async def state_of(pool: Pool, issue: str) -> State:
    """Returns the values of JSON that the tables have, without missing ones, and the sets."""
    async with transaction(pool) as connection:
        (found,) = (await issues.by_key(connection, [issue])).values()
        values = await read_fields(connection, found.issue_key, {"Colours"})
    of_issue = "issue_key = %s ORDER BY 1"
    watchers = await query(pool, "SELECT address FROM watcher WHERE issue_id = %s", found.issue_id)
    links = await query(
        pool, f"SELECT kind || ' ' || linked_key FROM issue_link WHERE {of_issue}", found.issue_key
    )
    comments = await query(pool, OWN_COMMENTS, found.issue_key)
    accepted = await query(
        pool,
        "SELECT comment_id, author_address FROM comment"
        " WHERE issue_key = %s AND accepted_at IS NOT NULL",
        found.issue_key,
    )
    files = await query(
        pool,
        f"SELECT attachment_id, name, content_type, size, sha256 FROM attachment WHERE {of_issue}",
        found.issue_key,
    )
    mails = await query(
        pool,
        "SELECT comment_id, shown_to, shown_cc FROM outgoing_mail"
        " JOIN comment ON cause = 'act ' || act_id"
        " WHERE message_event = 'manual' AND issue_id = %s",
        found.issue_id,
    )
    merged = await query(
        pool, "SELECT issue_key FROM issue WHERE merged_into = %s", found.issue_key
    )
    fields = {
        name: json_value(value)
        for name, value in values.items()
        if name not in UNRECORDED and value is not None
    }
    return {
        **fields,
        "key": found.issue_key,
        "resolved": values["resolved"],
        "watcher": {_text(address) for (address,) in watchers},
        "link": {_text(words) for (words,) in links},
        "attachment": {
            _text(dict(zip(["id", "name", "type", "size", "sha256"], row, strict=True)))
            for row in files
        },
        "mail": {
            _text(
                {
                    "id": one,
                    "to": [address for _, address in to],
                    "cc": [address for _, address in cc or ()],
                    "template": "",
                    "files": [],
                }
            )
            for one, to, cc in mails
        },
        "merged from": {_text(key) for (key,) in merged},
        "accepted comment": {_text({"id": one, "author": author}) for one, author in accepted},
        "comment": {_text({"id": one, "internal": internal}) for one, internal in comments},
    }


# What the workflow, the actor's role and the other project refuse.
REFUSALS = (TransitionNotAllowed, NotAllowed, InvalidValue, MoveNotPossible)
RANDOM_ACTS: list[RandomAct] = [
    edit_a_field,
    edit_a_list,
    change_the_assignee,
    change_the_status,
    change_a_watcher,
    link_it,
    comment_on_it,
    write_from_it,
    edit_a_comment,
    accept_a_comment,
    merge_into_it,
    move_it,
]
