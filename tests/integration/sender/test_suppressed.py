"""Nothing is sent to a suppressed address, whatever state its deliveries were in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from postrail.clock import SettableClock
from postrail.database import Pool, rows, transaction
from postrail.operate.deliveries import CANCEL, Filters, all_that_match, carry_out
from postrail.outgoing import intake, queue, results, suppressions
from postrail.outgoing.queue import Claimed
from postrail.outgoing.results import AttemptResult, DeliveryState
from postrail.views.outgoing import deliveries, suppressed
from services.sender.alerts.faults import Alerts
from services.sender.alerts.tell import Teller
from services.sender.announcer import record
from services.sender.channels import Channels
from tests.processes.senders import queued_mail

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
MAIL_ID = "3f2b6a0e-0000-4000-8000-000000000001"
# Nobody is told: these messages are about no issue.
TELLER = Teller(message_id_key=b"", address="")
ALERTS = Alerts(Channels(cast(Any, None), SettableClock(), cast(Any, None)), TELLER)
ANN, BO = "Ann@example.org", "bo@example.org"


async def store(pool: Pool, recipient: str) -> None:
    async with transaction(pool) as connection:
        record = queued_mail(recipients=[recipient], queued_at=NOW, issue_key=None)
        await intake.take_in(connection, [record])


async def claim(pool: Pool) -> list[Claimed]:
    async with transaction(pool) as connection:
        return await queue.claim_due(connection, LATER, 60.0, 9, outgoing_connection="relay")


async def suppress(pool: Pool, address: str) -> None:
    async with transaction(pool) as connection:
        await suppressions.suppress(connection, address, "no such user", MAIL_ID, NOW)


def result_of(claimed: Claimed, state: DeliveryState, reply: str, dead: str = "") -> AttemptResult:
    return AttemptResult(
        claimed=claimed,
        state=state,
        reply=reply,
        due_at=LATER,
        maybe_twice=False,
        unknown_attempts=0,
        dead_address=dead,
    )


async def finish(pool: Pool, claimed: Claimed, state: DeliveryState) -> None:
    result = result_of(claimed, state, "450 later")
    async with transaction(pool) as connection:
        assert await results.finish(connection, NOW, [result]) == [result]


async def states(pool: Pool) -> list[tuple[str, str, str]]:
    async with transaction(pool) as connection:
        return await rows(
            connection, "SELECT recipient, state, reply FROM delivery ORDER BY sequence"
        )


HELD = (ANN, "held", f"{suppressions.SUPPRESSED}no such user")


async def test_what_waits_is_held_and_others_are_sent(pool: Pool) -> None:
    await store(pool, ANN)
    await store(pool, BO)
    await suppress(pool, ANN.lower())
    assert [one.recipient for one in await claim(pool)] == [BO]
    assert (await states(pool))[0] == HELD


async def test_what_comes_is_held_however_the_address_is_written(pool: Pool) -> None:
    await suppress(pool, ANN)
    await store(pool, ANN)
    assert await states(pool) == [HELD]
    assert await claim(pool) == []


@pytest.mark.parametrize(("state", "kept"), [("deferred", "held"), ("sent", "sent")])
async def test_an_attempt_in_flight_is_the_last_one(
    pool: Pool, state: DeliveryState, kept: str
) -> None:
    await store(pool, ANN)
    (claimed,) = await claim(pool)
    await suppress(pool, ANN)
    await finish(pool, claimed, state)
    ((_, found, _),) = await states(pool)
    assert found == kept
    assert await claim(pool) == []


@pytest.mark.parametrize("how", ["suppressed in between", "its sender was killed"])
async def test_what_the_queue_passes_over_is_held_and_a_person_decides_about_it(
    pool: Pool, how: str
) -> None:
    if how == "suppressed in between":
        # Neither transaction sees the other's row.
        async with transaction(pool) as first, transaction(pool) as second:
            await suppressions.suppress(first, ANN, "no such user", MAIL_ID, NOW)
            record = queued_mail(recipients=[ANN], queued_at=NOW, issue_key=None)
            await intake.store(second, [record])
    else:
        await store(pool, ANN)
        await claim(pool)
        await suppress(pool, ANN)
        async with transaction(pool) as connection:
            await connection.execute("UPDATE delivery SET claim_until = now() - interval '1 s'")
    assert await claim(pool) == []
    async with transaction(pool) as connection:
        assert await suppressions.release(connection, ANN, "Ben", NOW)
    assert await states(pool) == [HELD]
    assert await claim(pool) == []
    async with transaction(pool) as connection:
        chosen = await all_that_match(connection, CANCEL, Filters(recipient=ANN))
        assert len(await carry_out(connection, CANCEL, chosen, "Ben", NOW)) == 1
    assert await claim(pool) == []


async def test_what_was_passed_over_is_held_before_a_person_asks(pool: Pool) -> None:
    await store(pool, BO)
    await suppress(pool, ANN)
    await store(pool, ANN)
    async with transaction(pool) as connection:
        await connection.execute("UPDATE delivery SET state = 'queued', reply = ''")
        assert await suppressions.hold(connection, NOW) == 1
    assert [state for _, state, _ in await states(pool)] == ["queued", "held"]


async def test_an_address_that_the_server_refuses_as_dead_is_suppressed_at_once(
    pool: Pool,
) -> None:
    for recipient in (ANN, BO, ANN):
        await store(pool, recipient)
    refused, other, later = await claim(pool)
    words = "550 5.1.1 No such user"
    dead = result_of(refused, "failed", words, "5.1.1")
    # Another attempt of the same round would be tried again.
    deferred = result_of(later, "deferred", "450 later")
    async with transaction(pool) as connection:
        await record(connection, [dead, result_of(other, "sent", "250"), deferred], ALERTS, NOW)
    held = f"{suppressions.SUPPRESSED}not delivered: {words}"
    assert await states(pool) == [(ANN, "failed", words), (BO, "sent", "250"), (ANN, "held", held)]
    async with transaction(pool) as connection:
        (row,) = await suppressed(connection, limit=9)
        (shown,) = await deliveries(connection, bounced=True)
    assert (row.address, row.mail_id, row.held) == (ANN.lower(), None, 1)
    ((event, status, reason),) = [
        (one["event"], one["status"], one["reason"]) for one in shown.reports
    ]
    assert (event, status, reason) == ("hard", "5.1.1", words)
    # A person puts it right, and the server refuses it once more.
    async with transaction(pool) as connection:
        await suppressions.release(connection, ANN, "Sam", NOW)
    await store(pool, ANN)
    (again,) = await claim(pool)
    async with transaction(pool) as connection:
        await record(connection, [result_of(again, "failed", words, "5.1.1")], ALERTS, NOW)
        assert len(await suppressed(connection, limit=9)) == 1


async def test_the_result_of_a_claim_that_was_lost_suppresses_nobody(pool: Pool) -> None:
    await store(pool, ANN)
    (claimed,) = await claim(pool)
    await finish(pool, claimed, "sent")
    async with transaction(pool) as connection:
        await record(
            connection, [result_of(claimed, "failed", "550 5.1.1 x", "5.1.1")], ALERTS, NOW
        )
        assert await suppressed(connection, limit=9) == []
