"""No notification is lost or sent twice, whatever Kafka or the database has lost of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from postrail.database import transaction
from tests.integration.handler import bench
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import configure
from tests.servers.smtp_sink import SmtpSink

COUNT = 30
# Long enough for the sender to look several times.
SETTLE_SECONDS = 1.5


@pytest.fixture
async def handler(lab: SenderLab, smtp_sink: SmtpSink) -> AsyncIterator[Bench]:
    """Makes a handler whose notifications go to the sink."""
    await bench.configure(lab.pool)
    await configure(lab.pool, smtp_sink.port, name="out")
    made = Bench(lab.settings, lab.pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    await made.close()


async def notify(lab: SenderLab, handler: Bench, count: int) -> None:
    """Makes issues, each with a notification whose record Kafka has acknowledged."""
    handler.producer.sent.clear()
    await handler.handle(*(mail_parsed() for _ in range(count)))
    await lab.send([one for one in handler.producer.sent if one.topic.name == "outgoing.queued"])


async def lose_the_rows(lab: SenderLab) -> None:
    """Empties the tables, as when a database is restored to an earlier time."""
    async with transaction(lab.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail")


async def lose_nothing(lab: SenderLab) -> None:
    """Leaves rows and records."""


async def lose_some_rows(lab: SenderLab) -> None:
    async with transaction(lab.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail WHERE sequence % 2 = 0")


@pytest.mark.parametrize(
    "lose", [SenderLab.lose_the_records, lose_the_rows, lose_some_rows, lose_nothing]
)
async def test_each_notification_is_sent_once(
    lab: SenderLab,
    handler: Bench,
    smtp_sink: SmtpSink,
    lose: Callable[[SenderLab], Awaitable[None]],
) -> None:
    await notify(lab, handler, COUNT)
    await lose(lab)

    sender = lab.start()
    await lab.until_states(sent=COUNT)
    await asyncio.sleep(SETTLE_SECONDS)

    ids = [mail.message_id for mail in smtp_sink.mails]
    assert len(ids) == len(set(ids)) == COUNT, sender.log
    assert await lab.states() == {"sent": COUNT}
    assert await sender.stop() == 0, sender.log


async def test_a_sender_that_had_read_the_lost_records_sends_the_others(
    lab: SenderLab, handler: Bench, smtp_sink: SmtpSink
) -> None:
    sender = lab.start()
    await notify(lab, handler, 1)
    await lab.until_states(sent=1)
    assert await sender.stop() == 0, sender.log
    await notify(lab, handler, COUNT)
    await lab.lose_the_records()

    lab.start()
    await lab.until_states(sent=COUNT + 1)
    # The new topic works as well.
    await notify(lab, handler, 1)
    await lab.until_states(sent=COUNT + 2)
    await asyncio.sleep(SETTLE_SECONDS)

    ids = [mail.message_id for mail in smtp_sink.mails]
    assert len(ids) == len(set(ids)) == COUNT + 2
