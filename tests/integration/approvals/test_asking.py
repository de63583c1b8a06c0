"""Approvers are asked, reminded and told, each by a message of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from postrail.approvals import ledger, store
from postrail.approvals.ledger import EventKind
from postrail.approvals.request import (
    Assignment,
    AssignmentState,
    ClosedBecause,
    NewAssignment,
    Request,
    State,
)
from postrail.approvals.token import is_genuine, tokens_in
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, one, open_pool, rows, transaction
from postrail.effects.approvals.ask import ask, remind, tell_closed
from postrail.effects.approvals.result import result_mail
from postrail.message_parts import OutgoingAttachment
from postrail.notifications.mime.message_ids import is_ours
from postrail.records import OutgoingQueued
from postrail.settings import DatabaseSettings
from tests.makers.approvals.requests import ANA, BEN, new_request
from tests.makers.approvals.setups import REPLIES, approval_setup, approving
from tests.makers.records import NOON

KEY = b"key"
PLAN = OutgoingAttachment(
    name="plan.pdf", content_type="application/pdf", sha256="a" * 64, size=12_000
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    pool = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    async with transaction(pool) as opened:
        yield opened
    await pool.close()


async def planned(connection: Connection, **changes: Any) -> tuple[Request, list[Assignment]]:
    """Stores a request to Ana and Ben, who are not asked yet."""
    request = await store.insert(connection, new_request(**changes))
    new = [NewAssignment(place=place, address=each) for place, each in enumerate([ANA, BEN], 1)]
    return request, await store.add_assignments(connection, request.request_id, new)


async def asked(
    connection: Connection, snapshot: ConfigurationSnapshot | None = None, **changes: Any
) -> tuple[Request, list[Assignment], list[OutgoingQueued]]:
    request, parts = await planned(connection, **changes)
    mails = await ask(connection, snapshot or approving(), request, parts, KEY, NOON)
    return (
        request,
        (await store.assignments(connection, [request.request_id]))[request.request_id],
        mails,
    )


async def person(connection: Connection, address: str, *further: str, **columns: Any) -> None:
    names = "".join(f", {name}" for name in columns)
    values = ", %s" * len(columns)
    await connection.execute(
        f"WITH made AS (INSERT INTO person (address, name{names})"
        f" VALUES (%s, 'Ana Sol'{values}) RETURNING person_id)"
        " INSERT INTO person_address (address, person_id)"
        " SELECT unnest(%s::text[]), person_id FROM made",
        [address, *columns.values(), [address, *further]],
    )


async def test_each_approver_gets_a_message_and_a_token_of_their_own(
    connection: Connection,
) -> None:
    request, parts, mails = await asked(connection)
    assert [one.state for one in parts] == [AssignmentState.ASKED] * 2
    tokens = set()
    for part, mail in zip(parts, mails, strict=True):
        (delivery,) = mail.deliveries
        assert delivery.recipient == part.address
        assert delivery.message_id == part.message_id
        assert is_ours(KEY, delivery.message_id)
        # The same token in all three places, and nowhere else.
        for found in (
            tokens_in([], [delivery.message_id], []),
            tokens_in([mail.reply_to], [], []),
            tokens_in([], [], [mail.text or ""]),
        ):
            (token,) = found
            assert is_genuine(token, KEY, request.request_id, part.address)
            tokens.add(str(token))
        assert "a-" not in mail.subject.replace("A-", "")
        assert mail.subject == f"[{request.key}] Deploy 4.2"
        assert mail.purpose == "approval"
    assert len(tokens) == 2
    stored = await rows(connection, "SELECT recipient, state FROM delivery ORDER BY recipient")
    assert stored == [(ANA, "queued"), (BEN, "queued")]


async def test_asking_twice_sends_once(connection: Connection) -> None:
    request, parts = await planned(connection)
    first = await ask(connection, approving(), request, parts, KEY, NOON)
    again = await ask(connection, approving(), request, parts, KEY, NOON)
    assert (len(first), again) == (2, [])
    events = await ledger.events_of(connection, request.request_id)
    assert [one.kind for one in events] == [EventKind.ASKED] * 2


async def test_without_plus_addresses_the_reply_address_is_plain(connection: Connection) -> None:
    _, _, mails = await asked(connection, approving(plus_addresses=False))
    assert [mail.reply_to for mail in mails] == [REPLIES] * 2


async def test_an_address_without_room_for_the_token_stays_plain(connection: Connection) -> None:
    long = f"{'approvals-of-deployments' * 2}@example.com"
    _, _, mails = await asked(connection, approving(approval_setup(reply_address=long)))
    assert [mail.reply_to for mail in mails] == [long] * 2
    assert all(tokens_in([], [], [mail.text or ""]) for mail in mails)


async def test_timers_are_those_of_the_first_time_of_asking(connection: Connection) -> None:
    request, parts = await planned(connection, remind_after_seconds=3600)
    for at, part in zip((NOON, NOON + timedelta(hours=9)), parts, strict=True):
        await ask(connection, approving(), request, [part], KEY, at)
    found = await rows(connection, "SELECT kind, key, due_at FROM timer ORDER BY kind")
    assert found == [
        ("approval_deadline", request.request_id, request.deadline),
        ("approval_reminder", request.request_id, NOON + timedelta(hours=1)),
    ]


async def test_a_person_is_written_to_in_their_language_and_time_zone(
    connection: Connection,
) -> None:
    await person(connection, "mail@example.org", ANA, language="de", time_zone="Europe/Berlin")
    _, _, (mail, other) = await asked(connection)
    assert mail.deliveries[0].recipient == "mail@example.org"
    assert "Antwort 1: Genehmigt" in (mail.text or "")
    assert "13:00 CET" in (mail.text or "")
    assert "Answer 1: Approve" in (other.text or "")
    assert "12:00 UTC" in (other.text or "")


async def test_a_person_who_is_not_active_stays_planned(connection: Connection) -> None:
    await person(connection, ANA, active=False)
    _, parts, mails = await asked(connection)
    assert [mail.deliveries[0].recipient for mail in mails] == [BEN]
    assert [one.state for one in parts] == [AssignmentState.PLANNED, AssignmentState.ASKED]


async def test_without_its_setup_a_request_asks_nobody(connection: Connection) -> None:
    request, parts, mails = await asked(connection, setup="gone")
    assert mails == []
    assert {one.state for one in parts} == {AssignmentState.PLANNED}
    assert await result_mail(connection, approving(), request, parts, KEY, NOON) == []


async def test_files_are_sent_with_the_request(connection: Connection) -> None:
    _, _, mails = await asked(connection, attachments=[PLAN])
    assert all(mail.attachments == [PLAN] for mail in mails)
    assert "> Attached:     plan.pdf (12 KB)" in (mails[0].text or "")


async def test_reminders_thread_below_the_request(connection: Connection) -> None:
    request, parts, _ = await asked(connection)
    await store.answered(
        connection, parts[1].assignment_id, choice="approve", comment="", mail_id="", now=NOON
    )
    parts = (await store.assignments(connection, [request.request_id]))[request.request_id]
    (mail,) = await remind(connection, approving(), request, parts, KEY, NOON)
    assert mail.deliveries[0].recipient == ANA
    assert mail.in_reply_to == parts[0].message_id
    assert mail.references == [parts[0].message_id]
    assert mail.deliveries[0].message_id != parts[0].message_id
    assert tokens_in([], [mail.deliveries[0].message_id], []) == tokens_in(
        [], [parts[0].message_id], []
    )
    assert mail.subject == f"[{request.key}] Deploy 4.2"
    assert mail.event == "approval_reminder"
    reread = await store.assignment(connection, [parts[0].assignment_id])
    assert reread[parts[0].assignment_id].reminders == 1
    (event,) = [
        event
        for event in await ledger.events_of(connection, request.request_id)
        if event.kind is EventKind.REMINDED
    ]
    assert event.assignment_id == parts[0].assignment_id
    (again,) = await remind(connection, approving(), request, list(reread.values()), KEY, NOON)
    assert again.outgoing_id != mail.outgoing_id


async def test_those_who_need_not_answer_are_told_below_their_request(
    connection: Connection,
) -> None:
    request, parts, _ = await asked(connection)
    closed = await store.close_assignments(
        connection, [one.assignment_id for one in parts], ClosedBecause.WITHDRAWN
    )
    mails = await tell_closed(
        connection, approving(), request, closed, ClosedBecause.WITHDRAWN, KEY, NOON
    )
    assert [mail.in_reply_to for mail in mails] == [one.message_id for one in closed]
    for mail in mails:
        # Nothing to answer by.
        assert tokens_in([mail.reply_to], [], [mail.text or ""]) == []
        assert tokens_in([], [mail.deliveries[0].message_id], []) == []
        assert "withdrawn" in (mail.text or "")


async def test_the_requester_is_told_of_the_result(connection: Connection) -> None:
    request, parts, _ = await asked(connection)
    await store.answered(
        connection,
        parts[0].assignment_id,
        choice="approve",
        comment="Not before Friday.",
        mail_id="",
        now=NOON,
    )
    await store.close_request(connection, request.request_id, State.DECIDED, "approve", NOON)
    decided = (await store.by_id(connection, [request.request_id]))[request.request_id]
    parts = (await store.assignments(connection, [request.request_id]))[request.request_id]
    (mail,) = await result_mail(connection, approving(), decided, parts, KEY, NOON)
    assert mail.deliveries[0].recipient == "requester@example.org"
    assert mail.text is not None
    assert "Your request was approved: A-" in mail.text
    assert "Not before Friday." in mail.text
    assert ANA in mail.text
    assert tokens_in([mail.reply_to], [mail.deliveries[0].message_id], [mail.text]) == []
    assert await one(
        connection, "SELECT 1 FROM outgoing_mail WHERE outgoing_id = %s", [mail.outgoing_id]
    )
