"""A system that receives posts over HTTPS, and behaves as the test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.certificates import Certificates

# The part of each address that must not be seen anywhere.
SECRET = "T0K3N"


@dataclass(frozen=True)
class Received:
    """A post as it arrived."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def post_id(self) -> str:
        return self.headers["Postrail-Delivery"]


class Receiver(ThreadingHTTPServer):
    """Answers each post by the next behaviour, the last one again and again."""

    daemon_threads = True
    # Of a queue of connections whose TLS has not begun.
    request_queue_size = 100

    def __init__(self, certificates: Certificates | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http"
        if certificates is not None:
            self.scheme = "https"
            context = certificates.server_context()
            # The handshake is in the thread of the connection, else one would stop the others.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.behaviours: list[Behaviour] = [answer(204)]
        self.received: list[Received] = []
        # While it is cleared, `when_open` waits.
        self.gate = threading.Event()
        self.gate.set()
        self.stopped = threading.Event()
        # How many posts with the same id ran at most at the same time.
        self.at_once: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}/hooks/{SECRET}"

    @contextlib.contextmanager
    def running(self, post_id: str) -> Iterator[None]:
        with self._lock:
            self._running[post_id] += 1
            self.at_once[post_id] = max(self.at_once[post_id], self._running[post_id])
        try:
            yield
        finally:
            with self._lock:
                self._running[post_id] -= 1

    def next_behaviour(self) -> Behaviour:
        with self._lock:
            return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]

    def handle_error(self, *_: Any) -> None:
        """A client that breaks off, or does not trust us, is no fault of the receiver."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        got = Received(self.path, dict(self.headers), body)
        self.server.received.append(got)
        with self.server.running(got.post_id):
            self.server.next_behaviour()(self)

    def log_message(self, *_: Any) -> None:
        pass


Behaviour = Callable[[_Handler], None]


def answer(status: int, location: str = "") -> Behaviour:
    """Answers with the status, and no content."""

    def act(handler: _Handler) -> None:
        handler.send_response(status)
        if location:
            handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return act


def when_open(status: int = 204) -> Behaviour:
    """Answers once the gate is open."""

    def act(handler: _Handler) -> None:
        handler.server.gate.wait(30)
        answer(status)(handler)

    return act


def slow_headers(handler: _Handler) -> None:
    """Sends a byte of the headers now and then, for ever."""
    _drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: ")


def slow_status(handler: _Handler) -> None:
    """Sends the first line byte by byte, and never to its end."""
    _drip(handler, b"HTTP/1.1 200 O")


def endless_headers(handler: _Handler) -> None:
    """Sends headers without an end, as fast as they are read."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"X-More: " + b"x" * 8000 + b"\r\n")


def huge_body(handler: _Handler) -> None:
    """Answers 200 with a body without an end."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")


def no_http(handler: _Handler) -> None:
    """Answers in another protocol."""
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")
    handler.close_connection = True


def breaks_off(handler: _Handler) -> None:
    """Closes the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _drip(handler: _Handler, beginning: bytes) -> None:
    with contextlib.suppress(OSError):
        handler.wfile.write(beginning)
        while not handler.server.stopped.wait(0.05):
            handler.wfile.write(b"x")


@contextlib.contextmanager
def running_receiver(certificates: Certificates | None) -> Iterator[Receiver]:
    """Runs a receiver: over https, or over http without certificates."""
    server = Receiver(certificates)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
