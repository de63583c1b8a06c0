"""Runs the services of a local installation as child processes, and restarts them."""

from __future__ import annotations

import http.client
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from postrail.embedded.endpoints import read_endpoints
from postrail.embedded.ports import LOOPBACK, choose_ports, free_port, is_free
from postrail.embedded.processes import Child
from postrail.errors import ConfigurationError
from services import module_of
from services.cli.local.restart_plan import START_ERRORS, RestartPlan, start_problem

SERVICES = ("fetcher", "parser", "handler", "sender", "monitor")
READY_TIMEOUT_SECONDS = 2.0
NOT_RUNNING, STARTING = "is not running", "is starting"
# The problems of a process that does not say itself what it lacks.
NOT_ANSWERING = (NOT_RUNNING, STARTING)

Announce = Callable[[str], None]


class LocalService:
    """One service: its process, its port, and the time of its next restart."""

    def __init__(self, name: str, folder: Path, port: int, announce: Announce) -> None:
        self.name = name
        self.port = port
        self._folder = folder
        self._announce = announce
        self._plan = RestartPlan()
        self._child = self._make_child()

    @property
    def address(self) -> str:
        """Returns the address at which it serves /metrics, /healthz and /readyz."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> bool:
        """Starts the process; when that fails, announces and plans the next attempt."""
        try:
            self._start()
        except START_ERRORS as error:
            seconds = self._plan.failed()
            self._announce(
                f"{self.name}: cannot be started: {start_problem(error)};"
                f" next attempt in {seconds:.0f} s"
            )
            return False
        self._plan.started()
        return True

    def _start(self) -> None:
        # Another program may have taken its port in the meantime.
        if not is_free(self.port):
            self.port = free_port()
            self._child = self._make_child()
        self._child.start()

    def restart_if_due(self) -> bool:
        """Restarts the process if it has ended and its back-off is over; returns whether it did."""
        if self._child.running:
            return False
        if not self._plan.planned:
            seconds = self._plan.failed()
            self._announce(
                f"{self.name}: ended {_cause(self._child.exit_code)}, restarts in {seconds:.0f} s;"
                f" its log is {self._child.log_file}"
            )
        elif self._plan.due and self.start():
            self._announce(f"{self.name}: restarted")
            return True
        return False

    def problem(self) -> str:
        """Returns why it is not ready, or a blank text."""
        if not self._child.running:
            return NOT_RUNNING
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=READY_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace").strip()
        except (OSError, http.client.HTTPException):
            return STARTING
        finally:
            connection.close()
        return "" if answer.status == http.client.OK else text

    def stop(self) -> None:
        """Stops the process, and waits for its end."""
        self._child.stop()

    def _make_child(self) -> Child:
        return Child(
            self.name,
            [
                # `env` sets a variable without our reading the environment.
                "env",
                f"POSTRAIL_SERVER__PORT={self.port}",
                sys.executable,
                "-m",
                module_of(self.name),
            ],
            log_file=self._folder / "logs" / f"{self.name}.log",
            # Its servers die with us, so a clean stop is impossible; it loses nothing.
            death_signal=signal.SIGKILL,
            pid_file=self._folder / "services" / f"{self.name}.pid",
        )


class LocalServices:
    """All services of one data folder."""

    def __init__(self, folder: Path, before: Mapping[str, str], announce: Announce) -> None:
        """Takes as `before` the addresses of the last start, to use the same ports again."""
        (folder / "services").mkdir(exist_ok=True)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        last = {name: urlsplit(address).port or 0 for name, address in before.items()}
        ports = choose_ports(SERVICES, {name: last.get(name, 0) for name in SERVICES})
        self._services = [LocalService(name, folder, ports[name], announce) for name in SERVICES]

    @property
    def addresses(self) -> dict[str, str]:
        """Returns the address at which each service serves /metrics, /healthz and /readyz."""
        return {service.name: service.address for service in self._services}

    def start(self) -> None:
        """Starts all services without waiting until they are ready."""
        for service in self._services:
            service.start()

    def restart_ended(self) -> bool:
        """Restarts the services that ended; returns whether addresses may have changed."""
        restarted = [service.restart_if_due() for service in self._services]
        return any(restarted)

    def problems(self) -> dict[str, str]:
        """Returns the services that are not ready, with the reasons."""
        found = {service.name: service.problem() for service in self._services}
        return {name: problem for name, problem in found.items() if problem}

    def stop(self) -> None:
        """Stops all at the same time, and waits for the last."""
        with ThreadPoolExecutor(len(self._services)) as threads:
            for stopping in [threads.submit(service.stop) for service in self._services]:
                stopping.result()


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"by signal {-exit_code}"
    return f"with exit code {exit_code}"


def addresses_before(folder: Path) -> dict[str, str]:
    """Returns the services' addresses of the last start; empty at the first one."""
    try:
        return dict(read_endpoints(folder).services)
    except ConfigurationError:
        return {}
