"""Tests that the history of an issue has the emails that were not delivered."""

from __future__ import annotations

import pytest

from postrail.database import transaction
from postrail.views.history import history
from tests.integration.sender.bench import Bench
from tests.integration.sender.connections.test_rerouting import stored


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("queued", []),
        ("deferred", []),
        ("sent", []),
        ("cancelled", []),
        ("failed", ["not delivered to ann@example.org: 550 5.1.1 unknown"]),
        ("unconfirmed", ["perhaps not delivered to ann@example.org: 550 5.1.1 unknown"]),
        ("held", ["held, not sent to ann@example.org: 550 5.1.1 unknown"]),
    ],
)
async def test_history_has_what_was_not_delivered(
    bench: Bench, state: str, shown: list[str]
) -> None:
    await stored(bench.pool, "relay", "SALE")
    async with transaction(bench.pool) as connection:
        await connection.execute(
            "UPDATE delivery SET state = %s, reply = %s", [state, "550 5.1.1 unknown"]
        )

    async with transaction(bench.pool) as connection:
        found = await history(connection, "SALE-1")

    assert [(row.act, row.field, row.after) for row in found] == [
        ("send", "email", one) for one in shown
    ]
