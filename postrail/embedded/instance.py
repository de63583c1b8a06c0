"""The folder of one installation: its servers, their ports and its secret key, started as one.

with Instance(Path("postrail-data")) as instance:
    run(instance.endpoints.environment())
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from postrail.embedded.greenmail import GREENMAIL, GreenMail
from postrail.embedded.java import default_cache, jars, require_modules
from postrail.embedded.kafka import KAFKA, Kafka
from postrail.embedded.ports import LOOPBACK, choose_ports, is_free
from postrail.embedded.postgres import Postgres
from postrail.embedded.processes import ChildEndedError, end_orphan, write_atomically
from postrail.errors import ConfigurationError

Announce = Callable[[str], None]
Part = Kafka | Postgres | GreenMail

ENDPOINTS_FILE = "endpoints.json"
LOCK_FILE = "lock"
KEYS_FILE = "secret.keys"
NAME_FILE = "instance.name"
# How often other ports are chosen when a program takes one between our choice and our start.
PORT_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where the servers of an installation listen; all on loopback."""

    data: str
    kafka: str
    database_url: str
    blobs_url: str
    keys_file: str
    # What the installation is called; blank in files of earlier releases.
    instance: str = ""
    smtp_host: str = ""
    smtp_port: int = 0
    imap_host: str = ""
    imap_port: int = 0
    mail_api_url: str = ""
    # The ports by part, to take the same ones next time.
    ports: Mapping[str, int] = field(default_factory=dict)
    # What the services serve, by name: their /metrics addresses.
    services: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The settings of each service, by their names in the environment."""
        name = {"POSTRAIL_INSTANCE": self.instance} if self.instance else {}
        return {
            **name,
            "POSTRAIL_DATA": self.data,
            "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS": self.kafka,
            "POSTRAIL_KAFKA__REPLICATION": "1",
            "POSTRAIL_KAFKA__MIN_INSYNC_REPLICAS": "1",
            "POSTRAIL_DATABASE__URL": self.database_url,
            "POSTRAIL_BLOBS__URL": self.blobs_url,
            "POSTRAIL_SECRETS__KEYS_FILE": self.keys_file,
            "POSTRAIL_SERVER__HOST": LOOPBACK,
            "POSTRAIL_SERVER__PORT": "0",
        }


def read_endpoints(folder: Path) -> Endpoints:
    """The endpoints that the last start wrote; raises ConfigurationError when there are none."""
    path = folder / ENDPOINTS_FILE
    try:
        return Endpoints(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{folder} holds no installation ({ENDPOINTS_FILE} is missing)",
            remedy="Start one there: postrail up --data " + str(folder),
            setting="POSTRAIL_DATA",
        ) from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", remedy="Remove it; the next start writes it anew"
        ) from error


class Instance:
    """Kafka, PostgreSQL and, if wanted, the demo's mail server in one folder.

    `announce` gets one line for each step that takes time. `jars_cache` is the folder for Kafka's
    and GreenMail's jars; by default the user's cache folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mail_server: bool = False,
        mail_users: Mapping[str, str] | None = None,
        announce: Announce = lambda line: None,
        jars_cache: Path | None = None,
    ) -> None:
        self.folder = folder.expanduser().resolve()
        self._mail_server = mail_server
        self._mail_users = dict(mail_users or {})
        self._announce = announce
        self._jars_cache = jars_cache or default_cache(self.folder)
        self._lock: IO[str] | None = None
        self._endpoints: Endpoints | None = None
        self._parts: dict[str, Part] = {}

    @property
    def endpoints(self) -> Endpoints:
        """Where everything listens; raises ConfigurationError before the start."""
        if self._endpoints is None:
            raise ConfigurationError("The servers were not started")
        return self._endpoints

    @property
    def kafka(self) -> Kafka:
        """The broker, to kill or restart it."""
        part = self._parts["kafka"]
        assert isinstance(part, Kafka)
        return part

    @property
    def postgres(self) -> Postgres:
        """The database server, to kill or restart it."""
        part = self._parts["postgres"]
        assert isinstance(part, Postgres)
        return part

    @property
    def greenmail(self) -> GreenMail | None:
        """The demo's mail server, if there is one."""
        part = self._parts.get("greenmail")
        assert part is None or isinstance(part, GreenMail)
        return part

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Endpoints:
        """Starts all servers on free ports and writes `endpoints.json`.

        Raises ConfigurationError when another process uses the folder, or something is missing.
        """
        require_modules()
        self._make_folder()
        self._lock = lock_folder(self.folder)
        try:
            self._end_orphans()
            self._start_parts()
        except BaseException:
            self.stop()
            raise
        return self.endpoints

    def stop(self) -> None:
        """Ends all servers, the last started first, and lets go of the folder."""
        for part in reversed(list(self._parts.values())):
            part.stop()
        self._parts = {}
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def ended_part(self) -> str:
        """The name of a server that ended although nobody stopped it; "" when all run."""
        return next((name for name, part in self._parts.items() if not part.child.running), "")

    def publish_services(self, services: Mapping[str, str]) -> Endpoints:
        """Adds the addresses of the services to `endpoints.json`."""
        self._write_endpoints(replace(self.endpoints, services=dict(services)))
        return self.endpoints

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in ("blobs", "kafka"):
                # These hold the contents of mails.
                (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {self.folder} cannot be made: {error}",
                remedy="Choose another one with --data",
                setting="POSTRAIL_DATA",
            ) from error
        write_keys_file(self.folder / KEYS_FILE)
        write_name_file(self.folder / NAME_FILE)

    def _end_orphans(self) -> None:
        for name in ("greenmail", "kafka", "postgres"):
            if orphan := end_orphan(self.folder / name / f"{name}.pid"):
                self._announce(f"{name}: ended process {orphan.pid}, left behind by an earlier run")

    def _start_parts(self) -> None:
        kafka_jars = jars(KAFKA, self._jars_cache, self._announce)
        mail_jars = jars(GREENMAIL, self._jars_cache, self._announce) if self._mail_server else ()
        before = self._last_ports()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            ports = choose_ports(self._port_names(), before)
            self._parts = self._make_parts(ports, kafka_jars, mail_jars)
            try:
                self._start_all()
            except ChildEndedError:
                for part in self._parts.values():
                    part.stop()
                if all(map(is_free, ports.values())) or attempt == PORT_ATTEMPTS:
                    raise
                self._announce("Another program took a port; choosing others")
            else:
                self._write_endpoints(self._describe(ports))
                return

    def _start_all(self) -> None:
        for part in self._parts.values():
            part.launch(self._announce)
        for part in self._parts.values():
            part.wait_ready()

    def _port_names(self) -> list[str]:
        mail = ["smtp", "imap", "mail_api"] if self._mail_server else []
        return ["kafka", "kafka_controller", "postgres", *mail]

    def _last_ports(self) -> dict[str, int]:
        try:
            return dict(read_endpoints(self.folder).ports)
        except ConfigurationError:
            return {}

    def _make_parts(
        self, ports: Mapping[str, int], kafka_jars: tuple[Path, ...], mail_jars: tuple[Path, ...]
    ) -> dict[str, Part]:
        parts: dict[str, Part] = {
            "postgres": Postgres(self.folder / "postgres", port=ports["postgres"]),
            "kafka": Kafka(
                self.folder / "kafka",
                kafka_jars,
                port=ports["kafka"],
                controller_port=ports["kafka_controller"],
            ),
        }
        if self._mail_server:
            parts["greenmail"] = GreenMail(
                self.folder / "greenmail",
                mail_jars,
                smtp_port=ports["smtp"],
                imap_port=ports["imap"],
                api_port=ports["mail_api"],
                users=self._mail_users,
            )
        return parts

    def _describe(self, ports: dict[str, int]) -> Endpoints:
        mail = self.greenmail
        return Endpoints(
            data=str(self.folder),
            kafka=self.kafka.bootstrap_servers,
            database_url=self.postgres.url,
            blobs_url=(self.folder / "blobs").as_uri(),
            keys_file=str(self.folder / KEYS_FILE),
            instance=(self.folder / NAME_FILE).read_text(encoding="utf-8").strip(),
            smtp_host=LOOPBACK if mail else "",
            smtp_port=mail.smtp_port if mail else 0,
            imap_host=LOOPBACK if mail else "",
            imap_port=mail.imap_port if mail else 0,
            mail_api_url=f"http://{LOOPBACK}:{mail.api_port}" if mail else "",
            ports=ports,
        )

    def _write_endpoints(self, endpoints: Endpoints) -> None:
        text = json.dumps(asdict(endpoints), indent=2) + "\n"
        # The database's URL holds its password.
        write_atomically(self.folder / ENDPOINTS_FILE, text, mode=0o600)
        self._endpoints = endpoints


def lock_folder(folder: Path) -> IO[str]:
    """Takes the folder for this process until the returned file is closed, or the process ends.

    Raises ConfigurationError that says which process holds it, and since when.
    """
    file = (folder / LOCK_FILE).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise ConfigurationError(
            f"{folder} is in use by {holder}",
            remedy="Stop that one first, or choose another folder with --data",
            setting="POSTRAIL_DATA",
        ) from error
    file.truncate(0)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    file.write(f"process {os.getpid()} since {now}\n")
    file.flush()
    return file


def write_keys_file(path: Path) -> None:
    """Writes a new secret key, 32 random bytes in base64, unless there is one already."""
    if not path.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        write_atomically(path, key + "\n", mode=0o600)


def write_name_file(path: Path) -> None:
    """Writes what the installation is called, unless it has a name: no other one has the same."""
    if not path.exists():
        write_atomically(path, f"local-{secrets.token_hex(4)}\n", mode=0o644)
