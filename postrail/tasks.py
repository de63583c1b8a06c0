"""Runs tasks side by side and ends them together; waits without losing a cancellation.

Until Python 3.12 asyncio.wait_for swallows a cancellation that comes together with the result
(bpo-37658), and psycopg uses it. So a task may live on after one cancellation: to end it, cancel
it until it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any

# How long a task may take to end before it is cancelled again.
CANCEL_AGAIN_SECONDS = 1.0


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits for the event for at most `seconds`; returns whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Waits until the work has ended, however often the caller is cancelled; raises that then."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    task.result()


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels the tasks again and again until all have ended; swallows their errors."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)


async def side_by_side(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs the parts until all have ended; when one fails, ends the others too.

    Raises the error of the failed part, or a group when several failed.
    """
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await end_tasks(tasks)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("several parts failed", errors)


async def until_one_ends(*parts: Coroutine[Any, Any, object]) -> None:
    """Runs the parts until one has ended, then ends the others; raises the error of the first."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end_tasks(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
