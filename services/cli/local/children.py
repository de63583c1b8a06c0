"""The services of a local installation as child processes, started again when they end."""

from __future__ import annotations

import http.client
import signal
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from postrail.embedded.endpoints import read_endpoints
from postrail.embedded.ports import LOOPBACK, choose_ports, free_port, is_free
from postrail.embedded.processes import Child
from postrail.errors import ConfigurationError
from postrail.retry import backoff_seconds

SERVICES = ("fetcher", "parser", "handler", "sender", "monitor")
RESTART_BASE_SECONDS = 1.0
RESTART_MAX_SECONDS = 30.0
# Who ran for so long did not fail at its start: the next restart comes quickly again.
STEADY_SECONDS = 60.0
READY_TIMEOUT_SECONDS = 2.0

Say = Callable[[str], None]


class LocalService:
    """One service: its process, its port, and when it is to be started again."""

    def __init__(self, name: str, folder: Path, port: int, say: Say) -> None:
        self.name = name
        self.port = port
        self._folder = folder
        self._say = say
        self._failures = 0
        self._started_at = 0.0
        self._restart_at: float | None = None
        self._child = self._make_child()

    @property
    def address(self) -> str:
        """Where it serves /metrics, /healthz and /readyz."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Starts the process; on another port when somebody took the one it had."""
        if not is_free(self.port):
            self.port = free_port()
            self._child = self._make_child()
        self._restart_at = None
        self._started_at = time.monotonic()
        self._child.start()

    def look(self) -> bool:
        """Starts the process again when it has ended and its time has come; True if it did."""
        if self._child.running:
            return False
        if self._restart_at is None:
            self._plan_restart()
        elif time.monotonic() >= self._restart_at:
            self.start()
            self._say(f"{self.name}: started again")
            return True
        return False

    def _plan_restart(self) -> None:
        now = time.monotonic()
        steady = now - self._started_at > STEADY_SECONDS
        self._failures = 1 if steady else self._failures + 1
        seconds = backoff_seconds(self._failures, RESTART_BASE_SECONDS, RESTART_MAX_SECONDS)
        self._restart_at = now + seconds
        self._say(
            f"{self.name}: ended {_how(self._child.exit_code)}, starts again in {seconds:.0f} s;"
            f" its log is {self._child.log_file}"
        )

    def problem(self) -> str:
        """Why it is not ready; "" when it is."""
        if not self._child.running:
            return "is not running"
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=READY_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace").strip()
        except (OSError, http.client.HTTPException):
            return "is starting"
        finally:
            connection.close()
        return "" if answer.status == http.client.OK else text

    def stop(self) -> None:
        """Asks it to end, and waits."""
        self._child.stop()

    def _make_child(self) -> Child:
        return Child(
            self.name,
            [
                # `env` adds to the environment without our reading it.
                "env",
                f"POSTRAIL_SERVER__PORT={self.port}",
                sys.executable,
                "-m",
                f"services.{self.name}",
            ],
            log_file=self._folder / "logs" / f"{self.name}.log",
            # Its servers end at the same moment, so it cannot end cleanly, and need not.
            death_signal=signal.SIGKILL,
            pid_file=self._folder / "services" / f"{self.name}.pid",
        )


class LocalServices:
    """All services of one data folder."""

    def __init__(self, folder: Path, before: Mapping[str, str], say: Say) -> None:
        """`before` has the addresses of the last start, to take the same ports again."""
        (folder / "services").mkdir(exist_ok=True)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        last = {name: urlsplit(address).port or 0 for name, address in before.items()}
        ports = choose_ports(SERVICES, {name: last.get(name, 0) for name in SERVICES})
        self._services = [LocalService(name, folder, ports[name], say) for name in SERVICES]

    @property
    def addresses(self) -> dict[str, str]:
        """Where each service serves /metrics, /healthz and /readyz."""
        return {service.name: service.address for service in self._services}

    def start(self) -> None:
        """Starts all, without waiting until they are ready."""
        for service in self._services:
            service.start()

    def look(self) -> bool:
        """Starts again what ended; True when addresses may have changed."""
        moved = [service.look() for service in self._services]
        return any(moved)

    def problems(self) -> dict[str, str]:
        """The services that are not ready, and why."""
        found = {service.name: service.problem() for service in self._services}
        return {name: problem for name, problem in found.items() if problem}

    def stop(self) -> None:
        """Ends all at once, and waits for the last."""
        with ThreadPoolExecutor(len(self._services)) as threads:
            for stopping in [threads.submit(service.stop) for service in self._services]:
                stopping.result()


def _how(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"by signal {-exit_code}"
    return f"with exit code {exit_code}"


def addresses_before(folder: Path) -> dict[str, str]:
    """The services' addresses of the last start; empty when there was none."""
    try:
        return dict(read_endpoints(folder).services)
    except ConfigurationError:
        return {}
