"""A system that asks for approvals and is called back: an HTTP server with its faults."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from postrail.embedded.ports import free_port

# Answers a post; tells whether the receiver has done what it says.
Respond = Callable[[BaseHTTPRequestHandler], bool]

SECRET = "callback-s3cret"


@dataclass(frozen=True)
class Call:
    """A post that reached the receiver."""

    delivery: str
    idempotency_key: str
    signature: str
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        """Returns what was posted."""
        return dict(json.loads(self.body))

    @property
    def is_signed(self) -> bool:
        """Tells whether the signature is that of the body by the secret of the setup."""
        stamp, _, given = self.signature.removeprefix("t=").partition(",v1=")
        text = f"{stamp}.".encode() + self.body
        return hmac.compare_digest(
            given, hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
        )


class Receiver:
    """Takes posts at one address, while it is open; it does each thing once by its key."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/approvals?token=s3cret"
        self.calls: list[Call] = []
        # What was done, by the key of the post: a repeated one has no effect.
        self.done: dict[str, dict[str, Any]] = {}
        self.respond: Respond = takes
        self._server: ThreadingHTTPServer | None = None
        self._closed = threading.Event()

    def open(self) -> Self:
        """Starts to listen."""
        self._closed.clear()
        self._server = _Server(("127.0.0.1", self.port), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def close(self) -> None:
        """Stops to listen; connections are refused from now on."""
        self._closed.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_until_closed(self, seconds: float) -> None:
        """Waits, as a receiver that is busy."""
        self._closed.wait(seconds)


def takes(handler: BaseHTTPRequestHandler) -> bool:
    """Takes the post, and says so."""
    _answer(handler, 200)
    return True


def refuses(status: int) -> Respond:
    """Returns a function that takes nothing, and answers with the status."""

    def respond(handler: BaseHTTPRequestHandler) -> bool:
        _answer(handler, status)
        return False

    return respond


def hangs_up(handler: BaseHTTPRequestHandler) -> bool:
    """Takes the post, and closes the connection without an answer."""
    handler.close_connection = True
    return True


def answers_twice(handler: BaseHTTPRequestHandler) -> bool:
    """Takes the post, and answers that it was taken, and then that it was not."""
    _answer(handler, 200)
    _answer(handler, 500)
    return True


def _answer(handler: BaseHTTPRequestHandler, status: int) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that did not wait for the answer."""


def _handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call(
                delivery=self.headers.get("Postrail-Delivery", ""),
                idempotency_key=self.headers.get("Idempotency-Key", ""),
                signature=self.headers.get("Postrail-Signature", ""),
                body=body,
            )
            receiver.calls.append(call)
            if receiver.respond(self):
                receiver.done.setdefault(call.idempotency_key, call.content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Logs nothing."""

    return Handler
