"""Runs an SMTP server that a test can pause in a transaction, and shows what clients sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from postrail.embedded.ports import LOOPBACK

ENDED = b"\r\n.\r\n"


@dataclass
class Visit:
    """One connection: the bytes after DATA, and whether the client has disconnected."""

    data: bytearray = field(default_factory=bytearray)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def complete(self) -> int:
        """Counts the messages that were completed by their final dot."""
        return self.data.count(ENDED)


async def _at_once(number: int) -> None:
    """Does not pause."""


class PausedSmtp:
    """Accepts every command.

    `at_data` is awaited with the visit's number before the reply to DATA, `at_dot` before the
    reply to the message.
    """

    def __init__(
        self,
        at_data: Callable[[int], Awaitable[None]] = _at_once,
        at_dot: Callable[[int], Awaitable[None]] = _at_once,
    ) -> None:
        self.visits: list[Visit] = []
        self.port = 0
        self._at_data = at_data
        self._at_dot = at_dot
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> PausedSmtp:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit()
        self.visits.append(visit)
        try:
            await self._converse(len(self.visits) - 1, visit, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            visit.gone.set()
            writer.close()

    async def _converse(
        self,
        number: int,
        visit: Visit,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        writer.write(b"220 paused.test\r\n")
        while line := await reader.readline():
            verb = line[:4].upper().strip()
            if verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            if verb == b"DATA":
                await self._at_data(number)
                writer.write(b"354 go on\r\n")
                await self._read_message(visit, reader)
                await self._at_dot(number)
            writer.write(b"250 ok\r\n")

    async def _read_message(self, visit: Visit, reader: asyncio.StreamReader) -> None:
        before = visit.complete
        while visit.complete == before:
            chunk = await reader.read(65536)
            if not chunk:
                raise ConnectionResetError
            visit.data += chunk
