"""Lets the real sender send messages from its tables and topic, and measures it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import LiteralString

from bench.installation import Installation
from bench.peers.senders import Sent
from postrail.blobs import BlobStore
from postrail.configuration.load import outgoing_connections
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import open_pool, rows_as, transaction
from postrail.embedded.ports import LOOPBACK
from postrail.notifications.assemble import assemble
from postrail.notifications.entries import queued_entries
from postrail.outgoing import intake
from postrail.outgoing.content import CONTENT_COLUMNS, Content
from postrail.records import OutgoingQueued
from postrail.stream import outbox
from postrail.stream.producer import Producer

NAME = "Postrail's sender"
SERVERS = ("PostgreSQL", "Kafka", "SMTP sink")
POLL_SECONDS = 0.1
LONGEST_SECONDS = 300.0

_SENT: LiteralString = (
    "SELECT " + CONTENT_COLUMNS + " FROM delivery JOIN outgoing_mail AS mail USING (outgoing_id)"
    " WHERE outgoing_id = ANY(%s::uuid[])"
)
_LEFT = """
    SELECT (SELECT count(*) FROM delivery WHERE state <> 'sent') + (SELECT count(*) FROM outbox),
        (SELECT extract(epoch FROM max(changed_at)) FROM delivery)
"""


def relay(installation: Installation, channels: int) -> OutgoingConnection:
    """Returns the outgoing connection with this number of channels, to the sink."""
    return OutgoingConnection(
        name=f"relay-{channels}",
        host=LOOPBACK,
        port=installation.smtp_port,
        encryption="none",
        from_address="help@example.com",
        from_name="Help desk",
        channels=channels,
    )


def send(installation: Installation, mails: Sequence[OutgoingQueued], channels: int) -> Sent:
    """Queues messages as the handler does, and waits until all are sent and announced."""
    before = installation.usage()
    begun = asyncio.run(_queue(installation, mails))
    ended = _until_sent(installation)
    after = installation.usage()

    def used(*names: str) -> float:
        return sum(after[name].cpu_seconds - before[name].cpu_seconds for name in names)

    return Sent(
        name=NAME,
        channels=channels,
        mails=len(mails),
        seconds=ended - begun,
        cpu_seconds=used("sender"),
        server_cpu_seconds=used(*SERVERS),
        peak_bytes=after["sender"].peak_bytes,
    )


async def as_sent(installation: Installation, mails: Sequence[OutgoingQueued]) -> list[bytes]:
    """Returns the messages that the sender has sent for these, as the server got them."""
    pool = await open_pool(installation.settings.database)
    blobs = BlobStore(installation.settings.blobs.url)
    try:
        async with transaction(pool) as connection:
            configured = {one.name: one for one in await outgoing_connections(connection)}
            found = await rows_as(
                connection, Content, _SENT, [[mail.outgoing_id for mail in mails]]
            )
        return [
            await assemble(one, configured[one.connection], blobs, _no_original) for one in found
        ]
    finally:
        await pool.close()


async def _no_original(mail_id: str) -> bytes:
    raise LookupError(mail_id)


async def _queue(installation: Installation, mails: Sequence[OutgoingQueued]) -> float:
    """Stores the messages and sends their records; returns the time before the commit."""
    pool = await open_pool(installation.settings.database)
    producer = Producer(installation.settings.kafka)
    await producer.start()
    try:
        async with transaction(pool) as connection:
            await intake.store(connection, mails)
            added = await outbox.add(connection, queued_entries(mails), datetime.now(UTC))
            begun = time.time()
        await outbox.flush(pool, producer, added)
    finally:
        await producer.close()
        await pool.close()
    return begun


def _until_sent(installation: Installation) -> float:
    """Returns the time when the last message was recorded as sent."""
    deadline = time.monotonic() + LONGEST_SECONDS
    with installation.connect() as connection:
        while time.monotonic() < deadline:
            left, last = connection.execute(_LEFT).fetchone() or (1, 0)
            if not left:
                return float(last)
            time.sleep(POLL_SECONDS)
    problems = "\n".join(installation.log_problems()[:5])
    raise TimeoutError(
        f"{left} messages and records are left after {LONGEST_SECONDS:.0f} s:\n{problems}"
    )
