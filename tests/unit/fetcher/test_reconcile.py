"""What a mailbox holds and no row tells of is fetched, once, and within the poll's limit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postrail.mailbox_state.reconciliation import Round
from postrail.settings import FetcherSettings
from services.fetcher.batch_read import Suspects
from services.fetcher.reconcile import fetch_missed
from services.fetcher.step import Fetch
from tests.fakes.fetching import Neighbours, look
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    found = Neighbours(FetcherSettings(batch_max_mails=2))
    yield found
    found.close()


async def read(server: MemoryServer, neighbours: Neighbours) -> Fetch:
    """A fetch that has read all there is."""
    mailbox = MemoryMailbox(server)
    state = await neighbours.store.begin("support", "INBOX", mailbox.open())
    fetch = Fetch(neighbours.parts, mailbox, state, Suspects())
    await look(fetch)
    return fetch


def bodies(neighbours: Neighbours) -> list[bytes | None]:
    return [record.body for record in neighbours.producer.records]


async def test_when_all_is_well_nothing_is_fetched(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await read(server, neighbours)
    found = await fetch_missed(fetch, neighbours.store, 100)
    assert found == Round(held=2, unaccounted=0, fetched=0, finished=True)
    assert bodies(neighbours) == [b"one", b"two"]


async def test_a_mail_that_the_server_showed_late_is_fetched(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three", b"four")
    late = server.mails.pop(2)
    fetch = await read(server, neighbours)
    server.mails[2] = late
    await look(fetch)
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
async def test_one_that_cannot_be_read_is_accounted_for_as_failed(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await read(server, neighbours)
    neighbours.store.fetched.clear()
    server.refused = {1}
    assert (await fetch_missed(fetch, neighbours.store, 100)).finished
    assert len(neighbours.store.fetched) == len(neighbours.store.unreadable) == 1
    assert (await fetch_missed(fetch, neighbours.store, 100)).unaccounted == 0


async def test_one_that_is_removed_meanwhile_holds_nothing_up(
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
    """As a POP3 server that allows no login so soon."""
    server.add(b"one")
    fetch = await read(server, neighbours)
    neighbours.store.fetched.clear()
    with monkeypatch.context() as closed:
        closed.setattr(MemoryMailbox, "list_after", lambda *_, **__: [])
        found = await fetch_missed(fetch, neighbours.store, 100)
    assert found == Round(held=1, unaccounted=1, fetched=0, finished=False)
    assert (await fetch_missed(fetch, neighbours.store, 100)).finished
    assert len(neighbours.store.fetched) == 1
