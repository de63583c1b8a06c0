"""Whose fault a lost connection is: no mail's, when the server asked for a pause."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable, ReadMail
from services.fetcher.batch_read import (
    LOSSES_OF_UNREADABLE,
    Suspects,
    Threads,
    list_after,
    read_batch,
)
from tests.fakes.fetching import Neighbours
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


@pytest.fixture
async def neighbours() -> AsyncIterator[Neighbours]:
    found = Neighbours()
    yield found
    found.close()


class Refusing(MemoryMailbox):
    """A mailbox that is away for everything."""

    def __init__(self, server: MemoryServer, after_seconds: float) -> None:
        super().__init__(server)
        self._fault = MailboxUnavailable("not now", after_seconds=after_seconds)

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        raise self._fault

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        raise self._fault


# The pause that the server asks for, and whether the mail becomes unreadable in the end.
PAUSES = [(0.0, True), (7.0, False)]


@pytest.mark.parametrize(("seconds", "unreadable"), PAUSES)
async def test_a_mail_read_alone_during_losses_is_suspected_unless_a_pause_was_asked_for(
    neighbours: Neighbours, seconds: float, unreadable: bool
) -> None:
    mailbox, suspects = Refusing(MemoryServer(), seconds), Suspects()
    for _ in range(LOSSES_OF_UNREADABLE):
        with pytest.raises(MailboxUnavailable):
            await read_batch(mailbox, neighbours.threads, [ListedMail(7, 10)], suspects)
    assert suspects.unreadable([7]) is unreadable


@pytest.mark.parametrize(("seconds", "suspected"), PAUSES)
async def test_sizes_are_asked_for_again_after_a_pause(
    neighbours: Neighbours, seconds: float, suspected: bool
) -> None:
    mailbox, suspects = Refusing(MemoryServer(), seconds), Suspects()
    with pytest.raises(MailboxUnavailable):
        await list_after(mailbox, neighbours.threads, 0, suspects)
    assert suspects.in_listing is suspected


async def test_an_answer_that_nobody_foresaw_does_not_stop_the_mailbox(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one mail's fault when it comes whenever that mail is read."""
    server, suspects = MemoryServer(), Suspects()
    server.add(b"one")
    mailbox = MemoryMailbox(server)
    mailbox.open()
    monkeypatch.setattr(mailbox, "read", {}.__getitem__)
    for _ in range(LOSSES_OF_UNREADABLE):
        with pytest.raises(TypeError):
            await read_batch(mailbox, neighbours.threads, [ListedMail(1, 3)], suspects)
    mails, unreadable = await read_batch(mailbox, neighbours.threads, [ListedMail(1, 3)], suspects)
    assert not mails
    assert [each.mail.uid for each in unreadable] == [1]


async def test_a_server_that_never_comes_to_an_end_gives_the_thread_back() -> None:
    """One that sends a byte now and then keeps to the timeout of each operation."""
    interrupted = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        threads = Threads(pool, longest_seconds=0.01)
        mailbox = MemoryMailbox(MemoryServer())
        mailbox.interrupt = interrupted.set  # type: ignore[method-assign]
        with pytest.raises(MailboxUnavailable, match=r"took longer than 0\.01 seconds"):
            await threads.run(interrupted.wait, 10)
        threads.release(mailbox)
        assert await Threads(pool).run(lambda: "free")


async def test_a_timeout_of_the_work_itself_is_passed_on() -> None:
    def work() -> None:
        raise TimeoutError("of a socket")

    with ThreadPoolExecutor(1) as pool, pytest.raises(TimeoutError, match="of a socket"):
        await Threads(pool).run(work)


@pytest.mark.parametrize(("refusals", "given"), [(2, True), (3, False)])
@pytest.mark.parametrize("large", [False, True])
async def test_a_mail_that_is_refused_is_asked_for_a_few_times(
    neighbours: Neighbours, refusals: int, given: bool, large: bool
) -> None:
    """A server may be busy with it; a large one is asked for as such each time."""
    left = [refusals]

    class Busy(MemoryMailbox):
        def read(self, uids: Sequence[int]) -> list[ReadMail]:
            left[0] -= 1
            if left[0] >= 0:
                raise MailUnreadable("not now")
            return super().read(uids)

    server, suspects = MemoryServer(), Suspects()
    server.add(b"one")
    mailbox = Busy(server)
    mailbox.open()
    way = mailbox.read_to_spool if large else None
    mails, unreadable = await read_batch(
        mailbox, neighbours.threads, [ListedMail(1, 3)], suspects, alone=way
    )
    assert [mail.spool is not None for mail in mails] == [large] * given
    assert [each.reason for each in unreadable] == ["not now"] * (not given)
    for mail in mails:
        mail.close()
