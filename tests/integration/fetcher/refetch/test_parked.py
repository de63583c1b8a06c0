"""Messages that their server refuses are parked, asked for again with growing pauses, and arrive.

The server is a scripted one that refuses, breaks off, and later delivers.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.incoming import refetch
from postrail.mailbox import Mailbox
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.mailbox_state import reconciliation
from postrail.settings import Settings
from services.fetcher.in_flight import InFlight
from services.fetcher.opener import MailboxOpener, PostgresFolderState
from services.fetcher.refetch.queue import Content
from services.fetcher.resources import SharedResources
from services.fetcher.threads import Threads
from services.fetcher.watch import MailboxWatch
from tests.fakes.fetching import NoMarks, account_named, until
from tests.fakes.watching import Waits
from tests.integration.fetcher.refetch.scene import NOON, Scene, opened
from tests.servers.imap_server import Ask, ImapServer
from tests.servers.pop3_server import Pop3Server

REFUSED = pytest.mark.logs_errors("mail cannot be read")
WHOLE = b" UID 1:6"
ANSWER = "server storage failure"
HOURS = (0.25, 1, 6, 24, 48, 96, 192, 384)


class OddServer:
    """An IMAP server that refuses some messages, and breaks off over others."""

    def __init__(self, *contents: bytes) -> None:
        self.imap = ImapServer(dict(enumerate(contents, 1)))
        self.imap.fetch = self._fetch
        self.refused: set[int] = set()
        self.deadly: set[int] = set()

    def _fetch(self, server: ImapServer, ask: Ask) -> bytes:
        if "BODY" in ask.items and self.deadly & set(ask.uids):
            return b""
        if "BODY" in ask.items and self.refused & set(ask.uids):
            return b"@ NO %s\r\n" % ANSWER.encode()
        return server.full(ask)


class Watched:
    """A watch of the server's mailbox; its polls and its clock are moved by the test."""

    def __init__(self, scene: Scene, server: OddServer, waits: Waits) -> None:
        self.scene = scene
        self.server = server
        self.waits = waits
        self._polls = 0

    async def polled(self) -> None:
        """Waits until the watch waits for the next poll."""
        self._polls += 1
        await until(lambda: len(self.waits.seconds) >= self._polls)

    async def poll(self) -> None:
        """Has the watch poll once more."""
        self._polls = len(self.waits.seconds)
        self.waits.resume.set()
        await self.polled()

    async def states(self) -> dict[str, str]:
        found = await self.scene.rows("SELECT source, state FROM incoming_mail ORDER BY source")
        return {source.rpartition(";")[2]: state for source, state in found}

    async def request(self) -> tuple[Any, ...] | None:
        """Returns when the one parked message is asked for again, and after how many attempts."""
        found = await self.scene.rows("SELECT due_at, attempts, held FROM refetch")
        return found[0] if found else None


@contextlib.asynccontextmanager
async def watching(
    scene: Scene, server: OddServer, threads: Threads, **account: Any
) -> AsyncIterator[Watched]:
    with server.imap.serving() as port:
        values = {"host": "127.0.0.1", "port": port, "encryption": "none", **account}
        opener = opener_of(lambda one: ImapMailbox(one, "password"))
        async with watching_by(scene, opener, threads, **values) as (_, waits):
            found = Watched(scene, server, waits)
            await found.polled()
            yield found


@contextlib.asynccontextmanager
async def watching_by(
    scene: Scene, opener: MailboxOpener, threads: Threads, **account: Any
) -> AsyncIterator[tuple[MailboxWatch, Waits]]:
    """Runs a watch during the block, whose waits the test ends."""
    waits = Waits()
    resources = SharedResources(
        settings=scene.settings.fetcher,
        store=scene.store,
        publisher=scene.publisher,
        refetches=scene.queue,
        progress=scene.progress,
        threads=threads,
        in_flight=InFlight(NoMarks(), 2),
        clock=scene.clock,
    )
    watch = MailboxWatch(account_named(**account), resources, opener, waits)
    task = asyncio.create_task(watch.run())
    try:
        yield watch, waits
    finally:
        task.cancel()
        await asyncio.wait([task])


def opener_of(mailbox_for: Callable[[MailAccount], Mailbox]) -> MailboxOpener:
    return MailboxOpener(mailbox_for=mailbox_for, slots=asyncio.Semaphore(2))


@pytest.fixture
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    async with opened(settings) as found:
        yield found


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    pool = ThreadPoolExecutor(4)
    yield Threads(pool)
    await asyncio.to_thread(pool.shutdown)


