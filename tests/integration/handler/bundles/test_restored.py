"""What waits in a database that was restored to an earlier time."""

from __future__ import annotations

from postrail.database import transaction
from postrail.outgoing import intake
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import AGENT, ANN, WINDOW, left, tell, to, work_of

TABLES = ("timer", "pending_event", "pending_delivery")


async def back_up(bench: Bench) -> None:
    async with transaction(bench.pool) as connection:
        for table in TABLES:
            await connection.execute(f"CREATE TABLE kept_{table} AS TABLE {table}".encode())


async def restore(bench: Bench) -> None:
    """Brings back what waited, and removes what was sent since then."""
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail WHERE message_event = 'bundled'")
        for table in TABLES:
            override = " OVERRIDING SYSTEM VALUE" if table == "pending_event" else ""
            await connection.execute(f"INSERT INTO {table}{override} TABLE kept_{table}".encode())


async def test_a_bundle_that_was_sent_since_the_backup_is_one_message(
    bench: Bench, issue: int
) -> None:
    for cause in "abc":
        await tell(bench, issue, cause)
    await back_up(bench)
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    sent = bench.sent(OutgoingQueued)[-1]

    await restore(bench)
    # The sender and the handler find it again, in any order.
    async with transaction(bench.pool) as connection:
        assert await intake.take_in(connection, [sent]) == 2
    bench.clock.move(1)
    assert await work_of(bench).work() == 1
    for recipient in (ANN, AGENT):
        assert await to(bench, recipient.address) == [(0, "a"), (WINDOW, "b, c")]
    assert await left(bench) == (0, 0, 0)
