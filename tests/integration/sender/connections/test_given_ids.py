"""Tests that a Message-ID which the mail system gave a message leads answers to its issue."""

from __future__ import annotations

import pytest

from postrail.courier import Answer
from postrail.database import rows, transaction
from postrail.incoming.message_ids import message_hash
from postrail.views.outgoing import deliveries
from tests.integration.sender.bench import Behaviour, Bench
from tests.processes.senders import configure, queued_mail

GIVEN = "<AM0PR01MB1234@prod.outlook.com>"


def giving(message_id: str) -> Behaviour:
    return lambda envelope, limit: [
        Answer(recipient=one, state="sent", reply="202", message_id=message_id)
        for one in envelope.recipients
    ]


async def indexed(bench: Bench) -> list[tuple[bytes, str]]:
    async with transaction(bench.pool) as connection:
        found = await rows(connection, "SELECT message_hash, conversation::text FROM message_index")
    return [(bytes(row[0]), row[1]) for row in found]


async def given_ids(bench: Bench) -> list[str]:
    """Returns what `postrail outgoing show` reads."""
    async with transaction(bench.pool) as connection:
        return [row.given_id for row in await deliveries(connection)]


async def sent(bench: Bench, message_id: str, issue_key: str | None) -> str:
    """Sends a message that gets this Message-ID; returns its conversation."""
    await configure(bench.pool, 25)
    await bench.channels.refresh()
    for courier in bench.couriers:
        courier.behaviour = giving(message_id)
    record = queued_mail(issue_key=issue_key)
    await bench.take_in(record)
    await bench.rounds(3)
    assert await bench.states() == ["sent"]
    return record.conversation


async def test_a_given_message_id_is_indexed(bench: Bench) -> None:
    conversation = await sent(bench, GIVEN, "HELP-1")
    assert await indexed(bench) == [(message_hash(GIVEN), conversation)]
    assert await given_ids(bench) == [GIVEN]


@pytest.mark.parametrize(("message_id", "issue_key"), [("", "HELP-1"), (GIVEN, None)])
async def test_nothing_else_is_indexed(
    bench: Bench, message_id: str, issue_key: str | None
) -> None:
    await sent(bench, message_id, issue_key)
    assert await indexed(bench) == []
    assert await given_ids(bench) == [message_id]
