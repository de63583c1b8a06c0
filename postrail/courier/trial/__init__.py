"""Tests an outgoing connection before it is saved: reports each step, its time, and what to fix.

Nothing is stored and no message is sent. It blocks, and one thread runs a trial from start to end;
the asyncio clients run in an event loop of that thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import LoginOf
from postrail.courier.trial.graph import try_graph
from postrail.courier.trial.smtp import try_smtp
from postrail.wire.timed_steps import Step


def try_connection(
    connection: OutgoingConnection, login: LoginOf, recipient: str = ""
) -> Iterator[Step]:
    """Yields the steps as they are run, up to the first that fails.

    The server is asked about a message to `recipient`, or to the connection's own address.
    """
    trial = try_graph if connection.mode == "graph" else try_smtp
    yield from trial(connection, login, recipient)
