"""Recovery of one mailbox after faults: pauses and reports; in memory, without real waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from postrail.errors import ConfigurationError, TransientError
from postrail.mailbox import MailboxUnavailable
from postrail.oauth import NeedsAuthorization
from postrail.temporary_files import NoTemporaryFile
from tests.fakes.fetching import Neighbours, until
from tests.fakes.mailboxes import MemoryServer
from tests.fakes.watching import Waits, watched
from tests.makers.configuration import mail_account


@pytest.fixture
async def neighbours() -> AsyncIterator[Neighbours]:
    found = Neighbours()
    yield found
    await asyncio.to_thread(found.close)


async def test_pauses_grow_with_each_fault(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("refused") for _ in range(4)]
    server.add(b"one")
    waits.instant = 4
    async with watched(server, neighbours, waits):
        await until(lambda: server.seen == {1})
    pauses = waits.seconds[:4]
    for pause, plain in zip(pauses, (0.5, 1, 2, 4), strict=True):
        assert plain * 0.8 <= pause <= plain * 1.2


async def test_a_request_does_not_shorten_a_pause_that_the_server_asks_for(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("busy", after_seconds=90)]
    server.add(b"one")
    async with watched(server, neighbours, waits) as watch:
        await until(lambda: waits.seconds == [90])
        watch.poll_now()
        for _ in range(5):
            await asyncio.sleep(0)
        assert server.done("open") == [()]
        waits.resume.set()
        await until(lambda: server.seen == {1})


async def test_a_short_pause_of_the_server_does_not_shorten_ours(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("busy", after_seconds=1) for _ in range(6)]
    waits.instant = 6
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 7)
    assert waits.seconds[0] == 1
    assert waits.seconds[5] > 10


async def test_pauses_stay_short_in_a_long_outage_of_postgresql(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    neighbours.store.faults = [TransientError("PostgreSQL is unavailable")] * 12
    waits.instant = 12
    async with watched(server, neighbours, waits):
        await until(lambda: server.seen == {1})
    assert max(waits.seconds[:12]) <= 6


@pytest.mark.logs_errors("mailbox unavailable")
async def test_contacts_are_saved_but_not_for_each_poll(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("refused"), ConfigurationError("login refused")]
    # A fault of PostgreSQL is not a fault of this mailbox.
    neighbours.store.faults = [TransientError("PostgreSQL is unavailable")]
    waits.instant = 6
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 7)
    assert neighbours.store.contacts == [
        ("support", "refused"),
        ("support", "login refused"),
        ("support", None),
    ]


async def test_a_full_folder_for_temporary_files_is_shown_for_the_mailbox(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [NoTemporaryFile("the folder for temporary files /tmp is full")]
    waits.instant = 1
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 2)
    assert neighbours.store.contacts == [
        ("support", "the folder for temporary files /tmp is full"),
        ("support", None),
    ]


@pytest.mark.logs_errors("mailbox unavailable")
async def test_a_refused_login_is_retried_seldom(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [ConfigurationError("login refused")]
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 1)
    assert waits.seconds[0] >= 12


@pytest.mark.logs_errors("mailbox needs authorization")
async def test_a_need_for_authorization_is_reported_once_and_the_mailbox_resumes_after_it(
    neighbours: Neighbours, capsys: pytest.CaptureFixture[str]
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    server.open_faults = [
        NeedsAuthorization(mail_account(), reason)
        for reason in ("first", "first", "first", "second")
    ]
    waits.instant = 3
    async with watched(server, neighbours, waits) as watch:
        await until(lambda: len(waits.seconds) == 4)
        assert waits.seconds == [60] * 4
        watch.poll_now()
        await until(lambda: server.seen == {1})
    reported = capsys.readouterr().out
    assert reported.count("mailbox needs authorization") == 2
    assert "Run: postrail accounts authorize support" in reported


async def test_without_postgresql_it_waits_and_the_message_stays_in_the_mailbox(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    neighbours.store.faults = [TransientError("PostgreSQL is unavailable")] * 2
    waits.instant = 2
    async with watched(server, neighbours, waits):
        await until(lambda: server.seen == {1})
    assert len(waits.seconds) >= 2
    assert len(neighbours.store.fetched) == 1
