"""A message goes out in the name of its context, and over a fallback in that one's own."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parseaddr

from postrail.configuration import store
from postrail.configuration.contexts.context import MessageContext
from postrail.courier import CourierUnavailable
from postrail.database import transaction
from tests.integration.sender.bench import Bench, raising
from tests.integration.sender.connections.test_connections import behave, open_two
from tests.processes.senders import queued_mail

FIRE = MessageContext(
    name="fire", connection="relay", from_address="fire@example.org", from_name="Fire"
)


def senders(bench: Bench) -> set[tuple[str, str, tuple[str, str]]]:
    """Returns the connection, the envelope's sender and From of each message."""
    return {
        (
            courier.connection.name,
            envelope.envelope_from,
            parseaddr(message_from_bytes(envelope.content)["From"].replace("\r\n", "")),
        )
        for courier in bench.couriers
        for envelope, _ in courier.envelopes
    }


async def test_from_is_of_the_context_over_its_connection_only(bench: Bench) -> None:
    async with transaction(bench.pool) as connection:
        await store.save(connection, FIRE, before=None, author="test", now=datetime.now(UTC))
    await open_two(bench, from_address="help@example.org", from_name="Help desk")
    behave(bench, relay=raising(CourierUnavailable("connection refused")))
    await bench.take_in(queued_mail(context="fire"), queued_mail(context="gone"))
    await bench.rounds(4)

    spare = next(c.connection for c in bench.couriers if c.connection.name == "spare")
    own = (spare.from_name, spare.from_address)
    assert senders(bench) == {
        ("relay", "help@example.org", ("Fire", "fire@example.org")),
        ("relay", "help@example.org", ("Help desk", "help@example.org")),
        ("spare", spare.from_address, own),
    }
