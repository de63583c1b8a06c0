"""Tests what people do to deliveries: release, retry and cancel, one message or all that match."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from postrail.database import Pool, rows, transaction
from postrail.errors import PermanentError
from postrail.operate.deliveries import (
    CANCEL,
    RELEASE,
    RETRY,
    Act,
    Filters,
    all_that_match,
    carry_out,
    of_message,
)
from postrail.outgoing import intake, suppressions
from postrail.records import OutgoingDelivered
from postrail.stream import avro
from tests.integration.sender.connections.test_rerouting import NOW
from tests.processes.senders import queued_mail

STATES = ("queued", "sending", "sent", "deferred", "held", "failed", "unconfirmed", "cancelled")
ACTS = {act.word: act for act in (RELEASE, RETRY, CANCEL)}


@pytest.fixture
async def one_of_each(pool: Pool) -> Pool:
    """Stores a delivery in each state; the local part of its recipient is the state."""
    async with transaction(pool) as connection:
        mails = [
            queued_mail(
                recipients=[f"{state}@x.org"], queued_at=NOW, connection=f"over-{place % 2}"
            )
            for place, state in enumerate(STATES)
        ]
        await intake.store(connection, mails)
        await connection.execute(
            "UPDATE delivery SET state = split_part(recipient, '@', 1),"
            " reply = 'because of ' || recipient"
        )
    return pool


async def changed(pool: Pool, act: Act, filters: Filters) -> set[str]:
    """Carries the act out; returns the former states of what it changed."""
    async with transaction(pool) as connection:
        chosen = await all_that_match(connection, act, filters)
        found = await carry_out(connection, act, chosen, "Sam", NOW)
    return {row.state for row in found}


async def states(pool: Pool) -> Counter[str]:
    async with transaction(pool) as connection:
        return Counter(row[0] for row in await rows(connection, "SELECT state FROM delivery"))


@pytest.mark.parametrize(
    ("word", "filters", "expected"),
    [
        ("release", Filters(), {"held"}),
        ("retry", Filters(), {"deferred"}),
        ("retry", Filters(state="unconfirmed"), {"unconfirmed"}),
        ("retry", Filters(state="failed"), {"failed"}),
        ("retry", Filters(over="over-1"), {"deferred"}),
        ("retry", Filters(state="failed", over="over-1"), {"failed"}),
        ("retry", Filters(state="failed", since=NOW), {"failed"}),
        ("retry", Filters(state="failed", since=NOW + timedelta(seconds=1)), set()),
        ("retry", Filters(over="over-0"), set()),
        ("retry", Filters(recipient="FAILED@x.org"), set()),
        ("retry", Filters(state="failed", recipient="FAILED@x.org"), {"failed"}),
        ("retry", Filters(reason="OF DEFERRED"), {"deferred"}),
        ("cancel", Filters(), {"queued", "deferred", "held"}),
        ("cancel", Filters(state="unconfirmed"), {"unconfirmed"}),
        ("cancel", Filters(issue_key="GONE-1"), set()),
    ],
)
async def test_all_that_match(
    one_of_each: Pool, word: str, filters: Filters, expected: set[str]
) -> None:
    before = await states(one_of_each)

    assert await changed(one_of_each, ACTS[word], filters) == expected

    moved_to = "cancelled" if word == "cancel" else "queued"
    after = before - Counter(expected) + Counter({moved_to: len(expected)})
    assert await states(one_of_each) == after
    # Again: those that wait are sent by the sender, the others are as they were.
    if word != "cancel":
        assert await changed(one_of_each, ACTS[word], filters) == set()


@pytest.mark.parametrize(
    ("word", "state"),
    [(word, state) for word, act in ACTS.items() for state in STATES if state not in act.states],
)
async def test_an_act_has_no_use_for_other_states(one_of_each: Pool, word: str, state: str) -> None:
    async with transaction(one_of_each) as connection:
        with pytest.raises(PermanentError, match=f"{state} deliveries cannot be"):
            await all_that_match(connection, ACTS[word], Filters(state=state))
        (mail,) = await rows(
            connection,
            "SELECT outgoing_id::text FROM delivery WHERE recipient = %s",
            [f"{state}@x.org"],
        )
        with pytest.raises(PermanentError, match=f"{state}@x.org {state}"):
            await of_message(connection, ACTS[word], mail[0], None)


async def test_cancelled_messages_are_announced(one_of_each: Pool) -> None:
    await changed(one_of_each, CANCEL, Filters())
    async with transaction(one_of_each) as connection:
        found = await rows(connection, "SELECT value FROM outbox")
    results = [
        result for (value,) in found for result in avro.decode_as(OutgoingDelivered, value).results
    ]
    assert {(one.state, one.reply) for one in results} == {("cancelled", "Cancelled by Sam")}
    assert len(results) == 3


@pytest.mark.parametrize(
    ("word", "state", "sends"), [("retry", "failed", True), ("cancel", None, False)]
)
async def test_suppressed_addresses_are_not_sent_to(
    one_of_each: Pool, word: str, state: str | None, sends: bool
) -> None:
    async with transaction(one_of_each) as connection:
        await suppressions.suppress(connection, "failed@x.org", "gone", None, NOW)
        chosen = await all_that_match(connection, ACTS[word], Filters(state=state))
    assert [row.recipient for row in chosen.suppressed] == (["failed@x.org"] if sends else [])


async def test_what_is_being_attempted_meanwhile_is_not_cancelled(one_of_each: Pool) -> None:
    async with transaction(one_of_each) as connection:
        chosen = await all_that_match(connection, CANCEL, Filters(state="queued"))
        await connection.execute("UPDATE delivery SET state = 'sending' WHERE state = 'queued'")
        assert await carry_out(connection, CANCEL, chosen, "Sam", NOW) == []
