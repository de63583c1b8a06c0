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
from postrail.mailbox.folder import mbox
from postrail.mailbox.folder.directory import Directory
from postrail.mailbox.folder.mailbox import FolderMailbox
from postrail.mailbox.folder.mbox_late import LateMail
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


def dying_once_done(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function or method, and death."""

    def call(*arguments: Any) -> None:
        function(*arguments)
        die()

    return call


POINTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "fetched": (ImapMailbox, "read", dying),
    "blob": (BlobStore, "put", dying_async),
    "acknowledged": (Producer, "send", dying_async),
    "recorded": (PostgresStore, "record", dying_async),
    "seen": (ImapMailbox, "finish", dying),
    "file read": (FolderMailbox, "read", dying),
    "file finished": (FolderMailbox, "finish", dying),
    "file in both places": (Directory, "_link", dying_once_done),
    "file removed": (Directory, "remove", dying_once_done),
    "mbox copied": (mbox, "append", dying_once_done),
    "mbox to be replaced": (LateMail, "keep", dying_once_done),
    "mbox replaced": (mbox, "sync", dying_once_done),
}


if __name__ == "__main__":
    place, name, wrapper = POINTS[sys.argv[1]]
    setattr(place, name, wrapper(getattr(place, name)))
    run_process("fetcher", main)
