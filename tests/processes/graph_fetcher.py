"""Runs a fetcher whose mailboxes are on the fake of Microsoft Graph, and kills it on demand.

`python -m tests.processes.graph_fetcher [POINT]`, with the token in GRAPH_TOKEN. It kills
itself by SIGKILL when it first reaches the point with something to do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from postrail.blobs import BlobStore
from postrail.mailbox.graph.mailbox import GraphMailbox
from postrail.oauth.tokens import AccessTokens
from postrail.process import run_process
from postrail.stream.producer import Producer
from services.fetcher.__main__ import main
from services.fetcher.opener import PostgresFolderState
from services.fetcher.store import PostgresStore
from tests.processes.faulty.killed_at import die


def dying(method: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the method kill the process after it has worked on something."""

    def call(self: object, *arguments: Any) -> Any:
        found = method(self, *arguments)
        if arguments[-1]:
            die()
        return found

    return call


def dying_async(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Does the same for a coroutine whose second argument holds something."""

    async def call(self: object, *arguments: Any) -> Any:
        found = await method(self, *arguments)
        if arguments[min(1, len(arguments) - 1)]:
            die()
        return found

    return call


def dying_with_keys(method: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the method kill the process after it was given keys."""

    def call(self: object, keys: Any, **named: Any) -> Any:
        found = method(self, keys, **named)
        if keys:
            die()
        return found

    return call


# In the order in which a message reaches them.
POINTS: dict[str, tuple[type[Any], str, Callable[..., Any]]] = {
    "numbered": (PostgresFolderState, "number", dying_with_keys),
    "read": (GraphMailbox, "read", dying),
    "blob": (BlobStore, "put_chunks", dying_async),
    "acknowledged": (Producer, "send", dying_async),
    "recorded": (PostgresStore, "record", dying_async),
    # The first of several messages is marked, moved or removed.
    "half finished": (GraphMailbox, "_finish", dying),
    "finished": (GraphMailbox, "finish", dying),
    "link saved": (PostgresFolderState, "save", dying),
}


if __name__ == "__main__":
    AccessTokens.bearer = lambda *_: lambda _: os.environ["GRAPH_TOKEN"]  # type: ignore[method-assign]
    for point in sys.argv[1:]:
        place, name, wrapper = POINTS[point]
        setattr(place, name, wrapper(getattr(place, name)))
    run_process("fetcher", main)
