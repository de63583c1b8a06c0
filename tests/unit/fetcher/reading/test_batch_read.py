"""Batches, and the messages blamed for a lost connection: none when the server asks for a pause."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Sequence

import pytest

from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable, ReadMail
from services.fetcher.reading.batch_read import (
    LOSSES_OF_UNREADABLE,
    STAND_IN,
    BatchReader,
    Limits,
    Suspects,
    batches,
)
from tests.fakes.exchange import stand_in
from tests.fakes.fetching import Neighbours
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


@pytest.fixture
async def neighbours() -> AsyncIterator[Neighbours]:
    found = Neighbours()
    yield found
    found.close()


def reader_of(mailbox: MemoryMailbox, neighbours: Neighbours, suspects: Suspects) -> BatchReader:
    return BatchReader(mailbox, neighbours.threads, neighbours.settings, suspects, Limits())


class Refusing(MemoryMailbox):
    """A mailbox that is unavailable for all requests."""

    def __init__(self, server: MemoryServer, after_seconds: float) -> None:
        super().__init__(server)
        self._fault = MailboxUnavailable("not now", after_seconds=after_seconds)

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        raise self._fault

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        raise self._fault


# The pause that the server asks for, and whether the message becomes unreadable in the end.
PAUSES = [(0.0, True), (7.0, False)]


@pytest.mark.parametrize(("seconds", "unreadable"), PAUSES)
async def test_a_message_read_alone_during_losses_is_suspected_unless_a_pause_was_asked_for(
    neighbours: Neighbours, seconds: float, unreadable: bool
) -> None:
    suspects = Suspects()
    reader = reader_of(Refusing(MemoryServer(), seconds), neighbours, suspects)
    for _ in range(LOSSES_OF_UNREADABLE):
        with pytest.raises(MailboxUnavailable):
            await reader.read([ListedMail(7, 10)])
    assert suspects.unreadable([7]) is unreadable


class WithoutDescriptors(Refusing):
    """A mailbox for whose connections the process has no descriptors."""

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        raise self._fault from OSError(errno.EMFILE, "Too many open files")


async def test_what_the_operating_system_refuses_makes_no_message_suspect(
    neighbours: Neighbours,
) -> None:
    suspects = Suspects()
    reader = reader_of(WithoutDescriptors(MemoryServer(), 0.0), neighbours, suspects)
    for _ in range(LOSSES_OF_UNREADABLE):
        with pytest.raises(MailboxUnavailable):
            await reader.read([ListedMail(7, 10)])
    assert not suspects.unreadable([7])


@pytest.mark.parametrize(("seconds", "suspected"), PAUSES)
async def test_sizes_are_asked_for_again_after_a_pause(
    neighbours: Neighbours, seconds: float, suspected: bool
) -> None:
    suspects = Suspects()
    with pytest.raises(MailboxUnavailable):
        await reader_of(Refusing(MemoryServer(), seconds), neighbours, suspects).list_after(0)
    assert suspects.in_listing is suspected


async def test_an_unforeseen_answer_does_not_stop_the_mailbox(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message is blamed when the fault comes each time that it is read."""
    server = MemoryServer()
    server.add(b"one")
    mailbox = MemoryMailbox(server)
    mailbox.open()
    monkeypatch.setattr(mailbox, "read", {}.__getitem__)
    reader = reader_of(mailbox, neighbours, Suspects())
    for _ in range(LOSSES_OF_UNREADABLE):
        with pytest.raises(TypeError):
            await reader.read([ListedMail(1, 3)])
    messages, unreadable = await reader.read([ListedMail(1, 3)])
    assert not messages
    assert [each.message.uid for each in unreadable] == [1]


@pytest.mark.parametrize(("refusals", "given"), [(2, True), (3, False)])
# A message of unknown size is read to disk.
@pytest.mark.parametrize("size", [3, None])
async def test_a_refused_message_is_asked_for_again(
    neighbours: Neighbours, refusals: int, given: bool, size: int | None
) -> None:
    """The server may be busy with the message; a large one is read to disk at each attempt."""
    left = [refusals]

    class Busy(MemoryMailbox):
        def read(self, uids: Sequence[int]) -> list[ReadMail]:
            left[0] -= 1
            if left[0] >= 0:
                raise MailUnreadable("not now")
            return super().read(uids)

    server = MemoryServer()
    server.add(b"one")
    mailbox = Busy(server)
    mailbox.open()
    reader = reader_of(mailbox, neighbours, Suspects())
    messages, unreadable = await reader.read([ListedMail(1, size)])
    assert [message.spool is not None for message in messages] == [size is None] * given
    assert [each.reason for each in unreadable] == ["not now"] * (not given)
    for message in messages:
        message.close()


