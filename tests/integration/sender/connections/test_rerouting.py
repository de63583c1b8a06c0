"""Tests that waiting messages go over the connection that the configuration now says."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.sql import SQL, Identifier

from postrail.database import Pool, rows, transaction
from postrail.outgoing import intake
from postrail.outgoing.routing.rerouting import Routes, reroute
from postrail.tracker import issues
from postrail.tracker.issues import NewIssue
from tests.processes.senders import queued_mail

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROUTES = Routes(
    usable=frozenset({"relay", "sales", "spare"}),
    by_project={"HELP": "relay", "SALE": "sales"},
    default="spare",
)


async def stored(pool: Pool, connection_name: str, project: str | None, context: str = "") -> str:
    """Stores a message about an issue of a project, or about no issue; returns its id."""
    issue_id = None
    async with transaction(pool) as connection:
        if project:
            issue = NewIssue(
                tracker="builtin",
                issue_key=f"{project}-1",
                project=project,
                conversation="5e6f0c7e-0000-4000-8000-000000000001",
                summary="Printer",
                first_message_id=None,
            )
            (issue_id,) = await issues.add(connection, [issue], NOW)
        mail = queued_mail(
            issue_id=issue_id, connection=connection_name, queued_at=NOW, context=context
        )
        await intake.store(connection, [mail])
    return mail.outgoing_id


async def set_state(pool: Pool, state: str, due_at: datetime) -> None:
    async with transaction(pool) as connection:
        await connection.execute("UPDATE delivery SET state = %s, due_at = %s", [state, due_at])


async def moved(pool: Pool, routes: Routes = ROUTES) -> list[tuple[str, datetime]]:
    async with transaction(pool) as connection:
        await reroute(connection, routes, NOW)
        found = await rows(connection, "SELECT connection, due_at FROM delivery")
    return [(row[0], row[1]) for row in found]


@pytest.mark.parametrize(
    ("named", "project", "expected"),
    [
        # The one of the project, whatever was named before.
        ("relay", "SALE", "sales"),
        ("gone", "SALE", "sales"),
        ("sales", "SALE", "sales"),
        # A project without a connection, and a message about no issue: the default one, but only
        # if the named one cannot be used.
        ("gone", "OTHER", "spare"),
        ("relay", "OTHER", "relay"),
        ("gone", None, "spare"),
        ("relay", None, "relay"),
    ],
)
@pytest.mark.parametrize("state", ["queued", "deferred"])
async def test_waiting_messages(
    pool: Pool, named: str, project: str | None, expected: str, state: str
) -> None:
    await stored(pool, named, project)
    later = NOW + timedelta(hours=1)
    await set_state(pool, state, later)

    due = later if named == expected else NOW
    assert await moved(pool) == [(expected, due)]
    # Again: nothing changes.
    assert await moved(pool) == [(expected, due)]


@pytest.mark.parametrize("state", ["sent", "failed", "cancelled", "held", "unconfirmed"])
async def test_messages_that_do_not_wait_for_a_server_stay(pool: Pool, state: str) -> None:
    await stored(pool, "gone", "SALE")
    await set_state(pool, state, NOW)

    assert await moved(pool) == [("gone", NOW)]


@pytest.mark.parametrize(
    ("column", "value", "named", "expected"),
    [
        # It may have arrived over the one that it has; only one that cannot be used is left.
        ("unknown_attempts", 1, "relay", "relay"),
        ("unknown_attempts", 1, "gone", "sales"),
        # It was too large for that connection, or for another one.
        ("moved_from", "sales", "spare", "spare"),
        ("moved_from", "sales", "gone", "sales"),
        ("moved_from", "relay", "spare", "sales"),
    ],
)
async def test_what_keeps_the_connection_that_it_has(
    pool: Pool, column: str, value: object, named: str, expected: str
) -> None:
    await stored(pool, named, "SALE")
    await set_state(pool, "deferred", NOW)
    async with transaction(pool) as connection:
        statement = SQL("UPDATE delivery SET {} = %s").format(Identifier(column))
        await connection.execute(statement, [value])

    assert [name for name, _ in await moved(pool)] == [expected]


async def test_many_are_moved_in_steps(pool: Pool) -> None:
    for _ in range(3):
        await stored(pool, "gone", None)

    async with transaction(pool) as connection:
        counts = [await reroute(connection, ROUTES, NOW, limit=2) for _ in range(3)]

    assert counts == [2, 1, 0]


async def test_without_any_connection_they_wait(pool: Pool) -> None:
    await stored(pool, "gone", None)

    assert [name for name, _ in await moved(pool, Routes())] == ["gone"]


async def test_a_claimed_message_stays_with_its_sender(pool: Pool) -> None:
    await stored(pool, "gone", None)
    async with transaction(pool) as other:
        await rows(other, "SELECT FROM delivery FOR UPDATE")
        assert [name for name, _ in await moved(pool)] == ["gone"]


@pytest.mark.parametrize(
    ("context", "expected"), [("fire", "spare"), ("off", "sales"), ("", "sales")]
)
async def test_the_connection_of_a_context_comes_first(
    pool: Pool, context: str, expected: str
) -> None:
    routes = dataclasses.replace(ROUTES, by_context={"fire": "spare"})
    await stored(pool, "relay", "SALE", context=context)
    assert [name for name, _ in await moved(pool, routes)] == [expected]
