"""Runs the servers of one installation from its data folder, started and stopped together.

with Instance(Path("postrail-data")) as instance:
    run(instance.endpoints.environment())
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from postrail.embedded.data_folder import (
    KEYS_FILE,
    NAME_FILE,
    lock_folder,
    write_keys_file,
    write_name_file,
)
from postrail.embedded.endpoints import ENDPOINTS_FILE, Endpoints, read_endpoints
from postrail.embedded.greenmail import GREENMAIL, GreenMail
from postrail.embedded.java import default_cache, jars, require_modules
from postrail.embedded.kafka import KAFKA, Kafka
from postrail.embedded.ports import LOOPBACK, choose_ports, is_free
from postrail.embedded.postgres import Postgres
from postrail.embedded.process_ids import end_orphan
from postrail.embedded.processes import ChildEndedError, write_atomically
from postrail.errors import ConfigurationError

Announce = Callable[[str], None]
Part = Kafka | Postgres | GreenMail

# The number of attempts with other ports, when a program takes one between our choice and start.
PORT_ATTEMPTS = 3


class Instance:
    """Kafka, PostgreSQL and optionally the demo's mail server, in one folder.

    `announce` gets a line for each step that takes time. `jars_cache` is the folder for the jars of
    Kafka and GreenMail, by default the user's cache folder.
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
        self._lock: ExitStack | None = None
        self._endpoints: Endpoints | None = None
        self._parts: dict[str, Part] = {}

    @property
    def endpoints(self) -> Endpoints:
        """The addresses of the servers; raises ConfigurationError before the start."""
        if self._endpoints is None:
            raise ConfigurationError("The servers were not started")
        return self._endpoints

    @property
    def kafka(self) -> Kafka:
        """The Kafka broker, to kill or restart it."""
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
        """The demo's mail server, if it was asked for."""
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

        Raises ConfigurationError when another process uses the folder, or a package is missing.
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
        """Stops all servers, the last started first, and releases the folder."""
        for part in reversed(list(self._parts.values())):
            part.stop()
        self._parts = {}
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def ended_parts(self) -> list[Part]:
        """Returns the servers that have ended by themselves."""
        return [part for part in self._parts.values() if not part.child.running]

    def publish_services(self, services: Mapping[str, str]) -> Endpoints:
        """Adds the addresses of the services to `endpoints.json`."""
        self._write_endpoints(replace(self.endpoints, services=dict(services)))
        return self.endpoints

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in ("blobs", "kafka"):
                # These hold the contents of messages.
                (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {self.folder} cannot be created: {error}",
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
        # The URL of the database has its password.
        write_atomically(self.folder / ENDPOINTS_FILE, text, mode=0o600)
        self._endpoints = endpoints