@pytest.mark.parametrize("chunks_help", [True, False])
async def test_a_message_that_breaks_connections_is_asked_for_in_chunks_before_it_is_given_up(
    neighbours: Neighbours, chunks_help: bool
) -> None:
    class Breaking(MemoryMailbox):
        def read(self, uids: Sequence[int]) -> list[ReadMail]:
            raise MailboxUnavailable("the mail server broke off: [SERVERBUG] out of order")

        def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
            if not chunks_help:
                self.read([mail.uid])
            return ReadMail(mail.uid, b"one", None)

    reader = reader_of(Breaking(MemoryServer()), neighbours, Suspects())
    for _ in range(LOSSES_OF_UNREADABLE - chunks_help):
        with pytest.raises(MailboxUnavailable):
            await reader.read([ListedMail(7, 10)])
    messages, unreadable = await reader.read([ListedMail(7, 10)])
    assert [message.content for message in messages] == [b"one"] * chunks_help
    # The reason has the words of the server.
    assert ["[SERVERBUG] out of order" in each.reason for each in unreadable] == [True] * (
        not chunks_help
    )


@pytest.mark.parametrize(("empty", "given"), [(2, True), (3, False)])
async def test_a_message_that_is_listed_and_not_delivered_is_asked_for_again(
    neighbours: Neighbours, empty: int, given: bool
) -> None:
    left = [empty]

    class Withholding(MemoryMailbox):
        def read(self, uids: Sequence[int]) -> list[ReadMail]:
            left[0] -= 1
            return super().read(uids) if left[0] < 0 else []

    server = MemoryServer()
    server.add(b"one")
    mailbox = Withholding(server)
    mailbox.open()
    messages, unreadable = await reader_of(mailbox, neighbours, Suspects()).read([ListedMail(1, 3)])
    assert [message.content for message in messages] == [b"one"] * given
    assert len(unreadable) == (not given)


CASES = [
    # An empty listing makes no batch.
    ([], set(), []),
    # By number.
    ([10, 10, 10, 10, 10], set(), [[1, 2, 3], [4, 5]]),
    # By bytes.
    ([60, 30, 30, 90], set(), [[1, 2], [3], [4]]),
    # A message larger than a batch still gets one.
    ([10, 5000, 10], set(), [[1], [2], [3]]),
    # Unknown size: alone.
    ([10, None, 10, 10], set(), [[1], [2], [3, 4]]),
    # Suspects: alone.
    ([10, 10, 10], {2}, [[1], [2], [3]]),
    ([10, 10, 10], {1, 2, 3}, [[1], [2], [3]]),
]


@pytest.mark.parametrize(("sizes", "alone", "expected"), CASES)
def test_batches(sizes: list[int | None], alone: set[int], expected: list[list[int]]) -> None:
    listed = [ListedMail(number, size) for number, size in enumerate(sizes, start=1)]
    found = batches(listed, max_mails=3, max_bytes=100, alone=alone)
    assert [[message.uid for message in batch] for batch in found] == expected


async def test_a_stand_in_counts_as_not_delivered_and_stops_no_other(
    neighbours: Neighbours,
) -> None:
    server = MemoryServer()
    for content in (b"one", stand_in(), b"three"):
        server.add(content)
    mailbox = MemoryMailbox(server)
    mailbox.open()
    reader = reader_of(mailbox, neighbours, Suspects())
    messages, unreadable = await reader.read([ListedMail(uid, 10) for uid in (1, 2, 3)])
    assert [message.content for message in messages] == [b"one", b"three"]
    assert [(each.message.uid, each.reason) for each in unreadable] == [(2, STAND_IN)]
    assert unreadable[0].known.subject == "Broken lamp"


@pytest.mark.parametrize("limits", [Limits(), Limits(max_message_bytes=10)])
async def test_a_stand_in_is_seen_also_where_only_its_listed_size_is_large(
    neighbours: Neighbours, limits: Limits
) -> None:
    """The server lists the size of the message that it cannot convert."""
    server = MemoryServer()
    server.add(stand_in())
    mailbox = MemoryMailbox(server)
    mailbox.open()
    reader = BatchReader(mailbox, neighbours.threads, neighbours.settings, Suspects(), limits)
    messages, unreadable = await reader.read([ListedMail(1, 1 << 30)])
    assert (messages, [each.reason for each in unreadable]) == ([], [STAND_IN])
