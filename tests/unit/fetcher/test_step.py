"""The fetcher's story on stand-ins: its order, and what each cut leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from postrail.errors import FatalError, TransientError
from postrail.mailbox import ListedMail
from postrail.settings import FetcherSettings
from services.fetcher.batch_read import LOSSES_OF_UNREADABLE, Suspects
from services.fetcher.step import Fetch, Limits
from tests.fakes.fetching import Neighbours, look
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


async def opened(
    server: MemoryServer,
    neighbours: Neighbours,
    suspects: Suspects | None = None,
    limits: Limits | None = None,
) -> Fetch:
    """A fetch on a new connection, as a watch would begin it."""
    mailbox = MemoryMailbox(server)
    state = await neighbours.store.begin("support", "INBOX", mailbox.open())
    return Fetch(neighbours.parts, mailbox, state, suspects or Suspects(), limits)


async def test_everything_new_arrives_once_in_order(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    fetch = await opened(server, neighbours)
    await look(fetch)
    await look(fetch)
    assert [record.body for record in neighbours.producer.records] == [b"one", b"two", b"three"]
    assert neighbours.producer.records[0].source == "INBOX;uidvalidity=7;uid=1"
    assert neighbours.producer.records[0].received_at == RECEIVED_AT
    assert [row.raw_offset for row in neighbours.store.fetched.values()] == [2, 0, 1]
    assert server.seen == {1, 2, 3}
    assert fetch.state.last_uid == fetch.state.finished_uid == 3
    assert neighbours.progress.outcomes == [("support", "fetched")] * 3


async def test_nothing_is_recorded_or_marked_before_kafka_has_it(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    observed = []

    def observe() -> None:
        observed.append((set(server.seen), dict(neighbours.store.fetched)))

    neighbours.producer.before_acknowledging = observe
    await look(await opened(server, neighbours))
    assert observed == [(set(), {})]


async def test_an_unacknowledged_record_marks_nothing(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    neighbours.producer.fault = FatalError("no acknowledgement")
    with pytest.raises(FatalError):
        await look(await opened(server, neighbours))
    assert not server.seen
    assert not neighbours.store.fetched
    assert neighbours.store.states["support", "INBOX"].last_uid == 0


async def test_without_its_row_a_mail_is_not_marked_and_comes_again_as_the_same_mail(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    fetch = await opened(server, neighbours)
    neighbours.store.faults = [TransientError("away")]
    with pytest.raises(TransientError):
        await look(fetch)
    assert not server.seen
    await look(await opened(server, neighbours))
    first, second = neighbours.producer.records
    assert first.mail_id == second.mail_id
    assert server.seen == {1}


async def test_a_large_mail_is_a_blob_before_its_record(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    large = b"x" * 1025
    server.add(large, b"x" * 1024)
    await look(await opened(server, neighbours))
    first, second = neighbours.producer.records
    assert first.body is None
    assert first.blob is not None
    assert neighbours.blobs.blobs == {first.blob.sha256: large}
    assert second.blob is None
    assert neighbours.store.fetched[first.mail_id].blob == first.blob.sha256


async def test_a_mail_larger_than_a_batch_passes_by_disk(server: MemoryServer) -> None:
    neighbours = Neighbours(
        FetcherSettings(batch_max_bytes=1024, inline_max_bytes=2048), archive_days=30
    )
    contents = [b"one", b"x" * 1025, b"y" * 2049, b"two"]
    server.add(*contents)
    await look(await opened(server, neighbours))
    neighbours.close()
    assert server.done("read") == [(1,), (2,), (3,), (4,)]
    assert [spool.closed for spool in server.spools] == [True, True]
    records = neighbours.producer.records
    assert [record.body for record in records] == [b"one", b"x" * 1025, None, b"two"]
    assert [record.size for record in records] == [len(content) for content in contents]
    assert list(neighbours.blobs.blobs.values()) == [b"y" * 2049]
    assert list(neighbours.blobs.archived.values()) == contents
    assert server.seen == {1, 2, 3, 4}


async def test_a_spool_is_given_back_when_its_mail_is_not_published(server: MemoryServer) -> None:
    neighbours = Neighbours(FetcherSettings(batch_max_bytes=1024))
    neighbours.producer.fault = FatalError("no acknowledgement")
    server.add(b"x" * 1025)
    with pytest.raises(FatalError):
        await look(await opened(server, neighbours))
    neighbours.close()
    assert [spool.closed for spool in server.spools] == [True]


async def test_without_the_blob_store_nothing_is_sent(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"small", b"x" * 1025)
    # The archive of the first mail, of the second, then its blob.
    neighbours.blobs.faults = [TransientError("away")]
    fetch = await opened(server, neighbours)
    with pytest.raises(TransientError):
        await look(fetch)
    assert not neighbours.producer.records
    assert "blobs" in neighbours.health.problems
    await look(fetch)
    assert len(neighbours.producer.records) == 2
    assert not neighbours.health.problems


async def test_raw_mails_are_archived_by_day_and_mailbox(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    await look(await opened(server, neighbours))
    (record,) = neighbours.producer.records
    key = (date(2026, 1, 1), "support", record.mail_id)
    assert neighbours.blobs.archived == {key: b"one"}


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_refused_mail_fails_and_its_neighbours_go_on(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.refused = {2}
    fetch = await opened(server, neighbours)
    await look(fetch)
    assert [record.body for record in neighbours.producer.records] == [b"one", b"three"]
    (row,) = neighbours.store.unreadable.values()
    assert row.source == "INBOX;uidvalidity=7;uid=2"
    assert "does not give it out" in row.reason
    # Left as it was, for people to see.
    assert server.seen == {1, 3}
    assert fetch.state.last_uid == 3
    assert ("support", "failed") in neighbours.progress.outcomes


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_mail_that_breaks_the_connection_fails_after_some_logins(
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
            await look(fetch)
        except TransientError:
            continue
    # Once with its neighbour, then alone.
    assert logins == 1 + LOSSES_OF_UNREADABLE + 1
    assert server.done("read")[:3] == [(1, 2), (1,), (2,)]
    assert [record.body for record in neighbours.producer.records] == [b"one", b"three"]
    (row,) = neighbours.store.unreadable.values()
    assert "breaks off" in row.reason
    assert not suspects.losses


@pytest.mark.logs_errors("mail cannot be read")
async def test_a_mail_that_cannot_even_be_listed_does_not_stop_the_mailbox(
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
            await look(fetch)
        except TransientError:
            continue
    assert server.seen == {1, 3}
    assert len(neighbours.store.unreadable) == 1


async def test_a_mail_removed_meanwhile_is_no_failure(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await opened(server, neighbours)
    read = MemoryMailbox.read

    class Removing(MemoryMailbox):
        def read(self, uids):  # type: ignore[no-untyped-def]
            server.mails.pop(2, None)
            return read(self, uids)

    mailbox = Removing(server)
    mailbox.open()
    fetch._mailbox = mailbox
    await look(fetch)
    assert [record.body for record in neighbours.producer.records] == [b"one"]
    assert fetch.state.last_uid == 2
    assert not neighbours.store.unreadable


async def test_a_folder_that_cannot_be_marked_is_still_read(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.may_mark = False
    await look(await opened(server, neighbours))
    assert len(neighbours.store.fetched) == 3
    assert not server.seen


async def test_a_changed_uidvalidity_lists_again_as_other_mails(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one")
    await look(await opened(server, neighbours))
    server.uid_validity = 8
    fetch = await opened(server, neighbours)
    await look(fetch)
    first, second = neighbours.producer.records
    assert first.body == second.body
    assert first.mail_id != second.mail_id


@pytest.mark.logs_errors("mail cannot be read")
async def test_what_a_crash_left_unmarked_is_marked_at_the_next_start(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three", b"four")
    server.refused = {4}
    fetch = await opened(server, neighbours)
    await look(fetch)
    # As if the process had died before it marked the second batch.
    server.seen -= {3}
    # A person has marked a mail of the first batch as unread.
    server.seen -= {1}
    await (await opened(server, neighbours)).finish_what_was_left()
    assert server.seen == {2, 3}
    assert neighbours.store.states["support", "INBOX"].finished_uid == 4


async def test_nothing_is_marked_again_once_the_marking_is_saved(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two")
    fetch = await opened(server, neighbours)
    await look(fetch)
    await fetch.save_finished()
    server.seen -= {2}
    await (await opened(server, neighbours)).finish_what_was_left()
    assert server.seen == {1}


async def test_a_mail_that_is_too_large_comes_as_its_header_and_stays_as_it_is(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"A: 1\r\n\r\n", b"A: 2\r\n\r\n" + b"x" * 100, b"A: 3\r\n\r\n")
    fetch = await opened(server, neighbours, limits=Limits(max_message_bytes=50))
    await look(fetch)
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


async def test_a_mail_that_is_too_large_is_not_finished_by_a_successor_either(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"A: 1\r\n\r\n", b"A: 2\r\n\r\n" + b"x" * 100)
    await look(await opened(server, neighbours, limits=Limits(max_message_bytes=50)))
    # Even when the account allows larger mails meanwhile: only the header is here.
    await (await opened(server, neighbours)).finish_what_was_left()
    assert server.seen == {1}
    assert neighbours.store.states["support", "INBOX"].finished_uid == 2


async def test_a_mail_of_unknown_size_that_is_too_large_comes_as_its_header(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    """Where the server breaks off when it is asked for sizes."""
    server.add(b"A: 1\r\n\r\n", b"A: 2\r\n\r\n" + b"x" * 100, b"A: 3\r\n\r\n")
    server.finishes_at_rest = True
    suspects = Suspects(in_listing=True)
    fetch = await opened(server, neighbours, suspects, limits=Limits(max_message_bytes=50))
    await look(fetch)
    told = [(record.size, record.too_large) for record in neighbours.producer.records]
    assert told == [(8, False), (108, True), (8, False)]
    assert server.seen == {1, 3}
    assert [spool.closed for spool in server.spools] == [True, True, True]


async def test_a_mail_of_the_greatest_size_comes_whole(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"x" * 50)
    await look(await opened(server, neighbours, limits=Limits(max_message_bytes=50)))
    assert neighbours.producer.records[0].body == b"x" * 50


async def test_a_poll_brings_no_more_mails_than_it_may(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three", b"four", b"five")
    fetch = await opened(server, neighbours, limits=Limits(max_mails_per_poll=3))
    await look(fetch)
    assert server.seen == {1, 2, 3}
    await look(fetch)
    assert server.seen == {1, 2, 3, 4, 5}


async def test_what_takes_effect_at_rest_is_finished_then_and_not_before(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.finishes_at_rest = True
    fetch = await opened(server, neighbours)
    observed = []
    neighbours.producer.before_acknowledging = lambda: observed.append(
        neighbours.store.states["support", "INBOX"].finished_uid
    )
    await look(fetch)
    assert observed == [0, 0]
    assert server.seen == {1, 2, 3}
    assert fetch.state.finished_uid == 3


async def test_before_a_mail_that_is_too_large_the_others_take_effect(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"x" * 100, b"three")
    server.finishes_at_rest = True
    fetch = await opened(server, neighbours, limits=Limits(max_message_bytes=50))
    seen = []
    neighbours.producer.before_acknowledging = lambda: seen.append(set(server.seen))
    await look(fetch)
    # Else a successor would take the large one for one of those that are to be removed.
    assert seen == [set(), {1}, {1}]
    assert server.seen == {1, 3}


async def test_what_a_crash_left_before_the_rest_is_done_again(
    server: MemoryServer, neighbours: Neighbours
) -> None:
    server.add(b"one", b"two", b"three")
    server.finishes_at_rest = True
    fetch = await opened(server, neighbours)
    for batch in ([ListedMail(1, 3), ListedMail(2, 3)], [ListedMail(3, 5)]):
        await fetch._take(batch)
    assert server.seen == set()
    await (await opened(server, neighbours)).finish_what_was_left()
    assert server.seen == {1, 2, 3}
    assert neighbours.store.states["support", "INBOX"].finished_uid == 3
