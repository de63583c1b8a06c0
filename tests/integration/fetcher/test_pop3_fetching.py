"""The fetcher over POP3, on a server that breaks off and refuses: one effect for each message."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from services.fetcher.opener import MailboxOpener
from services.fetcher.watch import MailboxWatch
from tests.fakes.fetching import Neighbours, account_named, until
from tests.fakes.ledgers import MemoryLedger
from tests.servers.pop3_server import Pop3Server

MAILS = [b"Subject: %d\r\n\r\n" % number + b"x" * 500 + b"\r\n" for number in range(1, 4)]


@pytest.fixture
def server() -> Iterator[Pop3Server]:
    with Pop3Server() as found:
        found.add(*MAILS)
        yield found


@pytest.fixture
async def neighbours() -> AsyncIterator[Neighbours]:
    found = Neighbours()
    yield found
    await asyncio.to_thread(found.close)


class Pauses:
    """Replaces each wait by a short one, and calls `then`, which a test sets."""

    def __init__(self) -> None:
        self.then: Callable[[], None] = lambda: None
        self.count = 0

    async def __call__(self, event: asyncio.Event, seconds: float) -> bool:
        self.count += 1
        self.then()
        await asyncio.sleep(0.01)
        return event.is_set()


class Watching:
    """A watch of the server's mailbox over POP3."""

    def __init__(self, server: Pop3Server, neighbours: Neighbours) -> None:
        self._server = server
        self._neighbours = neighbours
        self._ledger = MemoryLedger()
        self.pauses = Pauses()

    @contextlib.asynccontextmanager
    async def run(self, **changes: Any) -> AsyncIterator[None]:
        """Runs the watch during the block."""
        values: dict[str, Any] = {
            "protocol": "pop3",
            "host": "127.0.0.1",
            "port": self._server.port,
            "encryption": "none",
            "after_download": "remove",
        }
        opener = MailboxOpener(
            mailbox_for=lambda account: Pop3Mailbox(account, "secret", self._ledger),
            slots=asyncio.Semaphore(1),
        )
        account = account_named(**(values | changes))
        watch = MailboxWatch(account, self._neighbours.resources, opener, self.pauses)
        task = asyncio.create_task(watch.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    @property
    def bodies(self) -> list[bytes | None]:
        """The published messages, in order; fails when an id was published twice."""
        records = self._neighbours.producer.records
        assert set(Counter(record.mail_id for record in records).values()) <= {1}
        return [record.body for record in records]

    async def until_fetched(self, count: int) -> None:
        """Waits for `count` rows."""
        await until(lambda: len(self._neighbours.store.fetched) >= count)


@pytest.fixture
def watching(server: Pop3Server, neighbours: Neighbours) -> Watching:
    return Watching(server, neighbours)


async def test_each_poll_is_a_session_and_messages_are_removed_after_it(
    server: Pop3Server, watching: Watching
) -> None:
    async with watching.run():
        await until(lambda: server.mails == [])
        server.add(b"late\r\n")
        await until(lambda: len(watching.bodies) == 4 and server.mails == [])
    assert watching.bodies == [*MAILS, b"late\r\n"]
    assert server.done("DELE") == ["DELE 1", "DELE 2", "DELE 3", "DELE 1"]


async def test_messages_that_stay_are_read_once(server: Pop3Server, watching: Watching) -> None:
    async with watching.run(after_download="leave"):
        await until(lambda: watching.pauses.count > 2)
        server.add(b"late\r\n")
        await watching.until_fetched(4)
    assert watching.bodies == [*MAILS, b"late\r\n"]
    assert len(server.mails) == 4
    assert len(server.done("RETR")) == 4


@pytest.mark.parametrize("size", [0, 3, 100, 529])
async def test_a_cut_in_a_message_loses_and_doubles_nothing(
    server: Pop3Server, watching: Watching, size: int
) -> None:
    server.cuts["RETR 2"] = size
    watching.pauses.then = server.cuts.clear
    async with watching.run():
        await until(lambda: server.mails == [])
    assert watching.bodies == MAILS


async def test_a_cut_in_quit_loses_and_doubles_nothing(
    server: Pop3Server, watching: Watching
) -> None:
    server.cuts["QUIT"] = 1
    watching.pauses.then = server.cuts.clear
    async with watching.run():
        await until(lambda: server.mails == [] and watching.pauses.count > 2)
    assert watching.bodies == MAILS


async def test_a_session_lost_after_dele_is_repeated(
    server: Pop3Server, watching: Watching
) -> None:
    # A session that ends without QUIT removes no message.
    server.answers["QUIT"] = b"-ERR [SYS/TEMP] not now\r\n"
    watching.pauses.then = server.answers.clear
    async with watching.run():
        await until(lambda: server.mails == [])
    assert watching.bodies == MAILS
    assert len(server.done("RETR")) == 3


@pytest.mark.parametrize("breaks_off", [True, False])
@pytest.mark.logs_errors("mail cannot be read")
async def test_an_unreadable_message_does_not_stop_the_others(
    server: Pop3Server, neighbours: Neighbours, watching: Watching, breaks_off: bool
) -> None:
    if breaks_off:
        server.deadly = {MAILS[1]}
    else:
        server.answers["RETR 2"] = b"-ERR corrupt\r\n"
    async with watching.run():
        await until(lambda: len(server.mails) == 1)
        # It is the first message now, and is not requested again.
        server.add(b"late\r\n")
        server.deadly.clear()
        server.answers.clear()
        await watching.until_fetched(3)
    assert watching.bodies == [MAILS[0], MAILS[2], b"late\r\n"]
    assert server.mails[0] == MAILS[1]
    (failed,) = neighbours.store.unreadable.values()
    assert ("breaks off" if breaks_off else "corrupt") in failed.reason


async def test_of_a_too_large_message_the_header_is_fetched_and_it_stays(
    server: Pop3Server, neighbours: Neighbours, watching: Watching
) -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 5000 + b"\r\n"
    server.add(large, b"late\r\n")
    async with watching.run(max_message_bytes=1000):
        await until(lambda: server.mails == [large])
    assert watching.bodies == [*MAILS, b"Subject: large\r\n\r\n", b"late\r\n"]
    records = {record.body: record for record in neighbours.producer.records}
    assert records[b"Subject: large\r\n\r\n"].too_large
    assert records[b"Subject: large\r\n\r\n"].size == len(large)
