"""Tests since when a delivery is tried, and over which connections one is that may have arrived."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postrail.configuration import store
from postrail.configuration.models.project import Project
from postrail.courier import Answer
from postrail.database import rows, transaction
from postrail.outgoing import by_hand
from postrail.outgoing.routing import pauses
from postrail.outgoing.routing.pauses import Pause
from services.sender.channels import REROUTE_SECONDS
from tests.integration.sender.bench import Bench, accepting, deferring
from tests.integration.sender.connections.test_alerts import an_issue, with_lead
from tests.integration.sender.connections.test_connections import (
    behave,
    open_two,
    refusing,
    sent_by,
    stored,
    unavailable,
)
from tests.processes.senders import configure, queued_mail

DAYS = 6 * 24 * 3600


async def retry_all(bench: Bench) -> None:
    async with transaction(bench.pool) as connection:
        found = await rows(connection, "SELECT outgoing_id::text, recipient FROM delivery")
        keys = [(row[0], row[1]) for row in found]
        await by_hand.send(connection, keys, ["failed"], "ann", bench.clock.now())


async def paused(bench: Bench) -> None:
    now = bench.clock.now()
    async with transaction(bench.pool) as connection:
        wanted = Pause(connection="relay", paused_at=now, paused_by="ops", reason="")
        await pauses.pause(connection, wanted)
    bench.clock.move(DAYS)
    async with transaction(bench.pool) as connection:
        await pauses.resume(connection, "relay")


@pytest.mark.parametrize("before", ["failed", "deferred", "queued"])
async def test_what_went_on_after_days_is_not_given_up_at_once(bench: Bench, before: str) -> None:
    await configure(bench.pool, 25)
    await bench.channels.refresh()
    await bench.take_in(queued_mail())
    if before != "queued":
        behave(bench, relay=refusing("550 no") if before == "failed" else deferring)
        await bench.rounds(2)
    assert await bench.states() == [before]
    if before == "failed":
        bench.clock.move(DAYS)
        await retry_all(bench)
    else:
        await paused(bench)

    behave(bench, relay=deferring)
    await bench.rounds(2)
    assert await bench.states() == ["deferred"]
    # The five days begin with this attempt.
    bench.clock.move(DAYS)
    await bench.rounds(2)
    assert await bench.states() == ["failed"]


async def test_what_may_have_arrived_goes_over_no_fallback(bench: Bench) -> None:
    await open_two(bench)
    behave(
        bench,
        relay=lambda envelope, limit: [
            Answer(recipient=one, state="unknown", reply="lost") for one in envelope.recipients
        ],
    )
    await bench.take_in(queued_mail())
    await bench.rounds(2)
    behave(bench, relay=unavailable)
    for _ in range(3):
        bench.clock.move(timedelta(hours=1).total_seconds())
        await bench.take_in(queued_mail())
        await bench.rounds(3)

    first, *others = await stored(bench)
    assert first == ("relay", "", "deferred")
    # The others went over the fallback, and so did the alerts of relay.
    assert [one for one in others if one[0] == "relay"] == [("relay", "spare", "sent")] * 3


async def test_what_was_in_flight_follows_the_new_connection(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await configure(bench.pool, 26, name="spare", is_default=False)
    await with_lead(bench, "SALE")
    await bench.channels.refresh()
    issue_id = await an_issue(bench)

    async def replace() -> None:
        async with transaction(bench.pool) as connection:
            before = (await store.read_all(connection))[(Project, "SALE")]
            assert isinstance(before, Project)
            after = before.model_copy(update={"connection": "spare"})
            now = bench.clock.now()
            await store.save(connection, after, before=before, author="test", now=now)
        bench.clock.move(10)
        await bench.channels.refresh()

    behave(bench, relay=unavailable)
    (relay,) = (one for one in bench.couriers if one.connection.name == "relay")
    relay.before = replace
    await bench.take_in(queued_mail(issue_id=issue_id, queued_at=bench.clock.now()))
    await bench.rounds(2)
    assert sent_by(bench)["spare"] == 0

    bench.clock.move(REROUTE_SECONDS)
    behave(bench, relay=unavailable, spare=accepting)
    await bench.rounds(2)

    assert (await stored(bench))[-1] == ("spare", "", "sent")
