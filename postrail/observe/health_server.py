"""Serves the health of the process and its metrics over HTTP, within limits.

aiohttp speaks HTTP, on an event loop in a thread of its own. Anyone who reaches the port may open
connections and send slowly, so their number and the time of each are limited.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
from collections.abc import Callable

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from postrail.errors import ConfigurationError
from postrail.observe import metrics
from postrail.observe.health import STAGE, Health
from postrail.settings import ServerSettings

# Far more than probes and scrapers need, and far fewer than a process may have descriptors.
MOST_CONNECTIONS = 200
# asyncio accepts this many at once; below the limit, so that the newest are not closed unread.
ACCEPTED_AT_ONCE = 64
# The queue of the system for connections that are not accepted yet: a probe joins it in a burst.
BACKLOG = 1024
# From the connection to the end of the answer. Probes and scrapers wait for less.
REQUEST_SECONDS = 10.0
STOP_SECONDS = 5.0
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  Only compared with.


class HealthServer:
    """Serves /metrics, /healthz and /readyz from a thread of its own."""

    def __init__(
        self,
        settings: ServerSettings,
        health: Health,
        *,
        most_connections: int = MOST_CONNECTIONS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._settings = settings
        self._health = health
        self._connections = _Connections(most_connections, request_seconds)
        self._port = settings.port
        self._stop: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Starts to listen; raises ConfigurationError when the address is not available."""
        host, port = self._settings.host, self._settings.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family)
        except (OSError, OverflowError) as error:
            raise self._cannot_listen(error) from error
        self._port = listening.getsockname()[1]
        loop, stopping = asyncio.new_event_loop(), asyncio.Event()
        thread = threading.Thread(
            target=self._run, args=(loop, listening, stopping), name="health-server", daemon=True
        )
        thread.start()

        def stop() -> None:
            loop.call_soon_threadsafe(stopping.set)
            thread.join(STOP_SECONDS)

        self._stop = stop

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

    def _run(
        self, loop: asyncio.AbstractEventLoop, listening: socket.socket, stopping: asyncio.Event
    ) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve(listening, stopping))

    async def _serve(self, listening: socket.socket, stopping: asyncio.Event) -> None:
        # Requests that are not HTTP are answered with 400, and are not worth a line each.
        quiet = logging.getLogger(f"{__name__}.requests")
        quiet.disabled = True
        requests = web.Server(self._answer, access_log=None, logger=quiet)
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(requests(), self._connections),
            sock=listening,
            backlog=ACCEPTED_AT_ONCE,
        )
        listening.listen(BACKLOG)
        await stopping.wait()
        server.close()
        self._connections.close_all()
        await requests.shutdown()

    def stop(self) -> None:
        """Stops listening, and closes all connections."""
        self._stop()
        self._stop = lambda: None

    @property
    def address(self) -> str:
        """Returns the reachable "host:port"; before `start`, with the configured port."""
        host = self._settings.host
        if host in EVERYWHERE:
            host = socket.gethostname()
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        answers = {"/metrics": self._metrics, "/healthz": self._healthz, "/readyz": self._readyz}
        answer = answers.get(request.path)
        if answer is None:
            response = web.Response(status=404, text="Here are /metrics, /healthz and /readyz.\n")
        elif request.method not in ("GET", "HEAD"):
            response = web.Response(status=405, text="Ask with GET.\n", headers={"Allow": "GET"})
        else:
            response = answer()
        # A connection has one request, so its limit of time is that of the request.
        response.force_close()
        return response

    def _metrics(self) -> web.Response:
        metrics.show_health(self._health.ready, paused=STAGE in self._health.problems)
        figures = generate_latest(REGISTRY)
        return web.Response(body=figures, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _healthz(self) -> web.Response:
        if self._health.alive:
            return web.Response(text="alive\n")
        silent_seconds = self._health.silent_seconds
        return web.Response(
            status=503, text=f"the main loop is silent for {silent_seconds:.0f} s\n"
        )

    def _readyz(self) -> web.Response:
        problems = self._health.problems
        if not problems:
            return web.Response(text="ready\n")
        lines = (f"{part}: {because}\n" for part, because in sorted(problems.items()))
        return web.Response(status=503, text="".join(lines))


class _Connections:
    """The open connections, the oldest first: at most a number of them, each for a limited time.

    The oldest one gives way to a new one, so that slow clients cannot keep out a probe.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._timers: dict[asyncio.Transport, asyncio.TimerHandle] = {}

    def add(self, transport: asyncio.Transport) -> None:
        """Adds a connection, and closes the oldest one if there are too many now."""
        loop = asyncio.get_running_loop()
        self._timers[transport] = loop.call_later(self._seconds, transport.abort)
        if len(self._timers) > self._most:
            oldest = next(iter(self._timers))
            self.remove(oldest)
            oldest.abort()

    def remove(self, transport: asyncio.Transport) -> None:
        """Forgets a connection that has ended."""
        if timer := self._timers.pop(transport, None):
            timer.cancel()

    def close_all(self) -> None:
        """Closes all connections at once."""
        for transport in list(self._timers):
            self.remove(transport)
            transport.abort()


class _Connection(asyncio.Protocol):
    """Passes everything on to aiohttp's protocol, and counts the connection while it is open."""

    def __init__(self, http: asyncio.Protocol, connections: _Connections) -> None:
        self._http = http
        self._connections = connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(transport)
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._transport is not None
        self._connections.remove(self._transport)
        self._http.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._http.data_received(data)

    def eof_received(self) -> bool | None:
        return self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()
