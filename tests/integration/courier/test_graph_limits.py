"""The limits of mailboxes in Microsoft Graph are kept over all processes, in a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from postrail.clock import SettableClock, SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Answer, CourierUnavailable, Envelope, TimeLimit
from postrail.courier.graph.courier import GraphCourier
from postrail.database import Connection, one_connection
from postrail.errors import ServerUnavailable
from postrail.graph_limits import table
from postrail.graph_limits.shared import BATCH, RequestBudget, SharedLimits, take
from postrail.settings import DatabaseSettings
from tests.fakes.graph import FakeGraph
from tests.makers.oauth import source_of
from tests.servers.certificates import Certificates

DESK = "help@example.org"
NOW = datetime(2026, 11, 30, 12, 0, 20, tzinfo=UTC)
CONTENT = b"From: help@example.org\r\nTo: ann@x.org\r\nSubject: Hello\r\n\r\nHello.\r\n"


class Database:
    def __init__(self, url: str) -> None:
        self._settings = DatabaseSettings(url=SecretStr(url))

    def __call__(self) -> AbstractAsyncContextManager[Connection]:
        return one_connection(self._settings)


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


@pytest.fixture
def graph(certificates: Certificates) -> Iterator[FakeGraph]:
    with FakeGraph(certificates) as server:
        server.add_mailbox(DESK)
        yield server


async def test_requests_are_counted_by_mailbox_whatever_its_case(database: Database) -> None:
    clock = SettableClock(NOW)
    await take(database, clock, DESK, 9_990, 0)
    await take(database, clock, "sales@example.org", 100, 0)
    with pytest.raises(ServerUnavailable, match="has used the limits of Microsoft Graph") as caught:
        await take(database, clock, "Help@Example.org", 11, 0)
    assert caught.value.after_seconds == 40
    # What was refused does not count.
    await take(database, clock, DESK, 10, 0)


@pytest.mark.parametrize(
    ("requests", "upload_bytes", "minutes"),
    [
        # 10 minutes, and two more for what was counted and not sent at once.
        (10_000, 0, 12),
        # 5 minutes, and two more.
        (1, 150 * 1024 * 1024, 7),
    ],
)
async def test_what_is_used_is_free_again_after_a_while(
    database: Database, requests: int, upload_bytes: int, minutes: int
) -> None:
    clock = SettableClock(NOW)
    await take(database, clock, DESK, requests, upload_bytes)
    clock.move(60 * minutes - 21)
    with pytest.raises(ServerUnavailable):
        await take(database, clock, DESK, 1, 1)
    clock.move(2)
    await take(database, clock, DESK, 1, 1)


async def test_a_mailbox_has_three_places_and_a_killed_process_loses_its_own(
    database: Database,
) -> None:
    async def enter(now: datetime) -> str | None:
        async with database() as connection:
            until = now + timedelta(seconds=120)
            return await table.enter(connection, DESK, now=now, until=until)

    taken = [await enter(NOW) for _ in range(4)]
    assert [one is not None for one in taken] == [True, True, True, False]
    async with database() as connection:
        await table.leave(connection, DESK, str(taken[1]))
    assert await enter(NOW) is not None
    assert await enter(NOW) is None
    assert await enter(NOW + timedelta(seconds=121)) is not None


async def test_a_thread_takes_requests_in_batches(database: Database) -> None:
    clock = SettableClock(NOW)
    budget = RequestBudget(database, clock, asyncio.get_running_loop(), DESK)

    def use() -> None:
        for _ in range(BATCH + 1):
            budget()

    await asyncio.to_thread(use)
    # Two batches were taken.
    await take(database, clock, DESK, 10_000 - 2 * BATCH, 0)
    clock.move(61)
    # What is left of a batch is not used after a minute.
    with pytest.raises(ServerUnavailable):
        await asyncio.to_thread(budget)


def courier(
    graph: FakeGraph, certificates: Certificates, database: Database, token: str
) -> GraphCourier:
    connection = OutgoingConnection.model_validate(
        {
            "name": "office",
            "mode": "graph",
            "credential": "entra",
            "host": "localhost",
            "port": graph.port,
            "ca_file": str(certificates.ca_file),
            "from_address": DESK,
        }
    )
    clock = SystemClock()
    limits = SharedLimits(database, clock, DESK)
    return GraphCourier(connection, source_of(token), clock, limits)


async def send(one: GraphCourier) -> list[Answer]:
    envelope = Envelope(envelope_from=DESK, recipients=("ann@x.org",), content=CONTENT)
    now = SystemClock().steady()
    return await one.send(envelope, TimeLimit(dot_before=now + 50, end_before=now + 55))


async def test_six_senders_and_a_fetcher_meet_no_throttling(
    graph: FakeGraph, certificates: Certificates, database: Database
) -> None:
    token = graph.grant("Mail.Send", "Mail.ReadWrite")
    senders = [courier(graph, certificates, database, token) for _ in range(6)]
    try:
        answers = await asyncio.gather(*(send(one) for one in senders for _ in range(8)))
    finally:
        for one in senders:
            await one.close()
    assert {answer.state for (answer,) in answers} == {"sent"}
    assert len(graph.sending(DESK).sent) == 48
    assert graph.most_at_once <= 3
    assert graph.throttled == 0


async def test_a_mailbox_whose_limit_is_used_pauses_the_connection(
    graph: FakeGraph, certificates: Certificates, database: Database
) -> None:
    await take(database, SystemClock(), DESK, 10_000, 0)
    one = courier(graph, certificates, database, graph.grant("Mail.Send", "Mail.ReadWrite"))
    with pytest.raises(CourierUnavailable, match="has used the limits") as caught:
        await send(one)
    assert 0 < caught.value.after_seconds <= 60
    assert graph.requests == []
    # Its place is free again.
    for _ in range(4):
        with pytest.raises(CourierUnavailable, match="has used the limits"):
            await send(one)
