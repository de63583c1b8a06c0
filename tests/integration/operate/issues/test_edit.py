"""Edits of each field: valid, invalid, empty and unchanged values, and what history has of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.edit import Edits, edit
from postrail.tracker.builtin.fields import read_fields
from postrail.workflow.fields import json_value
from postrail.workflow.rights import NotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.issues.scene import (
    AGENT,
    LATER,
    OPERATOR,
    OUTSIDER,
    history,
    new_issue,
    published,
    query,
)
from tests.makers.acts import desk_at

# A field, a value to begin with (None: that of a new issue), the given value, and both as history
# has them.
VALID = [
    ("summary", None, " Water  ", "Printer on fire", "Water"),
    ("description", None, "Now it\nsmokes.", "It burns.", "Now it\nsmokes."),
    ("description", None, "", "It burns.", ""),
    ("type", None, "bug", "Request", "Bug"),
    ("type", None, "4", "Request", "Improvement"),
    ("priority", None, "highest", 3, 1),
    ("priority", None, "5", 3, 5),
    ("reporter", None, "Bob@example.org", "ada@example.org", "bob@example.org"),
    ("labels", None, "a,b", [], ["a", "b"]),
    ("labels", "a,b", "", ["a", "b"], []),
    ("components", None, "network", [], ["Network"]),
    ("components", "Network", [], ["Network"], []),
    ("due", None, "2026-02-28", None, "2026-02-28"),
    ("due", "2026-02-28", "", "2026-02-28", None),
    ("serial", None, "X", None, "X"),
    ("Serial", "X", "", "X", None),
    ("Pages", None, "0", None, 0),
    ("Pages", "1.5", "12345678901234", 1.5, 12345678901234),
    ("Pages", "1", None, 1, None),
    ("Bought", None, "2026-02-28", None, "2026-02-28"),
    ("Bought", "2026-02-28", None, "2026-02-28", None),
    ("Floor", None, "ground", None, "Ground"),
    ("Floor", "First", "", "First", None),
    ("Colours", None, ["green", "Red"], None, ["Red", "Green"]),
    ("Colours", "Red", "Blue", ["Red"], ["Blue"]),
    ("Colours", "Red", [], ["Red"], None),
    ("Owner", None, "lead@example.com", None, "lead@example.com"),
    ("Owner", "lead@example.com", "", "lead@example.com", None),
]


def _shown(name: str, value: Any) -> Any:
    """Returns the value as the result of an edit has it: the row holds the level of a priority."""
    names = {1: "Highest", 3: "Medium", 5: "Lowest"} if name == "priority" else {}
    return value if isinstance(value, list) else names.get(value, value)


@pytest.mark.parametrize(("name", "first", "given", "before", "after"), VALID)
async def test_a_valid_value_is_written_with_its_history(
    pool: Pool, desk: Desk, issue: str, name: str, first: Any, given: Any, before: Any, after: Any
) -> None:
    if first is not None:
        await edit(desk, OPERATOR, issue, Edits(values={name: first}))
    done = await edit(desk, AGENT, issue, Edits(values={name: given}))
    change = done.changes[0]
    assert (change.before, change.after) == (_shown(name, before), _shown(name, after))
    assert change.field.removeprefix("field:").lower() == name.lower()
    assert (change.field, before, after) in await history(pool, issue)
    assert await stored(pool, issue, change.field) == after


@pytest.mark.parametrize(("name", "first", "given", "before", "after"), VALID)
async def test_an_unchanged_value_writes_nothing(
    pool: Pool, desk: Desk, issue: str, name: str, first: Any, given: Any, before: Any, after: Any
) -> None:
    await edit(desk, OPERATOR, issue, Edits(values={name: given}))
    rows, records = await history(pool, issue), await published(pool)
    (changed,) = await query(pool, "SELECT changed_at FROM issue")
    done = await edit(desk, AGENT, issue, Edits(values={name: given}))
    assert done.changes == ()
    assert await history(pool, issue) == rows
    assert await published(pool) == records
    assert await query(pool, "SELECT changed_at FROM issue") == [changed]


@pytest.mark.parametrize(
    ("edits", "problem"),
    [
        (Edits(values={"summary": ""}), "summary may not be empty"),
        (Edits(values={"summary": "x" * 256}), "256 characters"),
        (Edits(values={"description": "x" * 100_001}), "100,001 characters"),
        (Edits(values={"description": "a\0b"}), "U[+]0000"),
        (Edits(values={"type": "Epic"}), "Use one of: Request, Bug"),
        (Edits(values={"type": ""}), "type may not be empty"),
        (Edits(values={"priority": "6"}), r"1 \(Highest\)"),
        (Edits(values={"priority": None}), "priority may not be empty"),
        (Edits(values={"reporter": "nobody"}), "is not an address"),
        (Edits(values={"reporter": ""}), "reporter may not be empty"),
        (Edits(values={"labels": "two words"}), "holds a blank"),
        (Edits(values={"components": "Scanner"}), "Use one of: Printer, Network"),
        (Edits(values={"due": "tomorrow"}), "Give one such as"),
        (Edits(values={"due": "2026-02-30"}), "Give one such as"),
        (Edits(values={"Serial": "x" * 10_001}), "10,001 characters"),
        (Edits(values={"Pages": "many"}), "is a number"),
        (Edits(values={"Pages": "NaN"}), "is a number"),
        (Edits(values={"Bought": "2026"}), "is a date"),
        (Edits(values={"Floor": "Second"}), "Use one of: Ground, First"),
        (Edits(values={"Colours": ["Red", "Black"]}), "Use one of: Red, Green, Blue"),
        (Edits(values={"Owner": "ada@example.org"}), "no person with the address"),
        (Edits(values={"Owner": "gone@example.com"}), "is not active"),
        (Edits(values={"Weight": "1"}), "'Weight'"),
        (Edits(values={"status": "Done"}), "Use: postrail issues transition"),
        (Edits(values={"Resolution": "Fixed"}), "Use: postrail issues transition"),
        (Edits(values={"assignee": "agent@example.com"}), "Use: postrail issues assign"),
        (Edits(values={"summary": "x", "SUMMARY": "y"}), "given twice"),
        (Edits(values={"labels": "x"}, add={"labels": ["y"]}), "given twice"),
        (Edits(add={"summary": ["x"]}), "summary is not a list"),
        (Edits(remove={"status": ["x"]}), "Use: postrail issues transition"),
        (Edits(add={"components": ["Scanner"]}), "Use one of: Printer, Network"),
        # One wrong value refuses the others, too.
        (Edits(values={"summary": "Water", "due": "never"}), "is a date"),
    ],
)
async def test_an_invalid_value_changes_nothing(
    pool: Pool, desk: Desk, issue: str, edits: Edits, problem: str
) -> None:
    (row,) = await query(pool, "SELECT * FROM issue")
    with pytest.raises(InvalidValue, match=problem):
        await edit(desk, AGENT, issue, edits)
    assert await query(pool, "SELECT * FROM issue") == [row]
    assert await query(pool, "SELECT * FROM custom_value") == []
    assert await history(pool, issue) == []
    assert await published(pool) == []


async def test_items_are_added_to_lists_and_removed(pool: Pool, desk: Desk, issue: str) -> None:
    await edit(desk, AGENT, issue, Edits(add={"labels": ["a", "b"], "Colours": ["Blue"]}))
    await edit(
        desk,
        AGENT,
        issue,
        Edits(
            add={"labels": ["c", "a"], "components": ["printer"], "Colours": ["Red"]},
            # One that it does not have is no fault: somebody else may have removed it.
            remove={"labels": ["B", "unknown"]},
        ),
    )
    assert await stored(pool, issue, "labels") == ["a", "c"]
    assert await stored(pool, issue, "components") == ["Printer"]
    assert await stored(pool, issue, "field:Colours") == ["Red", "Blue"]


async def test_several_fields_are_one_act(pool: Pool, desk: Desk, issue: str) -> None:
    values = {"summary": "Water", "Pages": "3", "labels": "wet"}
    await edit(desk, AGENT, issue, Edits(values=values))
    assert await query(
        pool, "SELECT count(DISTINCT act_id), count(*), min(actor_name) FROM issue_change"
    ) == [(1, 3, "An Agent")]
    (record,) = await published(pool)
    assert [(one.field, one.after) for one in record.changes] == [
        ("summary", '"Water"'),
        ("field:Pages", "3"),
        ("labels", '["wet"]'),
    ]
    # Notifications name the issue by its new summary.
    assert await query(pool, "SELECT summary FROM issue_index") == [("Water",)]


async def test_a_new_reporter_watches_the_issue(pool: Pool, desk: Desk, issue: str) -> None:
    await edit(desk, AGENT, issue, Edits(values={"reporter": "second@example.com"}))
    assert await query(pool, "SELECT reporter_address, reporter_name FROM issue") == [
        ("second@example.com", "A Second Agent")
    ]
    assert ("second@example.com",) in await query(pool, "SELECT address FROM watcher")


@pytest.mark.parametrize("given", ["", "Short."])
async def test_a_description_in_a_blob_is_replaced_and_kept_in_history(
    pool: Pool, desk: Desk, given: str
) -> None:
    issue = await new_issue(pool, description="", description_blob="f" * 64)
    await edit(desk, AGENT, issue, Edits(values={"description": given}))
    assert await query(pool, "SELECT description, description_blob FROM issue") == [(given, None)]
    assert await history(pool, issue) == [("description", {"blob": "f" * 64}, given)]


async def test_a_record_that_is_too_large_leaves_out_the_values_before(
    pool: Pool, desk: Desk
) -> None:
    issue = await new_issue(pool, description="x" * 900_000)
    await edit(desk, AGENT, issue, Edits(values={"description": "y" * 100_000}))
    (record,) = await published(pool)
    (change,) = record.changes
    assert change.before is None
    assert change.after == f'"{"y" * 100_000}"'


async def test_an_unknown_issue_is_refused(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="there is no issue HELP-9"):
        await edit(desk, AGENT, "HELP-9", Edits(values={"summary": "x"}))


@pytest.mark.parametrize("actor", [OUTSIDER, Actor(address="gone@example.com")])
async def test_outsiders_edit_nothing(pool: Pool, desk: Desk, issue: str, actor: Actor) -> None:
    with pytest.raises(NotAllowed, match="agent is the least role that may"):
        await edit(desk, actor, issue, Edits(values={"summary": "x"}))
    assert await history(pool, issue) == []


async def stored(pool: Pool, issue: str, field: str) -> Any:
    """Returns the value that the tables have, in the form of history."""
    async with transaction(pool) as connection:
        value = (await read_fields(connection, issue, {"Colours"})).get(field)
    return json_value(value)


async def test_the_time_of_change_never_goes_back(pool: Pool, issue: str) -> None:
    later = LATER + timedelta(minutes=5)
    await edit(desk_at(later, pool), AGENT, issue, Edits(values={"priority": "High"}))
    # It began before the other one, and waited for the issue.
    await edit(desk_at(LATER, pool), AGENT, issue, Edits(values={"priority": "Low"}))
    assert await query(pool, "SELECT changed_at, priority FROM issue") == [(later, 4)]
