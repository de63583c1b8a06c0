"""Held deliveries wait until a person releases them, and keep no others waiting."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from postrail.database import Pool, rows, transaction
from postrail.errors import PermanentError
from postrail.operate.deliveries import RELEASE, Filters, all_that_match, carry_out, of_message
from postrail.outgoing import suppressions
from postrail.records import OutgoingDelivery, OutgoingQueued
from postrail.stream import avro
from postrail.views.outgoing import deliveries_of
from tests.integration.sender.test_outgoing import NOW, claim, queued, take_in

WHY = "limit issue_notifications: HELP-1 had 500 in 60 minutes"


def held(**changes: Any) -> OutgoingQueued:
    """Returns a message whose first recipient has to wait."""
    record = queued(**changes)
    first, *others = [
        OutgoingDelivery(recipient=f"{name}@example.org", name="", message_id=f"<{name}@x>")
        for name in ("ada", "bo")
    ]
    return replace(record, deliveries=[replace(first, held=WHY), *others])


async def states(pool: Pool) -> list[tuple[str, str, str]]:
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT recipient, state, reply FROM delivery ORDER BY sequence, recipient",
        )
    return [(row[0], row[1], row[2]) for row in found]


async def test_a_held_delivery_waits_until_it_is_released(pool: Pool) -> None:
    record = held()
    # A restored database gets it from the record, held as it was.
    await take_in(pool, avro.decode_as(OutgoingQueued, avro.encode(record)))
    assert await states(pool) == [
        ("ada@example.org", "held", WHY),
        ("bo@example.org", "queued", ""),
    ]
    assert [one.recipient for one in await claim(pool)] == ["bo@example.org"]

    async with transaction(pool) as connection:
        chosen = await of_message(connection, RELEASE, record.outgoing_id[:8], "ADA@example.org")
        released = await carry_out(connection, RELEASE, chosen, "Sam", NOW)
        found = await deliveries_of(connection, record.outgoing_id)
    assert [row.released_by for row in found] == ["Sam", ""]
    assert [row.recipient for row in released] == ["ada@example.org"]
    assert [one.recipient for one in await claim(pool)] == ["ada@example.org"]

    async with transaction(pool) as connection:
        with pytest.raises(PermanentError, match=r"is held: ada@example\.org sending"):
            await of_message(connection, RELEASE, record.outgoing_id, None)


async def test_later_messages_do_not_wait_for_a_held_one(pool: Pool) -> None:
    later = queued(
        deliveries=[OutgoingDelivery(recipient="ada@example.org", name="", message_id="<later@x>")]
    )
    await take_in(pool, held(), later)
    assert {one.message_id for one in await claim(pool)} == {"<bo@x>", "<later@x>"}


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 3),
        ({"reason": "ISSUE_notifications"}, 3),
        ({"reason": "bounced"}, 0),
        ({"recipient": "Ada@example.org"}, 3),
        ({"recipient": "bo@example.org"}, 0),
        ({"issue_key": "NONE-1"}, 0),
    ],
)
async def test_all_that_match_are_released_in_their_order(
    pool: Pool, chosen: dict[str, Any], count: int
) -> None:
    await take_in(pool, held(), held(), held())
    async with transaction(pool) as connection:
        found = await all_that_match(connection, RELEASE, Filters(**chosen))
        released = await carry_out(connection, RELEASE, found, "Sam", NOW)
    assert len(released) == count
    now = [state for _, state, _ in await states(pool)]
    assert (now.count("held"), now.count("queued")) == (3 - count, 3 + count)


async def test_what_is_suppressed_stays_held_also_if_it_is_so_only_now(pool: Pool) -> None:
    await take_in(pool, held(), held())
    async with transaction(pool) as connection:
        await suppressions.suppress(connection, "ada@example.org", "gone", str(uuid.uuid4()), NOW)
        chosen = await all_that_match(connection, RELEASE, Filters())
        assert (chosen.chosen, len(chosen.suppressed)) == ([], 2)
        await suppressions.release(connection, "ada@example.org", "Sam", NOW)
        chosen = await all_that_match(connection, RELEASE, Filters())
        assert (len(chosen.chosen), chosen.suppressed) == (2, [])
        await suppressions.suppress(connection, "ada@example.org", "gone", str(uuid.uuid4()), NOW)
        assert await carry_out(connection, RELEASE, chosen, "Sam", NOW) == []


async def test_an_automatic_answer_has_its_time(pool: Pool) -> None:
    await take_in(pool, queued(automatic=True), queued())
    async with transaction(pool) as connection:
        found = await rows(connection, "SELECT answered_at FROM delivery ORDER BY sequence")
    assert {row[0] for row in found} == {NOW, None}
