"""The step in memory: its order, and the state that each interruption leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from postrail.errors import FatalError, TransientError
from postrail.settings import FetcherSettings
from services.fetcher.reading.batch_read import LOSSES_OF_UNREADABLE, Limits, Suspects
from services.fetcher.step import Fetch
from tests.fakes.fetching import Neighbours, opened, poll
from tests.fakes.mailboxes import RECEIVED_AT, MemoryMailbox, MemoryServer

SMALL = FetcherSettings(batch_max_mails=2, inline_max_bytes=1024)


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    found = Neighbours(SMALL, archive_days=30)
    yield found
    found.close()


async def test_everything_new_arrives_once_in_order(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    fetch = await opened(server, neighbours)
    await poll(fetch)
    await poll(fetch)
    assert [record.body for record in neighbours.producer.records] == [b"one", b"two", b"three"]
    assert neighbours.producer.records[0].source == "INBOX;uidvalidity=7;uid=1"
    assert neighbours.producer.records[0].received_at == RECEIVED_AT
    assert [row.raw_offset for row in neighbours.store.fetched.values()] == [2, 0, 1]
    assert server.seen == {1, 2, 3}
    assert fetch.state.last_uid == fetch.state.finished_uid == 3
    assert neighbours.progress.outcomes == [("support", "fetched")] * 3


async def test_kafka_acknowledges_before_anything_is_recorded_or_marked(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    observed = []

    def observe() -> None:
        observed.append((set(server.seen), dict(neighbours.store.fetched)))

    neighbours.producer.before_acknowledging = observe
    await poll(await opened(server, neighbours))
    assert observed == [(set(), {})]


async def test_an_unacknowledged_record_marks_nothing(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    neighbours.producer.fault = FatalError("no acknowledgement")
    with pytest.raises(FatalError):
        await poll(await opened(server, neighbours))
    assert not server.seen
    assert not neighbours.store.fetched
    assert neighbours.store.states["support", "INBOX"].last_uid == 0


async def test_without_its_row_a_message_is_not_marked_and_is_fetched_again_with_its_id(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    fetch = await opened(server, neighbours)
    neighbours.store.faults = [TransientError("unavailable")]
    with pytest.raises(TransientError):
        await poll(fetch)
    assert not server.seen
    await poll(await opened(server, neighbours))
    first, second = neighbours.producer.records
    assert first.mail_id == second.mail_id
    assert server.seen == {1}


async def test_a_large_message_is_a_blob_before_its_record(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    large = b"x" * 1025
    server.add(large, b"x" * 1024)
    await poll(await opened(server, neighbours))
    first, second = neighbours.producer.records
    assert first.body is None
    assert first.blob is not None
    assert neighbours.blobs.blobs == {first.blob.sha256: large}
    assert second.blob is None
    assert neighbours.store.fetched[first.mail_id].blob == first.blob.sha256


async def test_a_message_larger_than_a_batch_is_read_to_disk(server: MemoryServer) -> None:
    neighbours = Neighbours(
        FetcherSettings(batch_max_bytes=1024, inline_max_bytes=2048), archive_days=30
    )
    contents = [b"one", b"x" * 1025, b"y" * 2049, b"two"]
    server.add(*contents)
    await poll(await opened(server, neighbours))
    neighbours.close()
    assert server.done("read") == [(1,), (2,), (3,), (4,)]
    assert [spool.closed for spool in server.spools] == [True, True]
    records = neighbours.producer.records
    assert [record.body for record in records] == [b"one", b"x" * 1025, None, b"two"]
    assert [record.size for record in records] == [len(content) for content in contents]
    assert list(neighbours.blobs.blobs.values()) == [b"y" * 2049]
    assert list(neighbours.blobs.archived.values()) == contents
    assert server.seen == {1, 2, 3, 4}


async def test_a_spool_is_closed_when_its_message_is_not_published(server: MemoryServer) -> None:
    neighbours = Neighbours(FetcherSettings(batch_max_bytes=1024))
    neighbours.producer.fault = FatalError("no acknowledgement")
    server.add(b"x" * 1025)
    with pytest.raises(FatalError):
        await poll(await opened(server, neighbours))
    neighbours.close()
    assert [spool.closed for spool in server.spools] == [True]


async def test_without_the_blob_store_nothing_is_sent(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"small", b"x" * 1025)
    # The first call archives the small message.
    neighbours.blobs.faults = [TransientError("unavailable")]
    fetch = await opened(server, neighbours)
    with pytest.raises(TransientError):
        await poll(fetch)
    assert not neighbours.producer.records
    assert "blobs" in neighbours.health.problems
    await poll(fetch)
    assert len(neighbours.producer.records) == 2
    assert not neighbours.health.problems


async def test_raw_messages_are_archived_by_day_and_mailbox(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    await poll(await opened(server, neighbours))
    (record,) = neighbours.producer.records
    key = (date(2026, 1, 1), "support", record.mail_id)
    assert neighbours.blobs.archived == {key: b"one"}


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_refused_message_fails_and_the_others_go_on(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.refused = {2}
    fetch = await opened(server, neighbours)
    await poll(fetch)
    assert [record.body for record in neighbours.producer.records] == [b"one", b"three"]
    (row,) = neighbours.store.unreadable.values()
    assert row.source == "INBOX;uidvalidity=7;uid=2"
    assert "does not deliver it" in row.reason
    # It stays unseen, so that people notice it.
    assert server.seen == {1, 3}
    assert fetch.state.last_uid == 3
    assert ("support", "failed") in neighbours.progress.outcomes


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_message_that_breaks_the_connection_fails_after_three_losses(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.deadly = {2}
    suspects = Suspects()
    logins = 0
    while server.seen != {1, 3}:
        logins += 1
        fetch = await opened(server, neighbours, suspects)
        try:
            await poll(fetch)
        except TransientError:
            continue
    # Once in a batch with another message, then alone.
    assert logins == 1 + LOSSES_OF_UNREADABLE + 1
    assert server.done("read")[:3] == [(1, 2), (1,), (2,)]
    assert [record.body for record in neighbours.producer.records] == [b"one", b"three"]
    (row,) = neighbours.store.unreadable.values()
    assert "breaks off" in row.reason
    assert not suspects.losses


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_message_that_breaks_the_listing_does_not_stop_the_mailbox(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.deadly = server.deadly_to_list = {2}
    suspects = Suspects()
    logins = 0
    while server.seen != {1, 3} and logins < 20:
        logins += 1
        fetch = await opened(server, neighbours, suspects)
        try:
            await poll(fetch)
        except TransientError:
            continue
    assert server.seen == {1, 3}
    assert len(neighbours.store.unreadable) == 1


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_parked_message_that_is_read_in_its_turn_stays_for_its_request(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    server.refused = {2}
    await poll(await opened(server, neighbours))
    # The folder is made anew, and then comes back with its old numbers.
    server.uid_validity = 8
    await poll(await opened(server, neighbours))
    server.uid_validity, server.refused, server.seen = 7, set(), set()
    fetch = await opened(server, neighbours)
    await poll(fetch)
    assert neighbours.producer.records[-1].body == b"two"
    # The handler passes its record over: only its request has an effect.
    assert server.seen == {1}
    assert fetch.state.last_uid == 2
    assert neighbours.progress.outcomes.count(("support", "fetched")) == 3


async def test_a_message_removed_in_the_meantime_is_not_a_failure(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    read = MemoryMailbox.read

    class Removing(MemoryMailbox):
        def read(self, uids):  # type: ignore[no-untyped-def]
            server.mails.pop(2, None)
            return read(self, uids)

    mailbox = Removing(server)
    mailbox.open()
    state = await neighbours.store.begin("support", "INBOX", 7)
    fetch = Fetch(neighbours.resources, mailbox, state, Suspects())
    await poll(fetch)
    assert [record.body for record in neighbours.producer.records] == [b"one"]
    assert fetch.state.last_uid == 2
    assert not neighbours.store.unreadable


async def test_a_changed_uidvalidity_gives_messages_other_ids(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    await poll(await opened(server, neighbours))
    server.uid_validity = 8
    fetch = await opened(server, neighbours)
    await poll(fetch)
    first, second = neighbours.producer.records
    assert first.body == second.body
    assert first.mail_id != second.mail_id


async def test_of_a_too_large_message_the_header_is_fetched_and_it_stays_unseen(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"A: 1\r\n\r\n", b"A: 2\r\n\r\n" + b"x" * 100, b"A: 3\r\n\r\n")
    fetch = await opened(server, neighbours, limits=Limits(max_message_bytes=50))
    await poll(fetch)
    records = neighbours.producer.records
    assert [(record.size, record.too_large) for record in records] == [
        (8, False),
        (108, True),
        (8, False),
    ]
    assert records[1].body == b"A: 2\r\n\r\n"
    assert neighbours.store.fetched[records[1].mail_id].size == 108
    assert server.done("read") == [(1,), (3,)]
    assert server.seen == {1, 3}


async def test_of_a_too_large_message_of_unknown_size_the_header_is_fetched(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    """The size is unknown when the server breaks off at a request for sizes."""
    server.add(b"A: 1\r\n\r\n", b"A: 2\r\n\r\n" + b"x" * 100, b"A: 3\r\n\r\n")
    server.finishes_at_rest = True
    suspects = Suspects(in_listing=True)
    fetch = await opened(server, neighbours, suspects, limits=Limits(max_message_bytes=50))
    await poll(fetch)
    reported = [(record.size, record.too_large) for record in neighbours.producer.records]
    assert reported == [(8, False), (108, True), (8, False)]
    assert server.seen == {1, 3}
    assert [spool.closed for spool in server.spools] == [True, True, True]


async def test_a_message_of_the_largest_allowed_size_is_fetched_whole(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"x" * 50)
    await poll(await opened(server, neighbours, limits=Limits(max_message_bytes=50)))
    assert neighbours.producer.records[0].body == b"x" * 50


async def test_a_poll_keeps_its_limit(server: MemoryServer, neighbours: Neighbours) -> None:
    server.add(b"one", b"two", b"three", b"four", b"five")
    fetch = await opened(server, neighbours, limits=Limits(max_mails_per_poll=3))
    await poll(fetch)
    assert server.seen == {1, 2, 3}
    await poll(fetch)
    assert server.seen == {1, 2, 3, 4, 5}
