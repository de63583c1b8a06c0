"""A server on loopback that sends each client what a test wants, with or without TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Script = Callable[[socket.socket], None]


class ScriptedServer:
    """Runs the script on each connection, in a thread of its own."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.1)
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Returns its port."""
        return int(self._listening.getsockname()[1])

    def start(self) -> None:
        """Starts to accept connections."""
        self._begin(self._accept)

    def stop(self) -> None:
        """Stops it, and ends its connections."""
        self._ended.set()
        for connection in self._connections:
            # A script may be sending to a client that has stopped reading.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listening.close()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                self._begin(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.settimeout(10)
            if self._context is None:
                self._script(connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                self._script(encrypted)


@contextlib.contextmanager
def serving(script: Script, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Yields the port of a server that runs the script during the block."""
    server = ScriptedServer(script, context)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


def saying(*parts: bytes) -> Script:
    """Returns a script that sends these bytes and waits until the client has gone."""

    def script(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        while connection.recv(4096):
            pass

    return script


def answering(greeting: bytes, answers: dict[bytes, bytes]) -> Script:
    """Returns a script that greets, and answers each line by the first entry whose key is in it.

    `@` in an answer stands for the line's tag. A line without an answer ends the connection.
    """

    def script(connection: socket.socket) -> None:
        connection.sendall(greeting)
        reader = connection.makefile("rb")
        for line in reader:
            found = next((text for key, text in answers.items() if key in line), None)
            if found is None:
                return
            connection.sendall(found.replace(b"@", line.split(b" ")[0]))

    return script
