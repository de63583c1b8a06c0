"""A fetcher process that kills itself by SIGKILL when it first comes to a point of its work.

`python -m tests.fakes.fetcher_killed_at POINT`
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from postrail.blobs import BlobStore
from postrail.mailbox.imap import ImapMailbox
from postrail.process import run_process
from postrail.stream.producer import Producer
from services.fetcher.__main__ import main
from services.fetcher.store import PostgresStore


def die() -> None:
    """No handler, no finally."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, and death when it has done its work and was given something to do."""

    def call(self: object, *arguments: Any) -> Any:
        found = method(self, *arguments)
        if arguments[-1]:
            die()
        return found

    return call


def dying_async(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same for coroutines; it dies when the second argument from the left holds something."""

    async def call(self: object, *arguments: Any) -> Any:
        found = await method(self, *arguments)
        if arguments[min(1, len(arguments) - 1)]:
            die()
        return found

    return call


POINTS: dict[str, tuple[type[Any], str, Callable[..., Any]]] = {
    "fetched": (ImapMailbox, "read", dying),
    "blob": (BlobStore, "put_chunks", dying_async),
    "acknowledged": (Producer, "send", dying_async),
    "recorded": (PostgresStore, "record", dying_async),
    "seen": (ImapMailbox, "finish", dying),
}


if __name__ == "__main__":
    place, name, wrapper = POINTS[sys.argv[1]]
    setattr(place, name, wrapper(getattr(place, name)))
    run_process("fetcher", main)
