"""The pool of threads: a call that takes too long gives its thread back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from postrail.mailbox import MailboxUnavailable
from services.fetcher.threads import Threads
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


async def test_a_dripping_server_gives_the_thread_back() -> None:
    """A server that sends a byte now and then never exceeds the timeout of one operation."""
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
