"""The life of one mailbox: looking, waiting, recovering; on stand-ins, without real waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from postrail.clock import SettableClock
from postrail.errors import ConfigurationError, FatalError, TransientError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox_state.reconciliation import Reconciliation, Round
from postrail.mailbox_state.sync_state import SyncState
from postrail.oauth import NeedsAuthorization
from postrail.settings import FetcherSettings
from postrail.tasks import set_within
from services.fetcher.watch import MailboxOpener, MailboxWatch
from tests.fakes.fetching import Neighbours, account_named, until
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


class Waits:
    """Stands for the waiting: remembers how long, and ends when the test says so."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.instant = 0
        self.resume = asyncio.Event()

    async def __call__(self, event: asyncio.Event, seconds: float) -> bool:
        self.seconds.append(seconds)
        if len(self.seconds) <= self.instant:
            await asyncio.sleep(0)
            return event.is_set()
        waiting = [asyncio.ensure_future(waited.wait()) for waited in (event, self.resume)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for future in waiting:
            future.cancel()
        self.resume.clear()
        return event.is_set()


@pytest.fixture
async def neighbours() -> AsyncIterator[Neighbours]:
    found = Neighbours()
    yield found
    await asyncio.to_thread(found.close)


@contextlib.asynccontextmanager
async def watched(
    server: MemoryServer, neighbours: Neighbours, waits: Waits, **account: Any
) -> AsyncIterator[MailboxWatch]:
    """A watch that runs during the block."""
    entrance = MailboxOpener(
        mailbox_for=lambda _: MemoryMailbox(server), slots=asyncio.Semaphore(1)
    )
    watch = MailboxWatch(account_named(**account), neighbours.parts, entrance, waits)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_looks_again_when_the_poll_timer_says_so(neighbours: Neighbours) -> None:
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


async def test_looks_at_once_when_somebody_asks(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    async with watched(server, neighbours, waits) as watch:
        await until(lambda: len(waits.seconds) == 1)
        server.add(b"one")
        watch.look_now()
        await until(lambda: server.seen == {1})


async def test_a_mailbox_that_is_let_go_is_opened_for_each_look(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    async with watched(server, neighbours, waits, protocol="pop3") as watch:
        await until(lambda: len(waits.seconds) == 1)
        # As at the first opening, only so many connect at once.
        slot = watch._entrance.slots
        await slot.acquire()
        server.add(b"one")
        waits.resume.set()
        await until(lambda: slot.locked() and bool(slot._waiters))
        assert server.done("open") == [()]
        slot.release()
        await until(lambda: server.seen == {1})
    assert server.done("open") == [(), ()]


async def test_the_last_marking_is_saved_when_nothing_new_comes(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 1)
        assert neighbours.store.states["support", "INBOX"].finished_uid == 0
        waits.resume.set()
        await until(lambda: neighbours.store.states["support", "INBOX"].finished_uid == 1)


async def test_faults_are_waited_out_longer_each_time(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("refused") for _ in range(4)]
    server.add(b"one")
    waits.instant = 4
    async with watched(server, neighbours, waits):
        await until(lambda: server.seen == {1})
    pauses = waits.seconds[:4]
    for pause, plain in zip(pauses, (0.5, 1, 2, 4), strict=True):
        assert plain * 0.8 <= pause <= plain * 1.2


async def test_a_pause_that_the_server_asks_for_is_kept_whoever_asks(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("busy", after_seconds=90)]
    server.add(b"one")
    async with watched(server, neighbours, waits) as watch:
        await until(lambda: waits.seconds == [90])
        watch.look_now()
        for _ in range(5):
            await asyncio.sleep(0)
        assert server.done("open") == [()]
        waits.resume.set()
        await until(lambda: server.seen == {1})


async def test_a_short_pause_does_not_shorten_the_usual_ones(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("busy", after_seconds=1) for _ in range(6)]
    waits.instant = 6
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 7)
    assert waits.seconds[0] == 1
    assert waits.seconds[5] > 10


async def test_a_long_outage_of_postgresql_ends_no_later_for_it(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    neighbours.store.faults = [TransientError("PostgreSQL is away")] * 12
    waits.instant = 12
    async with watched(server, neighbours, waits):
        await until(lambda: server.seen == {1})
    assert max(waits.seconds[:12]) <= 6


@pytest.mark.logs_errors("mailbox away")
async def test_how_looks_went_is_noted_for_people_and_not_at_each_one(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [MailboxUnavailable("refused"), ConfigurationError("login refused")]
    # What all mailboxes share is no fault of this one.
    neighbours.store.faults = [TransientError("PostgreSQL is away")]
    waits.instant = 6
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 7)
    assert neighbours.store.contacts == [
        ("support", "refused"),
        ("support", "login refused"),
        ("support", None),
    ]


@pytest.mark.logs_errors("mailbox away")
async def test_a_refused_login_is_tried_seldom(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.open_faults = [ConfigurationError("login refused")]
    async with watched(server, neighbours, waits):
        await until(lambda: len(waits.seconds) == 1)
    assert waits.seconds[0] >= 12


@pytest.mark.logs_errors("mailbox needs authorization")
async def test_a_need_for_authorization_is_told_once_and_the_mailbox_goes_on_after_it(
    neighbours: Neighbours, capsys: pytest.CaptureFixture[str]
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    server.open_faults = [
        NeedsAuthorization("support", reason) for reason in ("first", "first", "first", "second")
    ]
    waits.instant = 3
    async with watched(server, neighbours, waits) as watch:
        await until(lambda: len(waits.seconds) == 4)
        assert waits.seconds == [60] * 4
        watch.look_now()
        await until(lambda: server.seen == {1})
    told = capsys.readouterr().out
    assert told.count("mailbox needs authorization") == 2
    assert "Run: postrail accounts authorize support" in told


async def test_without_postgresql_it_waits_and_the_mail_stays_in_the_mailbox(
    neighbours: Neighbours,
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    neighbours.store.faults = [TransientError("PostgreSQL is away")] * 2
    waits.instant = 2
    async with watched(server, neighbours, waits):
        await until(lambda: server.seen == {1})
    assert len(waits.seconds) >= 2
    assert len(neighbours.store.fetched) == 1


async def test_an_unacknowledged_record_ends_the_watch(neighbours: Neighbours) -> None:
    server = MemoryServer()
    server.add(b"one")
    neighbours.producer.fault = FatalError("no acknowledgement")
    entrance = MailboxOpener(
        mailbox_for=lambda _: MemoryMailbox(server), slots=asyncio.Semaphore(1)
    )
    with pytest.raises(FatalError):
        await MailboxWatch(account_named(), neighbours.parts, entrance).run()
    assert not server.seen


@pytest.mark.logs_errors("mailbox failed")
async def test_what_nobody_foresaw_stops_this_mailbox_only_for_a_while(
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


async def test_a_word_from_the_server_ends_the_idling(neighbours: Neighbours) -> None:
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


async def test_waiting_ends_by_event_or_time() -> None:
    event = asyncio.Event()
    assert not await set_within(event, 0.01)
    event.set()
    assert await set_within(event, 3600)


def asked(since: date | None = None) -> Reconciliation:
    return Reconciliation(
        reconciliation_id=1,
        mailbox="support",
        since=since,
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        requested_by="ada",
        finished_at=None,
        held=0,
        unaccounted=0,
        fetched=0,
    )


async def test_what_was_missed_is_fetched_after_what_is_new(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one", b"two")
    neighbours.store.due = [asked()]
    neighbours.store.states["support", "INBOX"] = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=1
    )
    async with watched(server, neighbours, waits):
        await until(lambda: bool(neighbours.store.rounds))
    assert [record.body for record in neighbours.producer.records] == [b"two", b"one"]
    assert neighbours.store.rounds == [Round(held=2, unaccounted=1, fetched=1, finished=True)]
    assert server.done("open") == [()]


@pytest.mark.parametrize(
    ("only_after", "since", "openings"),
    [
        # What the account leaves alone is seen over another connection only.
        (date(2026, 6, 1), date(2026, 5, 1), 2),
        (date(2026, 6, 1), date(2026, 7, 1), 1),
        # All of the mailbox is read anyway.
        (None, date(2026, 5, 1), 1),
    ],
)
async def test_a_backfill_looks_behind_the_day_of_the_account(
    neighbours: Neighbours, only_after: date | None, since: date, openings: int
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    neighbours.store.due = [asked(since)]
    async with watched(server, neighbours, waits, only_after=only_after):
        await until(lambda: bool(neighbours.store.rounds))
    assert len(server.done("open")) == openings


async def test_a_successor_keeps_to_what_a_poll_may_fetch(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(*(b"%d" % number for number in range(10)))
    limits = {"max_mails_per_poll": 4, "poll_seconds": 300}
    async with watched(server, neighbours, waits, **limits):
        await until(lambda: len(waits.seconds) == 1)
    assert len(neighbours.producer.records) == 4
    clock = neighbours.clock
    assert isinstance(clock, SettableClock)
    # Another process takes over within the time of the poll, and finds it used up.
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


async def test_what_was_missed_is_within_what_a_poll_may_fetch(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(*(b"%d" % number for number in range(10)))
    neighbours.store.due = [asked()]
    neighbours.store.states["support", "INBOX"] = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=7
    )
    async with watched(server, neighbours, waits, max_mails_per_poll=4):
        for poll, fetched in enumerate([4, 8, 10], 1):
            await until(lambda poll=poll: len(waits.seconds) == poll)  # type: ignore[misc]
            assert len(neighbours.producer.records) == fetched
            waits.resume.set()
    assert [each.finished for each in neighbours.store.rounds] == [False, False, True]


async def test_what_was_missed_is_fetched_in_the_session_of_the_look(
    neighbours: Neighbours,
) -> None:
    """Where logins must be far apart, there would never be another one."""
    server, waits = MemoryServer(), Waits()
    server.add(b"one", b"two")
    neighbours.store.due = [asked()]
    neighbours.store.states["support", "INBOX"] = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=1
    )
    rested: list[int] = []

    class Rests(MemoryMailbox):
        def rest(self) -> None:
            rested.append(len(server.done("read")))
            super().rest()

    entrance = MailboxOpener(mailbox_for=lambda _: Rests(server), slots=asyncio.Semaphore(1))
    watch = MailboxWatch(account_named(), neighbours.parts, entrance, waits)
    task = asyncio.create_task(watch.run())
    await until(lambda: len(waits.seconds) == 1)
    task.cancel()
    await asyncio.wait([task])
    assert len(neighbours.producer.records) == 2
    assert rested[0] == 2


@pytest.mark.parametrize(("since", "figure"), [(None, 1), (date(2020, 1, 1), None)])
async def test_a_backfill_leaves_the_figure_of_missed_mails(
    neighbours: Neighbours,
    monkeypatch: pytest.MonkeyPatch,
    since: date | None,
    figure: int | None,
) -> None:
    """Mails that were left alone on purpose raise no alarm."""
    server, waits, figures = MemoryServer(), Waits(), []
    monkeypatch.setattr(
        "services.fetcher.watch.metrics.set_mailbox_unaccounted",
        lambda _, mails: figures.append(mails),
    )
    server.add(b"one")
    neighbours.store.due = [asked(since)]
    neighbours.store.states["support", "INBOX"] = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=1
    )
    async with watched(server, neighbours, waits, only_after=date(2026, 1, 1)):
        await until(lambda: bool(neighbours.store.rounds) and len(waits.seconds) == 1)
    assert figures == ([] if figure is None else [figure])


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
