"""Waits between two looks at a mailbox: for the server, a request, or the poll timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from postrail.mailbox import Mailbox
from postrail.tasks import set_within
from services.fetcher.batch_read import Threads

# RFC 2177 says before 29 minutes have passed; routers forget quiet connections after 10 already.
IDLE_SECONDS = 9 * 60.0

# Waits until the event is set or the seconds have passed; says whether the event is set.
Wait = Callable[[asyncio.Event, float], Awaitable[bool]]


async def wait_idling(
    mailbox: Mailbox, threads: Threads, attention: asyncio.Event, seconds: float
) -> bool:
    """Waits with IDLE, which holds no thread; sets `attention` when the server says anything.

    False when only the time has passed. It never waits longer than IDLE may last.
    """
    if not await threads.run(mailbox.start_idle):
        return True
    loop, socket = asyncio.get_running_loop(), mailbox.fileno()

    def readable() -> None:
        loop.remove_reader(socket)
        attention.set()

    loop.add_reader(socket, readable)
    try:
        woken = await set_within(attention, min(seconds, IDLE_SECONDS))
    finally:
        loop.remove_reader(socket)
    await threads.run(mailbox.stop_idle)
    return woken
