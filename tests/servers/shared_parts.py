"""Real servers that all pytest workers of one run share; they end with the last worker.

Each server is held by a keeper process. Every worker holds a shared lock on a file, which the
system releases however the worker ends; the keeper waits until it gets the lock alone, then stops
its server and ends. A server that ends before is started again, so that only the tests of that
moment fail, and `deaths` has the end of its log for the summary of the run.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from postrail.embedded.java import default_cache, jars
from postrail.embedded.kafka import KAFKA, Kafka
from postrail.embedded.ports import choose_ports
from postrail.embedded.postgres import Postgres
from postrail.embedded.process_ids import ProcessId, until
from postrail.embedded.processes import Child, log_tail, write_atomically

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 110.0
STOP_SECONDS = 30.0
CHECK_SECONDS = 0.5


@dataclass(frozen=True)
class SharedServer:
    """A server of the run. `address`: Kafka's bootstrap servers, or PostgreSQL's superuser URL."""

    pid: int
    started: str
    address: str
    folder: str
    ports: dict[str, int]

    @property
    def alive(self) -> bool:
        """Tells whether its keeper still runs."""
        return ProcessId(self.pid, self.started).alive


@contextmanager
def shared_server(kind: str, folder: Path) -> Iterator[SharedServer]:
    """Yields the run's one server of this kind ("kafka" or "postgres"); starts it when needed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("w") as users, (folder / "start.lock").open("w") as start:
        fcntl.flock(start, fcntl.LOCK_EX)
        # This lock is not free before a keeper that is about to end has ended.
        fcntl.flock(users, fcntl.LOCK_SH)
        server = _running(folder) or _start_keeper(kind, folder)
        fcntl.flock(start, fcntl.LOCK_UN)
        yield server


def wait_until_all_stopped(run_folder: Path) -> None:
    """Waits, at the end of a run, until the keepers in this folder have stopped their servers."""
    folders = [state.parent for state in run_folder.glob("*/keeper.json")]
    until(lambda: not any(map(_running, folders)), STOP_SECONDS)


def _running(folder: Path) -> SharedServer | None:
    try:
        server = SharedServer(**json.loads((folder / "keeper.json").read_text()))
    except (FileNotFoundError, ValueError):
        return None
    return server if server.alive else None


def _start_keeper(kind: str, folder: Path) -> SharedServer:
    (folder / "keeper.json").unlink(missing_ok=True)
    log_file = folder / "keeper.log"
    with log_file.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.shared_parts", kind, str(folder)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until(lambda: _running(folder) is not None or keeper.poll() is not None, START_SECONDS)
    server = _running(folder)
    # The keeper outlives this worker on purpose, so the warning about a running child is silenced.
    keeper.returncode = keeper.returncode or 0
    if server is None:
        raise RuntimeError(f"the shared {kind} did not start: {log_tail(log_file)}")
    return server


def make_kafka(folder: Path) -> Kafka:
    """Makes a broker in this folder, without starting it."""
    ports = choose_ports(["kafka", "kafka_controller"])
    return Kafka(
        folder,
        jars(KAFKA, default_cache(folder)),
        port=ports["kafka"],
        controller_port=ports["kafka_controller"],
        # The topics of all tests of a run stay; those of one installation need a third of this.
        heap_mib=768,
    )


def make_postgres(folder: Path) -> Postgres:
    """Makes a fast database server in this folder, without starting it."""
    return Postgres(folder, port=choose_ports(["postgres"])["postgres"], durable=False)


def deaths(run_folder: Path) -> list[str]:
    """Returns what the log of each shared server said when it ended before the run."""
    return [file.read_text() for file in sorted(run_folder.glob("*/death-*.txt"))]


def keep(kind: str, folder: Path, users: IO[str]) -> None:
    """Starts the server, records it in `keeper.json`, and stops it after the last worker."""
    server = make_kafka(folder / kind) if kind == "kafka" else make_postgres(folder / kind)
    try:
        server.start()
        identity = ProcessId.of(os.getpid())
        assert identity is not None
        address = server.bootstrap_servers if isinstance(server, Kafka) else server.admin_url
        ports = {str(number): port for number, port in enumerate(server.ports)}
        shared = SharedServer(identity.pid, identity.started, address, str(folder / kind), ports)
        write_atomically(folder / "keeper.json", json.dumps(asdict(shared)))
        while not _last_user(users):
            if not server.child.running:
                _record_death(server.child, folder)
                server.start()
            time.sleep(CHECK_SECONDS)
    finally:
        server.stop()


def _last_user(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _record_death(child: Child, folder: Path) -> None:
    number = len(list(folder.glob("death-*.txt")))
    text = f"{child.name} ended with exit code {child.exit_code}: {log_tail(child.log_file, 8000)}"
    write_atomically(folder / f"death-{number:03}.txt", text)


def main() -> None:
    """Runs the keeper process: `python -m tests.servers.shared_parts KIND FOLDER`."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    with (folder / "users.lock").open("a") as users:
        keep(kind, folder, users)


if __name__ == "__main__":
    main()
