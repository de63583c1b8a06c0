"""Receives the answer of an OAuth2 provider: it sends the browser to a port on this machine.

RFC 8252, 7.3: only this machine can reach the port, and only while the command waits.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from postrail.errors import ConfigurationError, TransientError

PAGE = b"""<!doctype html><meta charset="utf-8"><title>Postrail</title>
<p>Postrail has received the answer. Continue in the terminal; you can close this window.</p>
"""


class CallbackServer:
    """A small HTTP server that waits for one answer; use it in a `with` block."""

    def __init__(self, redirect_address: str, port: int = 0) -> None:
        parts = urlsplit(redirect_address)
        wanted = port or parts.port or 0
        try:
            self._server = _Server(("127.0.0.1", wanted), _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen at 127.0.0.1:{wanted}: {error.strerror}",
                setting="--port",
                remedy="Name a free port that is among the redirect addresses at the provider, or"
                " use --paste",
            ) from error
        found = self._server.server_address[1]
        # The redirect address to send to the provider, with the port in use.
        self.redirect_address = f"{parts.scheme}://{parts.hostname}:{found}{parts.path}"

    def __enter__(self) -> CallbackServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def expect(self, state: str) -> None:
        """Accepts answers with this state from now on; any web page can send a browser here."""
        self._server.state = state

    def answer(self, seconds: float) -> str:
        """Returns the path and query of the answer; raises TransientError when it is too late."""
        if not self._server.answered.wait(seconds):
            raise TransientError(
                f"no sign-in within {seconds / 60:.0f} minutes",
                remedy="Run the command again; with --paste if the browser cannot reach this"
                " machine",
            )
        return self._server.answer


class _Server(ThreadingHTTPServer):
    # Browsers open idle connections in advance; the end must not wait for those.
    daemon_threads = True

    def __init__(self, *arguments: object) -> None:
        # Blank until the person is sent to the provider.
        self.state = ""
        self.answered = threading.Event()
        self.answer = ""
        super().__init__(*arguments)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores browsers that close their connection early."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if "code" not in asked and "error" not in asked:
            # Browsers ask for icons, too.
            self.send_error(404)
            return
        if not self.server.state or asked.get("state") != [self.server.state]:
            self.send_error(400, "This answer belongs to another authorization")
            return
        # Before the page is sent, as the browser may close the connection first.
        if not self.server.answered.is_set():
            self.server.answer = self.path
            self.server.answered.set()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  Its name there.
        """Logs nothing, as the address holds the code."""
