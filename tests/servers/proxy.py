"""A TCP proxy that breaks what passes through it, at a byte that the test names."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from postrail.embedded.ports import LOOPBACK

PIECE_BYTES = 65536
# Closing with this option sends RST instead of FIN.
RESET = struct.pack("ii", 1, 0)


@dataclass
class Fault:
    """A fault of one connection, at a count of bytes that the server has sent on it."""

    # The connection is reset after exactly this number of bytes.
    cut_at: int | None = None
    # After this number of bytes nothing is passed on any more, and neither side is told.
    silent_at: int | None = None
    # 0: without a limit.
    bytes_per_second: int = 0


@dataclass
class Passage:
    """One connection through the proxy, with the bytes that were passed to the client."""

    fault: Fault
    client: socket.socket
    sent: bytearray = field(default_factory=bytearray)
    silent: threading.Event = field(default_factory=threading.Event)


class Proxy:
    """Listens on a port of its own and passes everything on to another port."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        # For the next connections, one each; later ones have no fault.
        self.faults: list[Fault] = []
        self.passages: list[Passage] = []

    @property
    def port(self) -> int:
        """Returns the port that clients connect to."""
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """Resets all open connections."""
        for passage in self.passages:
            with contextlib.suppress(OSError):
                passage.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            _shut(passage.client)

    def silence(self) -> None:
        """Stops passing anything on, on all open connections."""
        for passage in self.passages:
            passage.silent.set()

    def __enter__(self) -> Proxy:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes the port and all connections; later connections are refused."""
        for one in self._sockets:
            _shut(one)
        for thread in self._threads:
            thread.join()

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((LOOPBACK, self._target_port))
            except OSError:
                client.close()
                continue
            self._sockets += [client, server]
            passage = Passage(self.faults.pop(0) if self.faults else Fault(), client)
            self.passages.append(passage)
            self._spawn(self._to_client, server, client, passage)
            self._spawn(self._to_server, client, server, passage)

    def _to_server(self, client: socket.socket, server: socket.socket, passage: Passage) -> None:
        for piece in _received(client):
            if not passage.silent.is_set():
                with contextlib.suppress(OSError):
                    server.sendall(piece)
        if not passage.silent.is_set():
            _shut(server)

    def _to_client(self, server: socket.socket, client: socket.socket, passage: Passage) -> None:
        for piece in _received(server):
            if not _passed(piece, client, passage):
                break
        if not passage.silent.is_set():
            _shut(client)
            _shut(server)


def _received(source: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            yield piece


def _passed(piece: bytes, client: socket.socket, passage: Passage) -> bool:
    """Passes a piece on, up to the fault; returns False when the connection is at its end."""
    fault, start = passage.fault, len(passage.sent)
    if passage.silent.is_set():
        return True
    end = min(at for at in (fault.cut_at, fault.silent_at, start + len(piece)) if at is not None)
    allowed = piece[: max(0, end - start)]
    passage.sent += allowed
    try:
        client.sendall(allowed)
    except OSError:
        return False
    if fault.bytes_per_second:
        time.sleep(len(allowed) / fault.bytes_per_second)
    if fault.cut_at is not None and len(passage.sent) >= fault.cut_at:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return False
    if fault.silent_at is not None and len(passage.sent) >= fault.silent_at:
        passage.silent.set()
    return True


def _shut(one: socket.socket) -> None:
    """Closes the socket, and so ends calls that wait on it."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
