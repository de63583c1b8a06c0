"""Messages without a row are fetched, once, and within the limit of the poll."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from postrail.mailbox_state.reconciliation import BY_TIMER, Round
from postrail.mailbox_state.sync_state import SyncState
from postrail.settings import FetcherSettings
from services.fetcher.reading.batch_read import Suspects
from services.fetcher.reconcile import fetch_missed
from services.fetcher.step import Fetch
from tests.fakes.fetching import Neighbours, poll, until
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer
from tests.fakes.watching import Waits, comparison, watched


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    found = Neighbours(FetcherSettings(batch_max_mails=2))
    yield found
    found.close()


async def read(server: MemoryServer, neighbours: Neighbours) -> Fetch:
    """Makes a fetch that has read all messages."""
    mailbox = MemoryMailbox(server)
    state = await neighbours.store.begin("support", "INBOX", mailbox.open())
    fetch = Fetch(neighbours.resources, mailbox, state, Suspects())
    await poll(fetch)
    return fetch


def bodies(neighbours: Neighbours) -> list[bytes | None]:
    return [record.body for record in neighbours.producer.records]


async def test_a_mailbox_with_all_rows_fetches_nothing(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await read(server, neighbours)
    found = await fetch_missed(fetch, neighbours.store, 100)
    assert found == Round(held=2, unaccounted=0, fetched=0, finished=True)
    assert bodies(neighbours) == [b"one", b"two"]


async def test_a_message_that_the_server_listed_late_is_fetched(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three", b"four")
    late = server.mails.pop(2)
    fetch = await read(server, neighbours)
    server.mails[2] = late
    await poll(fetch)
    assert bodies(neighbours) == [b"one", b"three", b"four"]
    found = await fetch_missed(fetch, neighbours.store, 100)
    assert found == Round(held=4, unaccounted=1, fetched=1, finished=True)
    assert bodies(neighbours) == [b"one", b"three", b"four", b"two"]
    assert fetch.state.last_uid == 4
    assert server.seen == {1, 2, 3, 4}
    assert (await fetch_missed(fetch, neighbours.store, 100)).unaccounted == 0


async def test_lost_rows_are_made_again_within_the_limit(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(*(b"%d" % number for number in range(7)))
    fetch = await read(server, neighbours)
    before = dict(neighbours.store.fetched)
    neighbours.store.fetched.clear()
    rounds = [await fetch_missed(fetch, neighbours.store, 3) for _ in range(3)]
    assert [(each.unaccounted, each.fetched, each.finished) for each in rounds] == [
        (7, 3, False),
        (4, 3, False),
        (1, 1, True),
    ]
    assert neighbours.store.fetched.keys() == before.keys()


@pytest.mark.logs_errors("mail cannot be read")
async def test_an_unreadable_message_is_accounted_for_as_failed(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await read(server, neighbours)
    neighbours.store.fetched.clear()
    server.refused = {1}
    assert (await fetch_missed(fetch, neighbours.store, 100)).finished
    assert len(neighbours.store.fetched) == len(neighbours.store.unreadable) == 1
    assert (await fetch_missed(fetch, neighbours.store, 100)).unaccounted == 0


@pytest.mark.parametrize(("requested_by", "at_once"), [(BY_TIMER, False), ("ada", True)])
async def test_known_messages_are_asked_for_again_if_they_failed(
    server: MemoryServer, neighbours: Neighbours, requested_by: str, at_once: bool
) -> None:
    """The pauses of a parked message hold for the timer, and a person asks at once."""
    server.add(b"one", b"two")
    fetch = await read(server, neighbours)
    await fetch_missed(fetch, neighbours.store, 100, requested_by)
    ids = sorted(neighbours.store.fetched)
    assert neighbours.store.asked_for == [(ids, requested_by, at_once)]


async def test_a_message_removed_in_the_meantime_does_not_hold_up_the_others(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await read(server, neighbours)
    neighbours.store.fetched.clear()
    known = neighbours.store.known

    async def removing(mail_ids: list[str]) -> set[str]:
        server.mails.pop(1, None)
        return await known(mail_ids)

    neighbours.store.known = removing  # type: ignore[method-assign, assignment]
    found = await fetch_missed(fetch, neighbours.store, 100)
    assert found == Round(held=2, unaccounted=2, fetched=1, finished=True)


async def test_a_mailbox_that_lists_nothing_now_is_compared_again(
    server: MemoryServer, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A POP3 server may refuse a login that comes too soon after the last one."""
    server.add(b"one")
    fetch = await read(server, neighbours)
    neighbours.store.fetched.clear()
    with monkeypatch.context() as closed:
        closed.setattr(MemoryMailbox, "list_after", lambda *_, **__: [])
        found = await fetch_missed(fetch, neighbours.store, 100)
    assert found == Round(held=1, unaccounted=1, fetched=0, finished=False)
    assert (await fetch_missed(fetch, neighbours.store, 100)).finished
    assert len(neighbours.store.fetched) == 1


