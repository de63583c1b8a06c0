"""Takes the answer of a provider of tokens: the browser is sent to a port on this machine.

RFC 8252, 7.3: only this machine can reach it, and only while somebody waits here.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from postrail.errors import ConfigurationError, TransientError

PAGE = b"""<!doctype html><meta charset="utf-8"><title>Postrail</title>
<p>Postrail has the answer. Look at the terminal; this window can be closed.</p>
"""


class Loopback:
    """A small server that waits for one answer; use it in a `with` block."""

    def __init__(self, redirect_address: str, port: int = 0) -> None:
        parts = urlsplit(redirect_address)
        wanted = port or parts.port or 0
        try:
            self._server = _Server(("127.0.0.1", wanted), _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen at 127.0.0.1:{wanted}: {error.strerror}",
                setting="--port",
                remedy="Name a free port that the provider has in its redirect addresses, or use"
                " --paste",
            ) from error
        found = self._server.server_address[1]
        # The address as the provider gets it.
        self.redirect_address = f"{parts.scheme}://{parts.hostname}:{found}{parts.path}"

    def __enter__(self) -> Loopback:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def expect(self, state: str) -> None:
        """From now on takes the answer of this state; any page can send a browser here."""
        self._server.state = state

    def answer(self, seconds: float) -> str:
        """The path and query that the browser came with; raises TransientError after so long."""
        if not self._server.answered.wait(seconds):
            raise TransientError(
                f"nobody has signed in within {seconds / 60:.0f} minutes",
                remedy="Run the command again; where the browser cannot reach this machine, with"
                " --paste",
            )
        return self._server.answer


class _Server(ThreadingHTTPServer):
    # Browsers open connections ahead on which nothing comes; none is waited for.
    daemon_threads = True

    def __init__(self, *arguments: object) -> None:
        # Blank: nobody was sent to the provider yet.
        self.state = ""
        self.answered = threading.Event()
        self.answer = ""
        super().__init__(*arguments)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away is no event."""


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
            self.send_error(400, "This belongs to no authorization that waits here")
            return
        # First, as a browser may go away before it has the page.
        if not self.server.answered.is_set():
            self.server.answer = self.path
            self.server.answered.set()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  Its name there.
        """The address holds the code; it is not logged."""
