"""Runs an SMTP server whose replies a test replaces, to behave as no server should."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from tests.servers.scripted_server import Script, serving

# A reply is sent in its parts, with a pause between them. No part: silence. None: hangs up.
Reply = tuple[bytes, ...] | None

PAUSE_SECONDS = 0.1
# By command; "" is the greeting, "body" comes after the first line of the message, "." is the
# final dot, "AGAIN" is an EHLO after the first.
USUAL: dict[str, tuple[bytes, ...]] = {
    "": (b"220 odd.test ESMTP\r\n",),
    "EHLO": (b"250-odd.test\r\n250 SIZE 10000000\r\n",),
    "AGAIN": (b"250-odd.test\r\n250 SIZE 10000000\r\n",),
    "MAIL": (b"250 2.1.0 sender ok\r\n",),
    "RCPT": (b"250 2.1.5 recipient ok\r\n",),
    "DATA": (b"354 go on\r\n",),
    "body": (b"",),
    ".": (b"250 2.0.0 queued\r\n",),
    "RSET": (b"250 2.0.0 reset\r\n",),
    "QUIT": (b"221 bye\r\n",),
}


@dataclass
class Visits:
    """What the clients did."""

    connections: int = 0
    # The number of messages that were completed by the final dot.
    complete: int = 0
    commands: list[str] = field(default_factory=list)
    changed: threading.Lock = field(default_factory=threading.Lock)


@contextlib.contextmanager
def odd_smtp(
    replies: Mapping[str, Reply], visits: Visits, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Yields the port of a server with these replies in place of the usual ones.

    With `tls`, its connections are encrypted from the start.
    """
    with serving(_script({**USUAL, **replies}, visits), tls) as port:
        yield port


def _script(replies: Mapping[str, Reply], visits: Visits) -> Script:
    def script(connection: socket.socket) -> None:
        with visits.changed:
            visits.connections += 1
        reader = connection.makefile("rb")
        greeted = False
        if not _reply(connection, replies[""]):
            return
        while line := reader.readline():
            verb = line[:4].decode("ascii", "replace").strip().upper()
            visits.commands.append(verb)
            # It hangs up at what is no command.
            if not _reply(connection, replies.get("AGAIN" if verb == "EHLO" and greeted else verb)):
                return
            greeted = True
            if verb == "QUIT":
                return
            if verb == "DATA" and not _take(connection, reader, replies, visits):
                return

    return script


def _take(
    connection: socket.socket, reader: BinaryIO, replies: Mapping[str, Reply], visits: Visits
) -> bool:
    """Reads a message and replies to it; returns whether the connection goes on."""
    reader.readline()
    if not _reply(connection, replies["body"]):
        return False
    while (line := reader.readline()) and line != b".\r\n":
        pass
    if not line:
        return False
    with visits.changed:
        visits.complete += 1
    return _reply(connection, replies["."])


def _reply(connection: socket.socket, reply: Reply) -> bool:
    if reply is None:
        return False
    for number, part in enumerate(reply):
        if number:
            time.sleep(PAUSE_SECONDS)
        connection.sendall(part)
    return True