async def test_a_watch_fetches_missed_messages_after_new_ones(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one", b"two")
    neighbours.store.due = [comparison()]
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
        # Messages that the account excludes are listed by another connection only.
        (date(2026, 6, 1), date(2026, 5, 1), 2),
        (date(2026, 6, 1), date(2026, 7, 1), 1),
        # An account without `only_after` excludes none.
        (None, date(2026, 5, 1), 1),
    ],
)
async def test_a_backfill_reaches_before_only_after(
    neighbours: Neighbours, only_after: date | None, since: date, openings: int
) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(b"one")
    neighbours.store.due = [comparison(since)]
    async with watched(server, neighbours, waits, only_after=only_after):
        await until(lambda: bool(neighbours.store.rounds))
    assert len(server.done("open")) == openings


async def test_missed_messages_count_for_the_limit_of_a_poll(neighbours: Neighbours) -> None:
    server, waits = MemoryServer(), Waits()
    server.add(*(b"%d" % number for number in range(10)))
    neighbours.store.due = [comparison()]
    neighbours.store.states["support", "INBOX"] = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=7
    )
    async with watched(server, neighbours, waits, max_mails_per_poll=4):
        for poll, fetched in enumerate([4, 8, 10], 1):
            await until(lambda poll=poll: len(waits.seconds) == poll)  # type: ignore[misc]
            assert len(neighbours.producer.records) == fetched
            waits.resume.set()
    assert [each.finished for each in neighbours.store.rounds] == [False, False, True]


async def test_missed_messages_are_fetched_in_the_session_of_the_poll(
    neighbours: Neighbours,
) -> None:
    """A server that wants logins far apart would never allow another session."""
    server, waits = MemoryServer(), Waits()
    server.add(b"one", b"two")
    neighbours.store.due = [comparison()]
    neighbours.store.states["support", "INBOX"] = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=1
    )
    rested: list[int] = []

    class Rests(MemoryMailbox):
        def rest(self) -> None:
            rested.append(len(server.done("read")))
            super().rest()

    async with watched(server, neighbours, waits, Rests):
        await until(lambda: len(waits.seconds) == 1)
    assert len(neighbours.producer.records) == 2
    assert rested[0] == 2


@pytest.mark.parametrize(("since", "figure"), [(None, 1), (date(2020, 1, 1), None)])
async def test_a_backfill_leaves_the_metric_of_missed_messages(
    neighbours: Neighbours,
    monkeypatch: pytest.MonkeyPatch,
    since: date | None,
    figure: int | None,
) -> None:
    """Messages that were excluded on purpose raise no alarm."""
    server, waits, figures = MemoryServer(), Waits(), []
    monkeypatch.setattr(
        "services.fetcher.reconcile.metrics.set_mailbox_unaccounted",
        lambda _, mails: figures.append(mails),
    )
    server.add(b"one")
    neighbours.store.due = [comparison(since)]
    neighbours.store.states["support", "INBOX"] = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=1
    )
    async with watched(server, neighbours, waits, only_after=date(2026, 1, 1)):
        await until(lambda: bool(neighbours.store.rounds) and len(waits.seconds) == 1)
    assert figures == ([] if figure is None else [figure])
