"""What ends by itself is restarted; a start that fails is announced, and tried again later."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from postrail.embedded.instance import Instance
from postrail.embedded.processes import ChildEndedError
from postrail.errors import TransientError
from services.cli.local import restart_plan
from services.cli.local.children import LocalServices
from services.cli.local.restart_plan import RestartPlan, start_problem
from services.cli.local.supervisor import Supervisor

FULL = OSError(errno.ENOSPC, "No space left on device", "/data/postgres/postgres.pid")


class FakeServer:
    """A server of which each start fails with the next error."""

    def __init__(self, name: str, *errors: Exception) -> None:
        self.name = name
        self.errors = list(errors)
        self.runs = False
        self.ready: threading.Event | None = None

    def start(self) -> None:
        if self.ready:
            self.ready.wait(10)
        if self.errors:
            raise self.errors.pop(0)
        self.runs = True


class FakeInstance:
    def __init__(self, *servers: FakeServer) -> None:
        self.servers = servers
        self.full = False
        self.published: list[dict[str, str]] = []

    def ended_parts(self) -> list[FakeServer]:
        return [server for server in self.servers if not server.runs]

    def publish_services(self, addresses: dict[str, str]) -> None:
        if self.full:
            raise FULL
        self.published.append(addresses)


class FakeServices:
    def __init__(self) -> None:
        self.addresses = {"parser": "http://127.0.0.1:1"}
        self.restarted = False

    def start(self) -> None:
        pass

    def restart_ended(self) -> bool:
        return self.restarted


@pytest.fixture
def announced() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_plan, "RESTART_BASE_SECONDS", 0.0)


def supervisor_of(
    instance: FakeInstance, announced: list[str], services: FakeServices | None = None
) -> Supervisor:
    return Supervisor(
        cast(Instance, instance),
        cast(LocalServices, services or FakeServices()),
        announced.append,
    )


async def rounds(supervisor: Supervisor, done: Callable[[], bool]) -> None:
    """Lets the supervisor check until `done`."""
    async with asyncio.timeout(10):
        while not done():
            supervisor.check()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FULL, "No space left on device (/data/postgres/postgres.pid)"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "Resource temporarily"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory"),
        (subprocess.TimeoutExpired("psql", 120), "timed out after 120 seconds"),
        (TransientError("PostgreSQL ended with exit code 1"), "ended with exit code 1"),
    ],
)
async def test_a_server_whose_start_fails_is_started_again(
    error: Exception, said: str, announced: list[str]
) -> None:
    server = FakeServer("postgres", error)
    supervisor = supervisor_of(FakeInstance(server), announced)
    await rounds(supervisor, lambda: len(announced) == 3)
    assert announced[0].startswith("postgres: ended, restarts in")
    assert said in announced[1]
    assert "next attempt in" in announced[1]
    assert announced[2] == "postgres: restarted"


async def test_a_server_that_starts_slowly_does_not_delay_another(announced: list[str]) -> None:
    slow, other = FakeServer("postgres"), FakeServer("kafka")
    slow.ready = threading.Event()
    supervisor = supervisor_of(FakeInstance(slow, other), announced)
    await rounds(supervisor, lambda: other.runs)
    assert not slow.runs
    slow.ready.set()
    await rounds(supervisor, lambda: len(announced) == 4)
    assert announced[2:] == ["kafka: restarted", "postgres: restarted"]


async def test_an_error_of_our_own_ends_the_supervision(announced: list[str]) -> None:
    server = FakeServer("postgres", ValueError("a fault of ours"))
    supervisor = supervisor_of(FakeInstance(server), announced)
    with pytest.raises(ValueError, match="a fault of ours"):
        await rounds(supervisor, lambda: server.runs)


def test_the_line_of_a_log_that_names_the_full_disk_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("starting\nFATAL: could not write: No space left on device\nshut down\n")
    problem = start_problem(ChildEndedError("PostgreSQL", 1, log))
    assert problem == (
        f"exit code 1: FATAL: could not write: No space left on device. Its log is {log}"
    )
    log.write_text("starting\nnot ready\n")
    problem = start_problem(ChildEndedError("PostgreSQL", None, log))
    assert problem == f"takes too long: not ready. Its log is {log}"


async def test_addresses_that_cannot_be_written_are_written_later(announced: list[str]) -> None:
    instance, services = FakeInstance(), FakeServices()
    instance.full = services.restarted = True
    supervisor = supervisor_of(instance, announced, services)
    supervisor.start()
    assert "addresses cannot be written: No space left" in announced[0]
    instance.full = services.restarted = False
    await rounds(supervisor, lambda: bool(instance.published))
    supervisor.check()
    assert instance.published == [services.addresses]


def test_pauses_grow_until_the_child_has_run_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    now = 1000.0
    plan = RestartPlan(lambda: now)
    pauses = [plan.failed() for _ in range(7)]
    assert [round(pause / 2**number, 0) for number, pause in enumerate(pauses[:5])] == [1.0] * 5
    assert max(pauses) <= 36
    plan.started()
    now += 61
    assert plan.failed() < 2
    # A failed start after that is not the first failure again.
    now += 61
    assert plan.due
    assert plan.failed() > 1.5
