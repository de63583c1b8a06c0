"""Requests and assignments in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from postrail.approvals import store
from postrail.approvals.request import (
    Assignment,
    AssignmentState,
    AtDeadline,
    Choice,
    ClosedBecause,
    Meaning,
    NewAssignment,
    Request,
    Rule,
    State,
    digest_of,
)
from postrail.database import Connection, Pool, open_pool, transaction
from postrail.message_parts import OutgoingAttachment
from postrail.settings import DatabaseSettings
from tests.makers.approvals.requests import ANA, BEN, CHO, new_request
from tests.makers.records import NOON

LATER = NOON + timedelta(hours=1)
UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    yield opened
    await opened.close()


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    async with transaction(pool) as opened:
        yield opened


async def asked(connection: Connection, *addresses: str) -> tuple[Request, list[Assignment]]:
    """Stores a request that asks these approvers, each at a place of its own."""
    request = await store.insert(connection, new_request())
    new = [NewAssignment(place=place, address=each) for place, each in enumerate(addresses, 1)]
    for each in await store.add_assignments(connection, request.request_id, new):
        await store.asked(connection, each.assignment_id, f"<{each.place}@x>", NOON)
    return request, (await store.assignments(connection, [request.request_id]))[request.request_id]


async def reread(connection: Connection, assignment: Assignment) -> Assignment:
    found = await store.assignment(connection, [assignment.assignment_id])
    return found[assignment.assignment_id]


async def test_a_request_is_read_as_it_was_given(connection: Connection) -> None:
    new = new_request(
        idempotency_key="build 7",
        order_digest="d1",
        fields=[("Environment", "production"), ("Größe", "“big”")],
        attachments=[
            OutgoingAttachment(name="plan.pdf", content_type="application/pdf", sha256="0a", size=9)
        ],
        choices=[
            Choice(name="now", label="Now"),
            Choice(name="no", label="Not at all", meaning=Meaning.REJECT),
        ],
        rule=Rule.COUNT,
        needed=2,
        at_deadline=AtDeadline.ESCALATE,
        escalate_to=(CHO,),
        remind_after_seconds=3600,
    )
    first = await store.insert(connection, new)
    second = await store.insert(connection, new_request())

    assert (first.key, second.key) == ("A-1", "A-2")
    assert (first.state, first.choice, first.closed_at) == (State.OPEN, "", None)
    assert first.digest == digest_of(new) == digest_of(first)
    for name in type(new).__dataclass_fields__:
        given, read = getattr(new, name), getattr(first, name)
        assert read == (list(given) if isinstance(given, tuple) else given), name
    assert await store.by_number(connection, 1) == first
    assert await store.by_number(connection, 3) is None
    assert await store.by_idempotency_key(connection, "build 7") == first
    assert await store.by_idempotency_key(connection, "build 8") is None
    ids = [second.request_id, first.request_id, UNKNOWN]
    assert await store.by_id(connection, ids) == {
        first.request_id: first,
        second.request_id: second,
    }
    assert await store.lock(connection, ids) == await store.by_id(connection, ids)


async def test_texts_that_postgresql_refuses_are_stored_without_the_part_that_it_refuses(
    connection: Connection,
) -> None:
    new = new_request(
        subject="a\0b",
        body="lone \ud800",
        fields=[("\0label", "va\0lue")],
        requester_name="R\0ob",
        choices=[Choice(name="yes", label="Y\0es")],
    )
    request = await store.insert(connection, new)

    assert (request.subject, request.body, request.requester_name) == ("ab", "lone ?", "Rob")
    assert list(request.fields) == [("label", "value")]
    assert request.choices[0].label == "Yes"
    assert request.digest == digest_of(request)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Deploy 4.3"},
        {"body": "It is not ready."},
        {"fields": [("Environment", "test")]},
        {"choices": [Choice(name="approve", meaning=Meaning.REJECT)]},
        {"rule": Rule.ALL},
        {"needed": 2},
        {"comment_required": True},
        {"attachments": [OutgoingAttachment(name="a", content_type="t", sha256="00", size=1)]},
    ],
)
def test_the_digest_covers_what_approvers_are_asked(change: dict[str, object]) -> None:
    assert digest_of(new_request(**change)) != digest_of(new_request())


async def test_a_second_request_with_a_key_is_refused(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await store.insert(connection, new_request(idempotency_key="one"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with transaction(pool) as connection:
            await store.insert(connection, new_request(idempotency_key="one"))


async def test_two_callers_with_one_key_make_one_request(pool: Pool) -> None:
    async def ask() -> str:
        async with transaction(pool) as connection:
            await store.lock_idempotency_key(connection, "one")
            found = await store.by_idempotency_key(connection, "one")
            made = found or await store.insert(connection, new_request(idempotency_key="one"))
            return made.request_id

    made = await asyncio.gather(*[ask() for _ in range(4)])
    assert len(set(made)) == 1


async def test_a_request_ends_once(connection: Connection) -> None:
    request, _ = await asked(connection, ANA)
    ended = await store.close_request(
        connection, request.request_id, State.DECIDED, "approve", LATER
    )
    again = await store.close_request(connection, request.request_id, State.EXPIRED, "", LATER)

    assert (ended, again) == (True, False)
    found = (await store.by_id(connection, [request.request_id]))[request.request_id]
    assert (found.state, found.choice, found.closed_at) == (State.DECIDED, "approve", LATER)
    await store.escalated(connection, request.request_id, LATER)
    assert (await store.by_number(connection, request.number)) == found


async def test_an_escalated_request_expires_at_its_second_deadline(connection: Connection) -> None:
    request = await store.insert(connection, new_request(at_deadline=AtDeadline.ESCALATE))
    await store.escalated(connection, request.request_id, LATER)
    found = (await store.by_id(connection, [request.request_id]))[request.request_id]
    assert (found.deadline, found.at_deadline) == (LATER, AtDeadline.EXPIRE)
    assert found.digest == digest_of(found)


async def test_an_approver_is_planned_asked_reminded_and_answers(connection: Connection) -> None:
    request = await store.insert(connection, new_request())
    [planned] = await store.add_assignments(
        connection,
        request.request_id,
        [NewAssignment(place=1, address="Ana@Example.org", name="A\0na")],
    )
    assert (planned.address, planned.name, planned.state) == (ANA, "Ana", AssignmentState.PLANNED)
    assert not await store.answered(
        connection, planned.assignment_id, choice="approve", comment="", mail_id="", now=NOON
    )
    assert await store.asked(connection, planned.assignment_id, "<m@x>", NOON)
    assert not await store.asked(connection, planned.assignment_id, "<other@x>", LATER)
    await store.reminded(connection, [planned.assignment_id])
    assert await store.answered(
        connection,
        planned.assignment_id,
        choice="approve",
        comment="Go\0od",
        mail_id="mail-1",
        now=LATER,
    )
    assert not await store.answered(
        connection, planned.assignment_id, choice="reject", comment="", mail_id="2", now=LATER
    )
    found = await reread(connection, planned)
    assert (found.message_id, found.asked_at, found.reminders) == ("<m@x>", NOON, 1)
    assert (found.state, found.choice, found.comment) == (
        AssignmentState.ANSWERED,
        "approve",
        "Good",
    )
    assert (found.mail_id, found.answered_at) == ("mail-1", LATER)


async def test_only_open_assignments_are_closed(connection: Connection) -> None:
    request, [ana, ben, cho] = await asked(connection, ANA, BEN, CHO)
    await store.answered(
        connection, ana.assignment_id, choice="approve", comment="", mail_id="m", now=NOON
    )
    ids = [ana.assignment_id, ben.assignment_id]
    [closed] = await store.close_assignments(connection, ids, ClosedBecause.REASSIGNED)
    assert closed == await reread(connection, ben)
    assert (closed.state, closed.closed_because) == (AssignmentState.CLOSED, "reassigned")
    assert not await store.close_assignments(connection, ids, ClosedBecause.DECIDED)
    assert not await store.answered(
        connection, ben.assignment_id, choice="approve", comment="", mail_id="m", now=NOON
    )
    opened = await store.open_assignments_of(connection, [ANA, BEN, CHO.upper()])
    assert [each.address for each in opened] == [CHO]
    assert await store.assignments(connection, [request.request_id, UNKNOWN]) == {
        UNKNOWN: [],
        request.request_id: [await reread(connection, each) for each in (ana, ben, cho)],
    }


async def test_nobody_is_asked_twice_at_a_place(connection: Connection) -> None:
    request, [ana] = await asked(connection, ANA)
    again = [
        NewAssignment(place=1, address=ANA),
        NewAssignment(place=1, address=BEN, answers_for=ANA),
        # A delegate of two approvers answers at the place of each.
        NewAssignment(place=2, address=BEN, answers_for=CHO),
    ]
    added = await store.add_assignments(connection, request.request_id, again)
    assert [(each.place, each.address) for each in added] == [(1, BEN), (2, BEN)]
    # Somebody who is no longer asked may be asked anew.
    await store.close_assignments(connection, [ana.assignment_id], ClosedBecause.REASSIGNED)
    assert await store.add_assignments(connection, request.request_id, again[:1])


async def test_a_place_has_one_answer(pool: Pool) -> None:
    async with transaction(pool) as connection:
        request, [ana] = await asked(connection, ANA)
        [ben] = await store.add_assignments(
            connection, request.request_id, [NewAssignment(place=1, address=BEN, answers_for=ANA)]
        )
        await store.asked(connection, ben.assignment_id, "<b@x>", NOON)
        await store.answered(
            connection, ana.assignment_id, choice="approve", comment="", mail_id="1", now=NOON
        )
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with transaction(pool) as connection:
            await store.answered(
                connection, ben.assignment_id, choice="reject", comment="", mail_id="2", now=NOON
            )


async def test_sealed_callback_urls_are_replaced(connection: Connection) -> None:
    request = await store.insert(connection, new_request(callback_url="sealed with the old key"))
    await store.insert(connection, new_request())
    assert await store.callback_urls(connection) == {request.request_id: "sealed with the old key"}
    await store.replace_callback_urls(connection, {request.request_id: "sealed anew"})
    assert await store.callback_urls(connection) == {request.request_id: "sealed anew"}
