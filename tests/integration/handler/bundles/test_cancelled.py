"""What a person cancels is not sent later by the bundle or digest that it waited for."""

from __future__ import annotations

import pytest

from postrail.database import transaction
from postrail.operate.deliveries import CANCEL, Filters, all_that_match, carry_out, of_message
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import AGENT, ANN, WINDOW, left, tell, to, work_of


@pytest.mark.parametrize(
    ("filters", "cancelled"),
    [
        (Filters(issue_key="HELP-1"), {ANN.address, AGENT.address}),
        (Filters(state="waiting", recipient=ANN.address.upper()), {ANN.address}),
        (Filters(issue_key="HELP-2"), set()),
        (Filters(over="another"), set()),
        (Filters(reason="450"), set()),
    ],
)
async def test_filters(bench: Bench, issue: int, filters: Filters, cancelled: set[str]) -> None:
    await tell(bench, issue, "a")
    async with transaction(bench.pool) as connection:
        await connection.execute("UPDATE delivery SET state = 'sent'")
    for cause in "bc":
        await tell(bench, issue, cause)

    async with transaction(bench.pool) as connection:
        found = await all_that_match(connection, CANCEL, filters)
        done = await carry_out(connection, CANCEL, found, "Sam", bench.clock.now())

    assert {(row.recipient, row.state) for row in done} == {(one, "waiting") for one in cancelled}
    assert len(done) == 2 * len(cancelled)
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    for address in (ANN.address, AGENT.address):
        later = [] if address in cancelled else [(WINDOW, "b, c")]
        assert await to(bench, address) == [(0, "a"), *later]
    assert (await left(bench))[1:] == (0, 0)


async def test_one_by_the_id_of_its_message(bench: Bench, issue: int) -> None:
    for cause in "abc":
        await tell(bench, issue, cause)
    async with transaction(bench.pool) as connection:
        cursor = await connection.execute(
            "SELECT outgoing_id::text FROM pending_event ORDER BY event_id LIMIT 1"
        )
        ((outgoing_id,),) = await cursor.fetchall()
        found = await of_message(connection, CANCEL, outgoing_id, ANN.address)
        await carry_out(connection, CANCEL, found, "Sam", bench.clock.now())

    bench.clock.move(WINDOW)
    await work_of(bench).work()
    assert await to(bench, ANN.address) == [(0, "a"), (WINDOW, "c")]
    assert await to(bench, AGENT.address) == [(0, "a"), (WINDOW, "b, c")]
