"""The ledger in PostgreSQL: it only grows, and a change of it or of what it proves is found."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, Event, EventKind, NewEvent, details_of
from postrail.approvals.request import NewAssignment, Request, State
from postrail.database import Connection, Pool, open_pool, rows, transaction
from postrail.settings import DatabaseSettings
from tests.makers.approvals.requests import ANA, BEN, new_request
from tests.makers.records import NOON

# As somebody can who has all rights in the database.
UNGUARDED = "ALTER TABLE approval_event DISABLE TRIGGER ALL"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    yield opened
    await opened.close()


def event(request: Request, kind: EventKind, **values: object) -> NewEvent:
    given: dict[str, object] = {"happened_at": NOON, "channel": Channel.MAIL, **values}
    return NewEvent(request_id=request.request_id, kind=kind, **given)  # type: ignore[arg-type]


def requested(request: Request) -> NewEvent:
    return event(
        request,
        EventKind.REQUESTED,
        channel=Channel.COMMAND,
        details=details_of(digest=request.digest, approvers=[ANA]),
    )


async def decided(pool: Pool) -> Request:
    """Stores a request that Ana has approved, with its events."""
    async with transaction(pool) as connection:
        request = await store.insert(connection, new_request())
        [ana] = await store.add_assignments(
            connection, request.request_id, [NewAssignment(place=1, address=ANA)]
        )
        await store.asked(connection, ana.assignment_id, "<m@x>", NOON)
        await ledger.append(connection, [requested(request)])
    async with transaction(pool) as connection:
        await store.answered(
            connection,
            ana.assignment_id,
            choice="approve",
            comment="Fine – größer",
            mail_id="mail-1",
            now=NOON,
        )
        await store.close_request(connection, request.request_id, State.DECIDED, "approve", NOON)
        answer = {"choice": "approve", "comment": "Fine – größer", "mail_id": "mail-1"}
        await ledger.append(
            connection,
            [
                event(
                    request,
                    EventKind.ANSWERED,
                    assignment_id=ana.assignment_id,
                    actor=ANA,
                    verdict="pass: dkim",
                    **answer,
                ),
                event(request, EventKind.DECIDED, choice="approve"),
            ],
        )
    return request


async def verified(pool: Pool) -> list[str]:
    async with transaction(pool) as connection:
        return [
            f"{each.event_id or 'no event'}: {each.reason}"
            for each in await ledger.verify(connection)
        ]


async def change(pool: Pool, *statements: str) -> None:
    async with transaction(pool) as connection:
        for statement in (UNGUARDED, *statements):
            await connection.execute(statement.encode())


async def test_an_empty_ledger_is_whole(pool: Pool) -> None:
    assert await verified(pool) == []


async def test_events_are_read_as_they_were_added(pool: Pool) -> None:
    request = await decided(pool)
    async with transaction(pool) as connection:
        first, answer, last = await ledger.events_of(connection, request.request_id)
        assert await ledger.events_of_mail(connection, "mail-1") == [answer]
        assert await ledger.events_of_mail(connection, "") == []
        assert await ledger.append(connection, []) == []
    assert [first.kind, answer.kind, last.kind] == ["requested", "answered", "decided"]
    assert [first.event_id, answer.event_id, last.event_id] == [1, 2, 3]
    assert [first.previous_hash, answer.previous_hash, last.previous_hash] == [
        "",
        first.hash,
        answer.hash,
    ]
    assert first.details == f'{{"approvers":["{ANA}"],"digest":"{request.digest}"}}'
    assert (answer.actor, answer.comment, answer.channel) == (ANA, "Fine – größer", Channel.MAIL)
    assert await verified(pool) == []


async def test_what_is_returned_is_what_is_stored(pool: Pool) -> None:
    async with transaction(pool) as connection:
        request = await store.insert(connection, new_request())
        added = await ledger.append(
            connection,
            [
                requested(request),
                event(request, EventKind.REFUSED, comment="a\0b", reason="\ud800"),
            ],
        )
        assert await ledger.events_of(connection, request.request_id) == added
    assert (added[1].comment, added[1].reason) == ("ab", "?")
    assert await verified(pool) == []


async def test_events_that_are_added_at_once_make_one_chain(pool: Pool) -> None:
    async with transaction(pool) as connection:
        request = await store.insert(connection, new_request())
        await ledger.append(connection, [requested(request)])

    async def add() -> list[Event]:
        async with transaction(pool) as connection:
            return await ledger.append(connection, [event(request, EventKind.REMINDED)] * 3)

    added = await asyncio.gather(*[add() for _ in range(5)])
    assert sorted(one.event_id for events in added for one in events) == list(range(2, 17))
    assert await verified(pool) == []


async def test_a_transaction_that_fails_leaves_no_gap(pool: Pool) -> None:
    async with transaction(pool) as connection:
        request = await store.insert(connection, new_request())
    with contextlib.suppress(RuntimeError):
        async with transaction(pool) as connection:
            await ledger.append(connection, [requested(request)])
            raise RuntimeError("the process ends here")
    async with transaction(pool) as connection:
        [added] = await ledger.append(connection, [requested(request)])
    assert added.event_id == 1
    assert await verified(pool) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approval_event SET comment = 'better'",
        "DELETE FROM approval_event WHERE event_id = 3",
        "TRUNCATE approval_event",
    ],
)
async def test_the_database_refuses_to_change_the_ledger(pool: Pool, statement: str) -> None:
    await decided(pool)
    with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        async with transaction(pool) as connection:
            await connection.execute(statement.encode())


CHANGED = "its content was changed"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE approval_event SET actor = 'eve@example.org' WHERE event_id = 2",
            [f"2: {CHANGED}"],
        ),
        ("UPDATE approval_event SET reason = 'x' WHERE event_id = 2", [f"2: {CHANGED}"]),
        (
            "UPDATE approval_event SET happened_at = happened_at + interval '1 us'"
            " WHERE event_id = 3",
            [f"3: {CHANGED}"],
        ),
        ("UPDATE approval_event SET verdict = 'none' WHERE event_id = 2", [f"2: {CHANGED}"]),
        ("UPDATE approval_event SET answered = true WHERE event_id = 2", [f"2: {CHANGED}"]),
        (
            "UPDATE approval_event SET kind = 'invented' WHERE event_id = 3",
            [
                f"3: {CHANGED}",
                "no event: A-1 is decided approve, and the ledger says: open",
            ],
        ),
        (
            "UPDATE approval_event SET details = 'none' WHERE event_id = 1",
            [f"1: {CHANGED}", "no event: what A-1 asks is not what the ledger says was asked"],
        ),
        (
            "UPDATE approval_event SET hash = 'x' WHERE event_id = 2",
            [f"2: {CHANGED}", "3: it does not continue the event before it"],
        ),
        (
            "DELETE FROM approval_event WHERE event_id = 2",
            [
                "3: the event before it is 1: events are missing",
                "no event: the answer of assignment 1 is not what the ledger says",
            ],
        ),
        (
            "DELETE FROM approval_event WHERE event_id = 3",
            [
                "no event: the last event is 2, which is not the end that approval_chain holds",
                "no event: A-1 is decided approve, and the ledger says: open",
            ],
        ),
        (
            "DELETE FROM approval_chain",
            ["no event: the last event is 0, which is not the end that approval_chain holds"],
        ),
        (
            "UPDATE approval_request SET choice = 'reject'",
            ["no event: A-1 is decided reject, and the ledger says: decided approve"],
        ),
        (
            "UPDATE approval_request SET state = 'open', choice = ''",
            ["no event: A-1 is open, and the ledger says: decided approve"],
        ),
        (
            "UPDATE approval_request SET body = 'Version 6.6 is ready.'",
            ["no event: what A-1 asks is not what the ledger says was asked"],
        ),
        (
            "UPDATE approval_request SET digest = ''",
            ["no event: the digest of A-1 was changed"],
        ),
        (
            "UPDATE approval_assignment SET choice = 'reject'",
            ["2: the answer of assignment 1 is not what the ledger says"],
        ),
        (
            "UPDATE approval_assignment SET state = 'asked'",
            ["2: the answer of assignment 1 is not what the ledger says"],
        ),
    ],
)
async def test_a_change_is_found(pool: Pool, statement: str, found: list[str]) -> None:
    await decided(pool)
    await change(pool, statement)
    assert await verified(pool) == found


async def test_two_events_that_change_their_places_are_found(pool: Pool) -> None:
    await decided(pool)
    await change(
        pool,
        "UPDATE approval_event SET event_id = 9 WHERE event_id = 2",
        "UPDATE approval_event SET event_id = 2 WHERE event_id = 3",
        "UPDATE approval_event SET event_id = 3 WHERE event_id = 9",
    )
    assert await verified(pool) == [
        "2: it does not continue the event before it",
        f"2: {CHANGED}",
        "3: it does not continue the event before it",
        f"3: {CHANGED}",
        "no event: the last event is 3, which is not the end that approval_chain holds",
    ]


async def test_an_answer_that_no_approver_gave_is_found(pool: Pool) -> None:
    request = await decided(pool)
    async with transaction(pool) as connection:
        [ben] = await store.add_assignments(
            connection, request.request_id, [NewAssignment(place=2, address=BEN)]
        )
        await store.asked(connection, ben.assignment_id, "<b@x>", NOON)
        await store.answered(
            connection, ben.assignment_id, choice="approve", comment="", mail_id="", now=NOON
        )
    assert await verified(pool) == [
        "no event: the answer of assignment 2 is not what the ledger says"
    ]


async def test_who_was_told_about_an_assignment_is_known(pool: Pool) -> None:
    request = await decided(pool)

    async def told(connection: Connection) -> tuple[bool, bool, bool]:
        return (
            await ledger.was_told(connection, 1, ANA),
            await ledger.was_told(connection, 1, BEN),
            await ledger.was_told(connection, 2, ANA),
        )

    async with transaction(pool) as connection:
        refused = {"assignment_id": 1, "actor": ANA, "reason": "unclear"}
        await ledger.append(connection, [event(request, EventKind.REFUSED, **refused)])
        assert await told(connection) == (False, False, False)
        await ledger.append(
            connection, [event(request, EventKind.REFUSED, **refused, answered=True)]
        )
        assert await told(connection) == (True, False, False)


async def test_a_long_ledger_is_verified_in_pieces(pool: Pool) -> None:
    async with transaction(pool) as connection:
        request = await store.insert(connection, new_request())
        reminders = [event(request, EventKind.REMINDED)] * 1000
        await ledger.append(connection, [requested(request), *reminders])
    assert await verified(pool) == []
    await change(pool, "DELETE FROM approval_event WHERE event_id = 500")
    assert await verified(pool) == ["501: the event before it is 499: events are missing"]
    async with transaction(pool) as connection:
        assert await rows(connection, "SELECT count(*) FROM approval_event") == [(1000,)]
