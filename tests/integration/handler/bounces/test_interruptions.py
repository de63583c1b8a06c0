"""Bounces whose handling is interrupted, or repeated, or that meet a restored database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from postrail.database import transaction
from postrail.incoming import queue as incoming
from postrail.outgoing import intake, reports, suppressions
from postrail.records import OutgoingQueued
from postrail.stream import outbox
from tests.integration.handler.bench import Bench
from tests.integration.handler.bounces.scene import (
    ADA,
    bounce_of,
    deliveries,
    new_issues,
    suppressed,
)
from tests.integration.handler.bounces.scene import (
    reports as reported,
)
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID


class Killed(BaseException):
    """Stands for `kill -9`: PostgreSQL rolls the transaction back."""


def killed_after(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def then_killed(*arguments: Any, **names: Any) -> Any:
        await function(*arguments, **names)
        raise Killed

    return then_killed


@pytest.mark.parametrize(
    ("place", "name"),
    [
        # the facts are gathered, with the locks
        (suppressions, "lock"),
        # the delivery is marked, the address suppressed, the outcome written, the record stored
        (reports, "note"),
        (suppressions, "suppress"),
        (incoming, "finish"),
        (outbox, "add"),
    ],
)
async def test_a_handler_that_is_killed_leaves_nothing_and_its_successor_all(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    await bench.save(mail_account("support", authserv_ids=[AUTHSERV_ID], bounces="comment"))
    (message_id,) = await new_issues(bench)
    await bench.take_in(bounce_of(message_id))
    with monkeypatch.context() as patched:
        patched.setattr(place, name, killed_after(getattr(place, name)))
        with pytest.raises(Killed):
            await bench.handler.work_batch()
    assert (await reported(bench), await suppressed(bench)) == ([], [])
    assert await deliveries(bench) == [(ADA, "queued")]
    successor, _ = bench.another()
    while await successor.work_batch():
        pass
    assert await reported(bench) == [(ADA, "hard", "5.1.1")]
    assert await suppressed(bench) == [(ADA, True)]
    assert await deliveries(bench) == [(ADA, "held")]
    assert await bench.rows("SELECT count(*) FROM comment") == [(1,)]
    assert (await bench.outcomes())[-1] == ("done", "bounced", "HELP-1")


async def test_a_bounce_in_two_mailboxes_counts_once(bench: Bench) -> None:
    (message_id,) = await new_issues(bench)
    bounce = bounce_of(message_id, status="4.4.7", hard=False)
    copies = [replace(bounce, mail_id=str(n) * 8 + bounce.mail_id[8:]) for n in (1, 2)]
    await bench.take_in(copies[0], replace(copies[1], mailbox="info"))
    other, _ = bench.another()
    await asyncio.gather(bench.handler.work_batch(), other.work_batch())
    await bench.work()
    assert [one[1] for one in await bench.outcomes()] == ["issue", "bounced", "bounced"]
    assert await reported(bench) == [(ADA, "soft", "4.4.7")]


async def test_two_bounces_at_once_suppress_once(bench: Bench) -> None:
    first, second = await new_issues(bench, 2)
    other, _ = bench.another()
    await bench.take_in(bounce_of(first), bounce_of(second), bounce_of(first))
    await asyncio.gather(bench.handler.work_batch(), other.work_batch())
    await bench.work()
    assert await reported(bench) == [(ADA, "hard", "5.1.1"), (ADA, "hard", "5.1.1")]
    assert await suppressed(bench) == [(ADA, True)]


async def test_a_restored_database_gets_its_delivery_back_and_then_the_bounce(
    bench: Bench,
) -> None:
    """The delivery is of after the backup: its record gives it back, and a release the rest."""
    (message_id,) = await new_issues(bench)
    (record,) = bench.sent(OutgoingQueued)
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail")
    await bench.handle(bounce_of(message_id))
    assert (await bench.outcomes())[-1][:2] == ("done", "ignored")
    async with transaction(bench.pool) as connection:
        assert await intake.take_in(connection, [record]) == 1
        await connection.execute("UPDATE incoming_mail SET state = 'new' WHERE outcome = 'ignored'")
    await bench.work()
    assert (await bench.outcomes())[-1] == ("done", "bounced", "HELP-1")
    assert await deliveries(bench) == [(ADA, "held")]


async def test_a_restored_database_keeps_what_it_knew(bench: Bench) -> None:
    """What is given back for an address that the backup knows as suppressed is not sent again."""
    (message_id,) = await new_issues(bench)
    (record,) = bench.sent(OutgoingQueued)
    await bench.handle(bounce_of(message_id))
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail")
        assert await intake.take_in(connection, [record]) == 1
    assert await deliveries(bench) == [(ADA, "held")]
    # The report went with the delivery; the same bounce tells it again.
    await bench.handle(bounce_of(message_id))
    assert await reported(bench) == [(ADA, "hard", "5.1.1")]
