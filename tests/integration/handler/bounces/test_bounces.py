"""A bounce in the database: its delivery is marked, and its dead address is written to no more."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.notifications.return_path import return_path
from postrail.operate.deliveries import RELEASE, Filters, all_that_match, carry_out
from postrail.outgoing import suppressions
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.integration.handler.bounces.scene import (
    ADA,
    LATER,
    bounce_of,
    deliveries,
    new_issues,
    received,
    reports,
    suppressed,
)
from tests.makers.configuration import mail_account, outgoing_connection
from tests.makers.records import AUTHSERV_ID, NOON, mail_parsed


async def test_a_dead_address_is_written_to_no_more(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    await bench.handle(bounce_of(message_id))
    assert (await bench.outcomes())[-1] == ("done", "bounced", "HELP-1")
    assert await reports(bench) == [(ADA, "hard", "5.1.1")]
    assert await suppressed(bench) == [(ADA, True)]
    # What waited to be sent is held, and so is what comes.
    await new_issues(bench)
    assert await deliveries(bench) == [(ADA, "held"), (ADA, "held")]
    ((reply,),) = set(await bench.rows("SELECT reply FROM delivery"))
    assert reply.startswith(suppressions.SUPPRESSED)
    assert "5.1.1" in reply
    # It makes no issue and no comment, and nobody is told: that message might bounce, too.
    assert await bench.rows("SELECT 1 FROM comment") == []
    assert len(bench.sent(OutgoingQueued)) == 2


async def test_a_released_address_is_written_to_again(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    await bench.handle(bounce_of(message_id))
    await new_issues(bench)
    async with transaction(bench.pool) as connection:
        assert await suppressions.release(connection, ADA.upper(), "Ben", NOON)
        assert not await suppressions.release(connection, ADA, "Ben", NOON)
    # What was held waits for a decision.
    await new_issues(bench)
    assert [state for _, state in await deliveries(bench)] == ["held", "held", "queued"]
    # The same bounce from another mailbox says nothing new.
    await bench.handle(replace(bounce_of(message_id), mailbox="info"))
    assert await suppressed(bench) == [(ADA, False)]
    async with transaction(bench.pool) as connection:
        held = await all_that_match(connection, RELEASE, Filters(recipient=ADA))
        assert len(await carry_out(connection, RELEASE, held, "Ben", NOON)) == 2
    assert {state for _, state in await deliveries(bench)} == {"queued"}


async def test_a_new_bounce_suppresses_a_released_address_again(bench: Bench) -> None:
    first, second = await new_issues(bench, 2)
    await bench.handle(bounce_of(first))
    async with transaction(bench.pool) as connection:
        await suppressions.release(connection, ADA, "Ben", NOON)
    await bench.handle(bounce_of(second))
    assert await suppressed(bench) == [(ADA, True)]


async def test_five_soft_bounces_in_seven_days_suppress(bench: Bench) -> None:
    ids = await new_issues(bench, 6)
    # Eight days before the fifth: it does not count.
    for day, message_id in zip([0, 4, 5, 6], ids[:4], strict=True):
        await bench.handle(replace(bounce_of(message_id, **LATER), **received(day)))
    await bench.handle(replace(bounce_of(ids[4], **LATER), **received(8)))
    assert await suppressed(bench) == []
    # The same delivery counts once.
    await bench.handle(replace(bounce_of(ids[4], **LATER), **received(8)))
    assert await suppressed(bench) == []
    await bench.handle(replace(bounce_of(ids[5], **LATER), **received(8.5)))
    assert await suppressed(bench) == [(ADA, True)]


async def test_soft_bounces_count_within_one_batch(bench: Bench) -> None:
    ids = await new_issues(bench, 5)
    await bench.take_in(*(bounce_of(message_id, **LATER) for message_id in ids))
    assert await bench.handler.work_batch() == 5
    assert await suppressed(bench) == [(ADA, True)]


async def test_two_replicas_never_count_past_each_other(bench: Bench) -> None:
    ids = await new_issues(bench, 5)
    other, _ = bench.another()
    await bench.handle(*(bounce_of(message_id, **LATER) for message_id in ids[:3]))
    for message_id in ids[3:]:
        await bench.take_in(bounce_of(message_id, **LATER))
    bench.handler._batch._settings = bench.settings.handler.model_copy(
        update={"batch_max_mails": 1}
    )
    await asyncio.gather(bench.handler._batch.work(1), other._batch.work(1))
    assert await suppressed(bench) == [(ADA, True)]


async def test_soft_bounces_before_a_release_count_no_more(bench: Bench) -> None:
    ids = await new_issues(bench, 6)
    await bench.handle(*(bounce_of(message_id, **LATER) for message_id in ids[:5]))
    async with transaction(bench.pool) as connection:
        await suppressions.release(connection, ADA, "Ben", NOON)
    await bench.handle(replace(bounce_of(ids[5], **LATER), **received(0.1)))
    assert await suppressed(bench) == [(ADA, False)]


@pytest.mark.parametrize("message_id", ["<forged@example.com>", None])
async def test_a_forged_bounce_suppresses_nobody(bench: Bench, message_id: str | None) -> None:
    await new_issues(bench)
    await bench.handle(bounce_of(message_id or "", ADA))
    assert (await bench.outcomes())[-1] == ("done", "ignored", None)
    assert (await reports(bench), await suppressed(bench)) == ([], [])


async def test_a_bounce_of_ones_own_message_harms_nobody_else(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    await bench.handle(bounce_of(message_id, "victim@example.net"))
    assert await reports(bench) == [(ADA, "elsewhere", "5.1.1")]
    assert await suppressed(bench) == []


@pytest.mark.parametrize(
    ("wrote", "event"),
    [("ada+x@example.org", "doubted"), ("ADA@example.org", "doubted"), ("bo@example.org", "hard")],
)
async def test_a_bounce_that_an_answer_disproves_is_doubted(
    bench: Bench, wrote: str, event: str
) -> None:
    (message_id,) = await new_issues(bench)
    bench.clock.move(60)
    # The answer to all names our message to everybody.
    answer = mail_parsed(sender=Address(name="", address=wrote), in_reply_to=[message_id])
    await bench.handle(answer)
    await bench.handle(bounce_of(message_id))
    assert await reports(bench) == [(ADA, event, "5.1.1")]
    assert await suppressed(bench) == ([(ADA, True)] if event == "hard" else [])


async def test_forged_bounces_of_what_was_answered_suppress_nobody(bench: Bench) -> None:
    """Who stands in Cc of five answers knows five ids of ours."""
    ids = await new_issues(bench, 6)
    bench.clock.move(60)
    await bench.handle(
        *(mail_parsed(sender=Address(name="", address=ADA), in_reply_to=[one]) for one in ids[:5])
    )
    await bench.handle(*(bounce_of(one) for one in ids[:5]))
    assert {event for _, event, _ in await reports(bench)} == {"doubted"}
    assert await suppressed(bench) == []


@pytest.mark.parametrize("fields", [{}, {"error": "too deep"}, {"kind": "auto_reply"}])
async def test_a_forged_bounce_that_comes_with_the_answer_suppresses_nobody(
    bench: Bench, fields: dict[str, Any]
) -> None:
    """Who stands in Cc of the answer knows its ids as soon as we do."""
    (message_id,) = await new_issues(bench)
    bench.clock.move(60)
    sender = Address(name="", address=ADA)
    answer = mail_parsed(sender=sender, in_reply_to=[message_id], **fields)
    await bench.handle(bounce_of(message_id), answer)
    assert await reports(bench) == [(ADA, "doubted", "5.1.1")]
    assert await suppressed(bench) == []


async def test_a_bounce_may_come_before_the_result_is_recorded(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    await _set_state(bench, "sending")
    await bench.handle(bounce_of(message_id))
    assert await deliveries(bench) == [(ADA, "sending")]
    await _set_state(bench, "sent")
    assert await reports(bench) == [(ADA, "hard", "5.1.1")]


async def test_a_bounce_of_a_delivery_that_is_not_back_yet_waits_as_ignored(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    stored = await bench.rows("SELECT outgoing_id FROM delivery")
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail")
    await bench.handle(bounce_of(message_id))
    assert (await bench.outcomes())[-1] == ("done", "ignored", None)
    ((reason,),) = await bench.rows("SELECT reason FROM incoming_mail WHERE outcome = 'ignored'")
    assert "not in the database" in reason
    assert stored


async def test_a_message_of_before_the_upgrade_has_one_id_for_all(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    async with transaction(bench.pool) as connection:
        await connection.execute(
            "INSERT INTO delivery (outgoing_id, recipient, message_id, connection, sequence,"
            " issue_id, state, due_at, changed_at) SELECT outgoing_id, 'bo@example.org',"
            " message_id, connection, sequence, issue_id, 'sent', due_at, changed_at FROM delivery"
        )
    await bench.handle(bounce_of(message_id, "bo@example.org"))
    assert await suppressed(bench) == [("bo@example.org", True)]
    assert await reports(bench) == [("bo@example.org", "hard", "5.1.1")]


async def test_a_bounce_that_returns_nothing_is_tied_by_its_address(bench: Bench) -> None:
    await bench.save(outgoing_connection(bounce_address="bounces@example.com"))
    first, second = await new_issues(bench, 2)
    path = return_path("bounces@example.com", first).upper()
    bounce = bounce_of("<theirs@relay.example>", ADA, **LATER)
    await bench.handle(replace(bounce, to=[Address(name="", address=path)]))
    # The address says more than what was returned, which anybody who got it may have written.
    path = return_path("bounces@example.com", second)
    await bench.handle(replace(bounce_of(first), to=[], delivered_to=[path]))
    found = await bench.rows(
        "SELECT delivery.message_id, event FROM delivery_report"
        " JOIN delivery USING (outgoing_id, recipient) ORDER BY delivery.sequence"
    )
    assert found == [(first, "soft"), (second, "hard")]


async def test_a_forged_return_path_names_nothing(bench: Bench) -> None:
    await bench.save(outgoing_connection(bounce_address="bounces@example.com"))
    await new_issues(bench)
    forged = f"<postrail.{uuid.uuid4()}.{'0' * 16}@example.com>"
    path = return_path("bounces@example.com", forged)
    bounce = replace(bounce_of("<x@example.com>"), to=[Address(name="", address=path)])
    await bench.handle(bounce)
    assert (await bench.outcomes())[-1] == ("done", "ignored", None)


async def test_a_configured_comment_is_internal_and_tells_nobody(bench: Bench) -> None:
    await bench.save(*_accounts(bounces="comment"))
    (message_id,) = await new_issues(bench)
    people = await _people(bench)
    await bench.handle(bounce_of(message_id))
    await bench.handle(bounce_of(message_id))
    assert await bench.rows("SELECT internal, body FROM comment") == [
        (True, "I could not deliver your mail.")
    ]
    assert await _people(bench) == people
    assert len(bench.sent(OutgoingQueued)) == 1
    assert [one[1] for one in await bench.outcomes()] == ["issue", "bounced", "bounced"]


def _accounts(**changes: str) -> list[MailAccount]:
    return [mail_account("support", authserv_ids=[AUTHSERV_ID], **changes)]


async def _set_state(bench: Bench, state: str) -> None:
    async with transaction(bench.pool) as connection:
        await connection.execute("UPDATE delivery SET state = %s", [state])


async def _people(bench: Bench) -> list[tuple[str, ...]]:
    return await bench.rows(
        "SELECT address FROM watcher UNION ALL SELECT address FROM participant ORDER BY 1"
    )
