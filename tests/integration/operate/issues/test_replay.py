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
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.fields import UNRECORDED
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.tracker.builtin.fields import read_fields
from postrail.workflow.fields import json_value
from postrail.workflow.rights import NotAllowed
from postrail.workflow.transitions import TransitionNotAllowed
from tests.integration.operate.issues.scene import (
    ADMINISTRATOR,
    AGENT,
    LATER,
    LEAD,
    OPERATOR,
    published,
    query,
)

ACTS = 1000
State = dict[str, Any]
PEOPLE = ["agent@example.com", "lead@example.com", "second@example.com"]
WORDS = ["fire", "Ünïcode ✓", "a\tb", "", "long " * 500, "'quoted\" \\", "\u2028line"]
STATUSES = ["Open", "In Progress", "Released", "Done"]


async def test_an_issue_is_its_creation_and_its_history(pool: Pool, desk: Desk) -> None:
    chance = random.Random(11)
    values = {"summary": "First", "reporter": "agent@example.com", "labels": "a,b", "Pages": "7"}
    issue = (await create(desk, AGENT, "HELP", values)).issue_key
    first = await state_of(pool, issue)
    for number in range(ACTS):
        await random_act(chance, replace(desk, now=LATER + timedelta(minutes=number)), issue)
    last = await state_of(pool, issue)
    rows = await query(
        pool, "SELECT field, before, after, changed_at FROM issue_change ORDER BY change_id"
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
    state: State = {"watcher": set(), "resolved": None}
    for record in await published(pool):
        for one in record.changes:
            before, after = (
                None if text is None else json.loads(text) for text in (one.before, one.after)
            )
            change(state, one.field, before, after, record.changed_at)
    return state


def change(state: State, field: str, before: Any, after: Any, now: datetime) -> None:
    """Changes a field, whose value has to be the one before."""
    if field == "watcher":
        assert before is None or before in state["watcher"]
        state["watcher"] = (state["watcher"] - {before}) | ({after} - {None})
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
    act = chance.choice(
        [edit_a_field, edit_a_list, change_the_assignee, change_the_status, change_a_watcher]
    )
    with contextlib.suppress(TransitionNotAllowed, NotAllowed):
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


async def state_of(pool: Pool, issue: str) -> State:
    """Returns the values of JSON that the tables have, without missing ones, and the watchers."""
    async with transaction(pool) as connection:
        values = await read_fields(connection, issue, {"Colours"})
    watchers = await query(pool, "SELECT address FROM watcher")
    fields = {
        name: json_value(value)
        for name, value in values.items()
        if name not in UNRECORDED and value is not None
    }
    return {
        **fields,
        "resolved": values["resolved"],
        "watcher": {address for (address,) in watchers},
    }
