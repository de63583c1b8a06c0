"""An issue is the same when it is rebuilt from its creation, by its history and by its records."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from postrail.database import Pool, transaction
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.assign import assign
from postrail.operate.issues.comment import comment
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.fields import UNRECORDED
from postrail.operate.issues.link import link, unlink
from postrail.operate.issues.move import MoveNotPossible, move
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.tracker import issues
from postrail.tracker.builtin.fields import read_fields
from postrail.workflow.fields import json_value
from postrail.workflow.rights import NotAllowed
from postrail.workflow.transitions import TransitionNotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.issues.scene import (
    ADMINISTRATOR,
    AGENT,
    LATER,
    LEAD,
    OPERATOR,
    new_issue,
    published,
    query,
)

ACTS = 1000
State = dict[str, Any]
PEOPLE = ["agent@example.com", "lead@example.com", "second@example.com"]
WORDS = ["fire", "Ünïcode ✓", "a\tb", "", "long " * 500, "'quoted\" \\", "\u2028line"]
# Fields of which each change adds a value, or takes one away.
SETS = ("watcher", "link", "comment")
STATUSES = ["Open", "In Progress", "Released", "Done"]


async def test_an_issue_is_its_creation_and_its_history(pool: Pool, desk: Desk) -> None:
    chance = random.Random(11)
    await new_issue(pool)
    values = {"summary": "First", "reporter": "agent@example.com", "labels": "a,b", "Pages": "7"}
    issue = (await create(desk, AGENT, "HELP", values)).issue_key
    first = await state_of(pool, issue)
    for number in range(ACTS):
        await random_act(chance, replace(desk, now=LATER + timedelta(minutes=number)), issue)
    last = await state_of(pool, issue)
    rows = await query(
        pool,
        "SELECT field, before, after, changed_at FROM issue_change"
        " WHERE issue_key = %s ORDER BY change_id",
        last["key"],
    )
    assert len(rows) > ACTS // 2
    state = {**first}
    for field, before, after, now in rows:
        change(state, field, before, after, now)
    assert state == last
    for field, before, after, now in reversed(rows):
        change(state, field, after, before, now)
    assert state == first
    assert await from_records(pool) == last


async def from_records(pool: Pool) -> State:
    """Rebuilds the issue from nothing but the records of its acts."""
    state: State = {**{name: set() for name in SETS}, "resolved": None, "key": "HELP-2"}
    for record in await published(pool):
        if record.issue_key == "HELP-1":
            continue
        for one in record.changes:
            before, after = (
                None if text is None else json.loads(text) for text in (one.before, one.after)
            )
            change(state, one.field, before, after, record.changed_at)
    return state


def change(state: State, field: str, before: Any, after: Any, now: datetime) -> None:
    """Changes a field, whose value has to be the one before."""
    if field in SETS:
        gone, new = ({json.dumps(one)} if one else set() for one in (before, after))
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


async def random_act(chance: random.Random, desk: Desk, issue: str) -> None:
    """Does one of the acts, which the workflow or the actor's role may refuse."""
    actor = chance.choice([AGENT, LEAD, ADMINISTRATOR, OPERATOR])
    act = chance.choice(RANDOM_ACTS)
    with contextlib.suppress(*REFUSALS):
        await act(chance, desk, actor, issue)


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
    comments = await query(
        pool, f"SELECT comment_id, internal FROM comment WHERE {of_issue}", found.issue_key
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
        "watcher": {json.dumps(address) for (address,) in watchers},
        "link": {json.dumps(words) for (words,) in links},
        "comment": {json.dumps({"id": one, "internal": internal}) for one, internal in comments},
    }


# What the workflow, the actor's role and the other project refuse.
REFUSALS = (TransitionNotAllowed, NotAllowed, InvalidValue, MoveNotPossible)
RANDOM_ACTS = [
    edit_a_field,
    edit_a_list,
    change_the_assignee,
    change_the_status,
    change_a_watcher,
    link_it,
    comment_on_it,
    move_it,
]