def server_that_refuses_the_second() -> OddServer:
    server = OddServer(b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n")
    server.refused = {2}
    return server


@REFUSED
async def test_a_refused_message_is_parked_with_the_servers_answer(
    scene: Scene, threads: Threads
) -> None:
    async with watching(scene, server_that_refuses_the_second(), threads) as watched:
        assert await watched.states() == {"uid=1": "fetched", "uid=2": "failed"}
        assert await watched.request() == (NOON + timedelta(minutes=15), 1, False)
        ((reason,),) = await scene.rows("SELECT reason FROM incoming_mail WHERE state = 'failed'")
        assert reason.startswith("could not be fetched: ")
        assert ANSWER in reason
        assert reason.endswith("it is asked for again at 2026-01-01 12:15 UTC")


@REFUSED
async def test_it_is_asked_for_again_by_itself_and_arrives_once(
    scene: Scene, threads: Threads
) -> None:
    server = server_that_refuses_the_second()
    async with watching(scene, server, threads) as watched:
        server.refused = set()
        scene.clock.move(10 * 60)
        await watched.poll()
        assert (await watched.states())["uid=2"] == "failed"
        scene.clock.move(10 * 60)
        await watched.poll()
        assert (await watched.states())["uid=2"] == "fetched"
        assert await watched.request() is None
        ((mail_id,),) = await scene.rows(
            "SELECT mail_id::text FROM incoming_mail WHERE source LIKE '%%uid=2'"
        )
        assert (await scene.record_of(mail_id)).body == server.imap.messages[2]
        # Each counts as fetched once, and the late one is marked as seen, too.
        assert sorted(outcome for _, outcome in scene.progress.outcomes) == [
            "failed",
            "fetched",
            "fetched",
        ]
        assert finished_the_second(server)
        asked = len(server.imap.asks)
        await watched.poll()
        assert len(server.imap.asks) == asked


@REFUSED
async def test_a_message_read_again_in_its_turn_stays_until_its_request_is_served(
    scene: Scene, threads: Threads
) -> None:
    """Its row is `failed`, so the handler passes the first record over."""
    server = server_that_refuses_the_second()
    async with watching(scene, server, threads):
        server.refused = set()
    # The numbers begin anew.
    await scene.change("UPDATE sync_state SET last_uid = 0, finished_uid = 0")
    async with watching(scene, server, threads) as watched:
        assert (await watched.states())["uid=2"] == "failed"
        assert not finished_the_second(server)
        scene.clock.move(6 * 3600)
        await watched.poll()
        assert (await watched.states())["uid=2"] == "fetched"
        assert finished_the_second(server)


@REFUSED
async def test_a_message_whose_request_is_made_anew_meanwhile_stays_until_it_is_served(
    scene: Scene, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_that_refuses_the_second()
    publish, finished_before = scene.queue.publish, list[bool]()

    async def first_made_anew(found: Sequence[Content]) -> set[str]:
        finished_before.append(finished_the_second(server))
        if len(finished_before) == 1:
            await scene.change("UPDATE refetch SET requested_at = requested_at + interval '1 s'")
        return await publish(found)

    monkeypatch.setattr(scene.queue, "publish", first_made_anew)
    async with watching(scene, server, threads) as watched:
        server.refused = set()
        scene.clock.move(6 * 3600)
        await watched.poll()
        assert finished_before == [False, False]
        assert (await watched.states())["uid=2"] == "fetched"
        assert finished_the_second(server)


def finished_the_second(server: OddServer) -> bool:
    return any(re.search(rb"UID STORE (1[,:])?2 ", line) for line in server.imap.log)


@pytest.mark.logs_errors("mail cannot be read", "mail is still not delivered")
async def test_a_server_that_still_refuses_is_asked_after_longer_and_longer_pauses(
    scene: Scene, threads: Threads
) -> None:
    async with watching(scene, server_that_refuses_the_second(), threads) as watched:
        for attempt, hours in enumerate([*HOURS[1:], HOURS[-1]], 2):
            due_at, _, _ = await watched.request() or (NOON, 0, False)
            scene.clock.move((due_at - scene.clock.now()).total_seconds())
            await watched.poll()
            # A poll before the time asks for nothing.
            asked = len(watched.server.imap.asks)
            await watched.poll()
            assert len(watched.server.imap.asks) == asked
            assert await watched.request() == (
                scene.clock.now() + timedelta(hours=hours),
                attempt,
                False,
            )
        ((state, reason),) = await scene.rows(
            "SELECT state, reason FROM incoming_mail WHERE source LIKE '%%uid=2'"
        )
        assert state == "failed"
        assert ANSWER in reason
        assert scene.progress.outcomes.count(("support", "fetched")) == 1


@pytest.mark.logs_errors("mail cannot be read", "mail is still not delivered")
async def test_a_message_that_breaks_the_connection_does_not_stop_new_ones(
    scene: Scene, threads: Threads
) -> None:
    server = server_that_refuses_the_second()
    server.refused, server.deadly = set(), {2}
    async with watching(scene, server, threads) as watched:
        await until_parked(watched, attempts=1)
        scene.clock.move(6 * 3600)
        server.imap.messages[3] = b"Subject: three\r\n\r\n3\r\n"
        watched.waits.resume.set()
        await until_parked(watched, attempts=2)
        assert await watched.states() == {"uid=1": "fetched", "uid=2": "failed", "uid=3": "fetched"}


async def until_parked(watched: Watched, attempts: int) -> None:
    """Ends each wait of the watch until the message is parked after so many attempts."""
    async with asyncio.timeout(20):
        while (await watched.request() or (NOON, 0, False))[1] < attempts:
            watched.waits.resume.set()
            await asyncio.sleep(0.05)


@REFUSED
@pytest.mark.parametrize("asked_by", ["retry", "fetch", "reconcile"])
async def test_a_person_asks_at_once_whatever_the_pause(
    scene: Scene, threads: Threads, asked_by: str
) -> None:
    server = server_that_refuses_the_second()
    async with watching(scene, server, threads) as watched:
        server.refused = set()
        async with scene.store.transaction() as connection:
            now = scene.clock.now()
            if asked_by == "retry":
                ((mail_id,),) = await scene.rows(
                    "SELECT mail_id::text FROM incoming_mail WHERE state = 'failed'"
                )
                await scene.request(mail_id)
            elif asked_by == "fetch":
                await refetch.request_waiting(connection, ["support"], requested_by="ann", now=now)
            else:
                await reconciliation.request(
                    connection, "support", since=None, author="ann", now=now
                )
        # It is looked for in what was stored, and then left to the watch.
        await scene.refetches.serve()
        await watched.poll()
        assert (await watched.states())["uid=2"] == "fetched"


@REFUSED
async def test_the_daily_comparison_keeps_the_pauses(scene: Scene, threads: Threads) -> None:
    server = server_that_refuses_the_second()
    async with watching(scene, server, threads) as watched:
        await scene.change("UPDATE refetch SET due_at = due_at + interval '30 days'")
        server.refused = set()
        scene.clock.move(25 * 3600)
        await watched.poll()
        assert (
            len(await scene.rows("SELECT 1 FROM reconciliation WHERE finished_at > %s", NOON)) == 1
        )
        assert (await watched.states())["uid=2"] == "failed"


@pytest.mark.logs_errors("mail cannot be read", "mail is lost")
async def test_a_message_that_the_mailbox_does_not_hold_any_more_is_named_as_lost(
    scene: Scene, threads: Threads
) -> None:
    server = server_that_refuses_the_second()
    async with watching(
        scene, server, threads, after_download="move", move_to="Processed"
    ) as watched:
        kept = server.imap.messages.pop(2)
        scene.clock.move(6 * 3600)
        await watched.poll()
        ((state, reason, offset),) = await scene.rows(
            "SELECT state, reason, raw_offset FROM incoming_mail WHERE source LIKE '%%uid=2'"
        )
        assert (state, offset) == ("failed", None)
        assert reason.startswith("its bytes are lost: mail.fetched, the archive and the blob store")
        assert "the mailbox support does not hold INBOX;uidvalidity=7;uid=2 any more" in reason
        assert "Look in the folder Processed" in reason
        assert await watched.request() is None
        # The mailbox is restored: the next comparison finds it, also the daily one.
        server.imap.messages[2], server.refused = kept, set()
        scene.clock.move(25 * 3600)
        await watched.poll()
        assert (await watched.states())["uid=2"] == "fetched"


@pytest.mark.parametrize("only_after", [None, date(2026, 6, 1)])
async def test_a_record_that_kafka_lost_comes_from_the_mailbox(
    scene: Scene, threads: Threads, only_after: date | None
) -> None:
    """Messages that the account excludes by now are found, too."""
    server = OddServer(b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n")
    async with watching(scene, server, threads):
        pass
    await scene.topic_made_anew()
    found = await scene.rows("SELECT mail_id::text FROM incoming_mail ORDER BY source")
    mail_ids = [mail_id for (mail_id,) in found]
    await scene.request(*mail_ids)
    await scene.refetches.serve()
    async with watching(scene, server, threads, only_after=only_after):
        assert [(await scene.record_of(mail_id)).body for mail_id in mail_ids] == [
            server.imap.messages[1],
            server.imap.messages[2],
        ]
        assert await scene.rows("SELECT 1 FROM refetch") == []
        assert scene.progress.outcomes == [("support", "fetched")] * 2


async def test_a_lost_message_without_bytes_anywhere_is_handled_by_its_parsed_form(
    scene: Scene, threads: Threads
) -> None:
    server = OddServer(b"Subject: one\r\n\r\n1\r\n")
    async with watching(scene, server, threads) as watched:
        await scene.change(
            "UPDATE incoming_mail SET state = 'failed', parsed = %b, revision = 1", b"parsed"
        )
        ((mail_id,),) = await scene.rows("SELECT mail_id::text FROM incoming_mail")
        await scene.request(mail_id)
        await scene.change("UPDATE refetch SET only_in_mailbox = true")
        server.imap.messages.clear()
        server.imap.uid_next = 2
        await watched.poll()
        assert await watched.states() == {"uid=1": "new"}
        assert await watched.request() is None


async def test_at_most_the_limit_of_a_poll_is_asked_for(scene: Scene, threads: Threads) -> None:
    server = OddServer(*[b"Subject: %d\r\n\r\n" % number for number in range(6)])
    async with watching(scene, server, threads):
        await scene.change("UPDATE incoming_mail SET state = 'failed'")
        found = await scene.rows("SELECT mail_id::text FROM incoming_mail")
        await scene.request(*[mail_id for (mail_id,) in found])
        await scene.change("UPDATE refetch SET only_in_mailbox = true")
    scene.clock.move(3600)
    async with watching(scene, server, threads, max_mails_per_poll=4) as watched:
        assert len(await scene.rows("SELECT 1 FROM refetch")) == 2
        await watched.poll()
        assert len(await scene.rows("SELECT 1 FROM refetch")) == 0


async def test_the_mailbox_is_listed_once_for_all_requests(scene: Scene, threads: Threads) -> None:
    scene.serve_at_most(1)
    server = OddServer(*[b"Subject: %d\r\n\r\n" % number for number in range(6)])
    async with watching(scene, server, threads) as watched:
        await scene.change("UPDATE incoming_mail SET state = 'failed'")
        found = await scene.rows("SELECT mail_id::text FROM incoming_mail")
        await scene.request(*[mail_id for (mail_id,) in found])
        await scene.change("UPDATE refetch SET only_in_mailbox = true")
        server.imap.log.clear()
        await watched.poll()
        assert await scene.rows("SELECT 1 FROM refetch") == []
        assert set((await watched.states()).values()) == {"fetched"}
        listings = [line for line in server.imap.log if b"SEARCH" in line]
        assert len([line for line in listings if WHOLE in line]) == 1, listings


@REFUSED
async def test_over_pop3_it_arrives_by_its_unique_id_and_is_removed(
    scene: Scene, threads: Threads
) -> None:
    loop = asyncio.get_running_loop()
    opener = opener_of(
        lambda one: Pop3Mailbox(
            one, "password", PostgresFolderState(scene.store, loop, one.name, one.folder)
        )
    )
    with Pop3Server() as server:
        server.add(b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n")
        server.answers["RETR 2"] = b"-ERR [SYS/PERM] %s\r\n" % ANSWER.encode()
        values = {
            "protocol": "pop3",
            "host": "127.0.0.1",
            "port": server.port,
            "encryption": "none",
            "after_download": "remove",
        }
        async with watching_by(scene, opener, threads, **values) as (_, waits):
            await until(lambda: len(waits.seconds) == 1)
            assert len(server.mails) == 1
            # It is the first one now, as the other one was removed.
            server.answers.clear()
            scene.clock.move(6 * 3600)
            waits.resume.set()
            await until(lambda: len(waits.seconds) == 2)
            assert await scene.rows("SELECT state FROM incoming_mail") == [("fetched",)] * 2
            assert await scene.rows("SELECT 1 FROM refetch") == []
            assert server.mails == []
