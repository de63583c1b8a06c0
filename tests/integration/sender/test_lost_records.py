"""No notification is lost or sent twice, whatever Kafka or the database has lost of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

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


async def handle_messages(lab: SenderLab) -> Bench:
    """Makes issues, each with a notification whose record Kafka has acknowledged."""
    await bench.configure(lab.pool)
    made = Bench(lab.settings, lab.pool)
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    await made.handle(*(mail_parsed() for _ in range(COUNT)))
    await lab.send([one for one in made.producer.sent if one.topic.name == "outgoing.queued"])
    return made


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
    lab: SenderLab, smtp_sink: SmtpSink, lose: Callable[[SenderLab], Awaitable[None]]
) -> None:
    await handle_messages(lab)
    await configure(lab.pool, smtp_sink.port, name="out")
    await lose(lab)

    sender = lab.start()
    await lab.until_states(sent=COUNT)
    await asyncio.sleep(SETTLE_SECONDS)

    ids = [mail.message_id for mail in smtp_sink.mails]
    assert len(ids) == len(set(ids)) == COUNT, sender.log
    assert await lab.states() == {"sent": COUNT}
    assert await sender.stop() == 0, sender.log
