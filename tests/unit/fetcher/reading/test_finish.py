"""Messages are finished once: after their rows, at the next start, or when the mailbox rests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postrail.mailbox import ListedMail
from postrail.settings import FetcherSettings
from services.fetcher.reading.batch_read import Limits
from tests.fakes.fetching import Neighbours, opened, poll
from tests.fakes.mailboxes import MemoryServer


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    found = Neighbours(FetcherSettings(batch_max_mails=2))
    yield found
    found.close()


async def test_a_folder_that_cannot_be_marked_is_still_read(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.may_mark = False
    await poll(await opened(server, neighbours))
    assert len(neighbours.store.fetched) == 3
    assert not server.seen


@pytest.mark.logs_errors("mail cannot be read")
async def test_what_a_crash_left_unmarked_is_marked_at_the_next_start(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three", b"four")
    server.refused = {4}
    fetch = await opened(server, neighbours)
    await poll(fetch)
    # The state of a process that died before it marked the second batch.
    server.seen -= {3}
    # A person has marked a message of the first batch as unread.
    server.seen -= {1}
    await (await opened(server, neighbours)).finish_leftovers()
    assert server.seen == {2, 3}
    assert neighbours.store.states["support", "INBOX"].finished_uid == 4


async def test_nothing_is_marked_again_once_the_marking_is_saved(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await opened(server, neighbours)
    await poll(fetch)
    await fetch.save_finished()
    server.seen -= {2}
    await (await opened(server, neighbours)).finish_leftovers()
    assert server.seen == {1}


async def test_a_successor_does_not_finish_a_too_large_message_either(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"A: 1\r\n\r\n", b"A: 2\r\n\r\n" + b"x" * 100)
    await poll(await opened(server, neighbours, limits=Limits(max_message_bytes=50)))
    # Even if the account allows larger messages by now: only the header was fetched.
    await (await opened(server, neighbours)).finish_leftovers()
    assert server.seen == {1}
    assert neighbours.store.states["support", "INBOX"].finished_uid == 2


async def test_what_takes_effect_at_rest_is_finished_at_rest(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.finishes_at_rest = True
    fetch = await opened(server, neighbours)
    observed = []
    neighbours.producer.before_acknowledging = lambda: observed.append(
        neighbours.store.states["support", "INBOX"].finished_uid
    )
    await poll(fetch)
    assert observed == [0, 0]
    assert server.seen == {1, 2, 3}
    assert fetch.state.finished_uid == 3


async def test_pending_changes_take_effect_before_a_too_large_message(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"x" * 100, b"three")
    server.finishes_at_rest = True
    fetch = await opened(server, neighbours, limits=Limits(max_message_bytes=50))
    seen = []
    neighbours.producer.before_acknowledging = lambda: seen.append(set(server.seen))
    await poll(fetch)
    # Otherwise a successor would remove the large one together with the others.
    assert seen == [set(), {1}, {1}]
    assert server.seen == {1, 3}


async def test_changes_that_a_crash_lost_before_the_rest_are_repeated(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.finishes_at_rest = True
    fetch = await opened(server, neighbours)
    for batch in ([ListedMail(1, 3), ListedMail(2, 3)], [ListedMail(3, 5)]):
        await fetch._take(batch)
    assert server.seen == set()
    await (await opened(server, neighbours)).finish_leftovers()
    assert server.seen == {1, 2, 3}
    assert neighbours.store.states["support", "INBOX"].finished_uid == 3
