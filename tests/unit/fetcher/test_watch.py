"""The watch of one mailbox: polling, waiting, connecting; in memory, without real waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from postrail.clock import SettableClock
from postrail.errors import FatalError
from postrail.settings import FetcherSettings
from postrail.tasks import set_within
from services.fetcher.watch import MailboxWatch
from tests.fakes.fetching import Neighbours, account_named, until
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer
from tests.fakes.watching import Waits, opener_of, watched


@pytest.fixture
async def neighbours() -> AsyncIterator[Neighbours]:
    found = Neighbours()
    yield found
    await asyncio.to_thread(found.close)


async def test_polls_again_when_the_timer_runs_out(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    async with watched(server, neighbours, waits, poll_seconds=42):
        await until(lambda: waits.seconds == [42])
        assert server.seen == {1}
        server.add(b"two")
        waits.resume.set()
        await until(lambda: server.seen == {1, 2})
    assert neighbours.progress.contacts[0] == "support"
    assert server.done("open") == [()]


async def test_polls_at_once_on_request(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    async with watched(server, neighbours, waits) as watch:
        await until(lambda: len(waits.seconds) == 1)
        server.add(b"one")
        watch.poll_now()
        await until(lambda: server.seen == {1})


class SingleConnection(MemoryMailbox):
    """As POP3, where each poll is a session."""

    single_connection_polls = True


async def test_a_mailbox_of_single_connections_is_opened_for_each_poll(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    async with watched(server, neighbours, waits, SingleConnection) as watch:
        await until(lambda: len(waits.seconds) == 1)
        # The limit on concurrent openings holds as for the first one.
        slot = watch._opener.slots
        await slot.acquire()
        server.add(b"one")
        waits.resume.set()
        await until(lambda: slot.locked() and bool(slot._waiters))
        assert server.done("open") == [()]
        slot.release()
        await until(lambda: server.seen == {1})
    assert server.done("open") == [(), ()]


async def test_the_last_finished_uid_is_saved_when_nothing_new_comes(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 1)
        assert neighbours.store.states["support", "INBOX"].finished_uid == 0
        waits.resume.set()
        await until(lambda: neighbours.store.states["support", "INBOX"].finished_uid == 1)


async def test_an_unacknowledged_record_ends_the_watch(neighbours: Neighbours) -> None:
    server = MemoryServer()
    server.add(b"one")
    neighbours.producer.fault = FatalError("no acknowledgement")
    with pytest.raises(FatalError):
        await MailboxWatch(account_named(), neighbours.resources, opener_of(server)).run()
    assert not server.seen


@pytest.mark.logs_errors("mailbox failed")
async def test_an_unforeseen_fault_stops_this_mailbox_for_a_while_only(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")

    def surprise(*_: object, **__: object) -> list[object]:
        raise KeyError("surprise")

    monkeypatch.setattr(MemoryMailbox, "read", surprise)
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 1)
        monkeypatch.undo()
        waits.resume.set()
        await until(lambda: server.seen == {1})


async def test_any_answer_of_the_server_ends_the_idling(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(can_idle=True), Waits()
    async with watched(server, neighbours, waits, idle=True, poll_seconds=3600):
        await until(lambda: server.idling is not None)
        await asyncio.sleep(0.05)
        server.add(b"one")
        assert server.idling is not None
        server.idling.announce()
        await until(lambda: server.seen == {1})


async def test_a_server_that_cannot_idle_is_polled(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    async with watched(server, neighbours, waits, idle=True, poll_seconds=5):
        await until(lambda: waits.seconds == [5])


async def test_a_wait_ends_by_event_or_time() -> None:
    event = asyncio.Event()
    assert not await set_within(event, 0.01)
    event.set()
    assert await set_within(event, 3600)


async def test_a_successor_keeps_the_limit_of_a_poll(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(*(b"%d" % number for number in range(10)))
    limits: dict[str, Any] = {"max_mails_per_poll": 4, "poll_seconds": 300}
    async with watched(server, neighbours, waits, **limits):
        await until(lambda: len(waits.seconds) == 1)
    assert len(neighbours.producer.records) == 4
    clock = neighbours.clock
    assert isinstance(clock, SettableClock)
    # Another process takes over within the time of the poll, whose limit is used up.
    async with watched(server, neighbours, waits, **limits):
        await until(lambda: len(waits.seconds) == 2)
        assert len(neighbours.producer.records) == 4
        waits.resume.set()
        await until(lambda: len(waits.seconds) == 3)
        assert len(neighbours.producer.records) == 8
    clock.move(301)
    async with watched(server, neighbours, waits, **limits):
        await until(lambda: len(waits.seconds) == 4)
    assert len(neighbours.producer.records) == 10
    # Only the last poll left no message behind.
    assert neighbours.store.read_until == [None, None, clock.now()]


# What the server holds after it lost its state, what it says of UIDNEXT, and what is fetched then.
COUNTED_BACK: list[tuple[dict[int, bytes], int, list[bytes]]] = [
    # It gives used UIDs to other messages; the mail_ids are others, too.
    ({1: b"new", 2: b"newer"}, 3, [b"new", b"newer"]),
    # One that was read before is listed anew: its content shows that it is the same.
    ({1: b"one"}, 2, [b"one"]),
    # The next message gets a UID below those that were read.
    ({}, 1, []),
    # UIDNEXT as it should be, not reported, or wrong: there are messages above it.
    ({3: b"three"}, 4, []),
    ({1: b"new"}, 0, []),
    ({3: b"three"}, 2, []),
]


@pytest.mark.parametrize(("left", "uid_next", "expected"), COUNTED_BACK)
async def test_a_server_that_counts_back_is_listed_anew(
    neighbours: Neighbours, left: dict[int, bytes], uid_next: int, expected: list[bytes]
) -> None:
    server, waits = MemoryServer(uid_next=4), Waits()
    server.add(b"one", b"two", b"three")
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 1)
    server.mails, server.uid_next = dict(left), uid_next
    waits.seconds.clear()
    with structlog.testing.capture_logs() as logs:
        async with watched(server, neighbours, waits):
            await until(lambda: len(waits.seconds) == 1)
            counts_back = uid_next in (1, 3) or left == {1: b"one"}
            # Another session finds nothing new.
            generation = neighbours.store.states["support", "INBOX"].generation
            assert generation == counts_back
    assert [record.body for record in neighbours.producer.records][3:] == expected
    assert len({record.mail_id for record in neighbours.producer.records}) == 3 + len(expected)
    told = [entry for entry in logs if entry["event"].startswith("mailbox counts back")]
    assert [entry["last_uid"] for entry in told] == [3] * counts_back
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 2)
    assert neighbours.store.states["support", "INBOX"].generation == generation
    assert len(neighbours.producer.records) == 3 + len(expected)


async def test_a_busy_mailbox_does_not_starve_the_others() -> None:
    neighbours = Neighbours(FetcherSettings(batch_max_mails=1))
    busy, quiet = MemoryServer(), MemoryServer()
    busy.add(*(b"%d" % number for number in range(200)))
    quiet.add(b"the only one")
    async with (
        watched(busy, neighbours, Waits(), name="busy"),
        watched(quiet, neighbours, Waits(), name="quiet"),
    ):
        await until(lambda: len(neighbours.producer.records) == 201)
    await asyncio.to_thread(neighbours.close)
    mailboxes = [record.mailbox for record in neighbours.producer.records]
    assert mailboxes.index("quiet") < 20
