"""Tracks the health of the process, and serves it over HTTP."""

from __future__ import annotations

import errno
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import REGISTRY
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from postrail.errors import ConfigurationError
from postrail.observe import metrics
from postrail.settings import ServerSettings

# A main loop that waits for Kafka's acknowledgement may be silent for over two minutes.
SILENT_AFTER_SECONDS = 180.0
# The part that the consumer loop reports while it pauses.
STAGE = "stage"
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  Only compared with.


class Health:
    """The parts that are down, and the time of the main loop's last beat."""

    def __init__(
        self,
        *,
        silent_after_seconds: float = SILENT_AFTER_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._silent_after_seconds = silent_after_seconds
        self._monotonic = monotonic
        self._last_beat = monotonic()
        self._down: dict[str, str] = {}
        self._lock = threading.Lock()

    def up(self, part: str) -> None:
        """Notes that the part (kafka, database, blobs, smtp, stage, ...) answers."""
        if part in self._down:
            with self._lock:
                self._down.pop(part, None)

    def down(self, part: str, because: str) -> None:
        """Notes that the part does not answer; the process is not ready until it is up again."""
        with self._lock:
            self._down[part] = because

    def beat(self) -> None:
        """Notes that the main loop is alive; a loop that pauses beats too."""
        self._last_beat = self._monotonic()

    @property
    def ready(self) -> bool:
        """Returns whether all parts are up."""
        return not self._down

    @property
    def silent_seconds(self) -> float:
        """Returns the seconds since the last beat."""
        return self._monotonic() - self._last_beat

    @property
    def alive(self) -> bool:
        """Returns whether the last beat is recent; otherwise only a restart helps."""
        return self.silent_seconds < self._silent_after_seconds

    @property
    def problems(self) -> dict[str, str]:
        """Returns the parts that are down, each with its reason."""
        with self._lock:
            return dict(self._down)


class HealthServer:
    """Serves /metrics, /healthz and /readyz from threads of its own."""

    def __init__(self, settings: ServerSettings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._server: _Server | None = None

    def start(self) -> None:
        """Starts to listen; raises ConfigurationError when the address is not available."""
        try:
            self._server = _Server(self._settings.host, self._settings.port, self._health)
        except (OSError, OverflowError) as error:
            raise self._cannot_listen(error) from error
        threading.Thread(
            target=self._server.serve_forever, name="health-server", daemon=True
        ).start()

    def _cannot_listen(self, error: Exception) -> ConfigurationError:
        where = f"{self._settings.host}:{self._settings.port}"
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            return ConfigurationError(
                f"cannot serve /metrics at {where}: {error.strerror}",
                setting="POSTRAIL_SERVER__PORT",
                remedy="Choose another port; 0 takes a free one",
            )
        return ConfigurationError(
            f"cannot serve /metrics at {where}: {error}",
            setting="POSTRAIL_SERVER__HOST",
            remedy="Name an address of this machine",
        )

    def stop(self) -> None:
        """Stops listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def address(self) -> str:
        """Returns the reachable "host:port"; before `start`, with the configured port."""
        port = self._server.server_address[1] if self._server else self._settings.port
        host = self._settings.host
        if host in EVERYWHERE:
            host = socket.gethostname()
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, health: Health) -> None:
        self.health = health
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would resolve the host's full name, which may hang without DNS.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that disconnect in the middle of an answer."""


class _Handler(BaseHTTPRequestHandler):
    # A client that sends nothing must not hold a thread.
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        answers = {"/metrics": self._metrics, "/healthz": self._healthz, "/readyz": self._readyz}
        answer = answers.get(self.path.partition("?")[0])
        if answer is None:
            self._answer(404, "Here are /metrics, /healthz and /readyz.\n")
        else:
            answer()

    def _metrics(self) -> None:
        health = self.server.health
        metrics.show_health(health.ready, paused=STAGE in health.problems)
        self._answer_bytes(200, generate_latest(REGISTRY), CONTENT_TYPE_LATEST)

    def _healthz(self) -> None:
        health = self.server.health
        if health.alive:
            self._answer(200, "alive\n")
        else:
            self._answer(503, f"the main loop is silent for {health.silent_seconds:.0f} s\n")

    def _readyz(self) -> None:
        problems = self.server.health.problems
        if problems:
            lines = (f"{part}: {because}\n" for part, because in sorted(problems.items()))
            self._answer(503, "".join(lines))
        else:
            self._answer(200, "ready\n")

    def _answer(self, status: int, text: str) -> None:
        self._answer_bytes(status, text.encode(), "text/plain; charset=utf-8")

    def _answer_bytes(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  Its name there.
        """Logs nothing: probes come every few seconds."""
