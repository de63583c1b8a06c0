"""Starts an installation for one run: Kafka, PostgreSQL, Dovecot, an SMTP sink, the services."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg

from bench.mails import PROJECT
from bench.usage import Usage, usage_of
from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.database import migrate, open_pool, transaction
from postrail.embedded.instance import Instance
from postrail.embedded.ports import LOOPBACK, answers, free_port
from postrail.embedded.processes import Child
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.stream.topics import apply_topics
from tests.makers.settings import settings_of
from tests.servers.certificates import make_certificates
from tests.servers.dovecot import PASSWORD, Dovecot, program

REPOSITORY = Path(__file__).resolve().parents[1]
STAGES = ("fetcher", "parser", "handler", "sender")
SERVERS = ("Kafka", "PostgreSQL", "Dovecot", "SMTP sink")
READY_SECONDS = 60.0
# The run adds the accounts last; the fetcher must read them soon.
RELOAD_SECONDS = "0.5"


class Installation:
    """All servers and processes of a run, in a folder that is removed with them."""

    def __init__(
        self,
        *,
        replicas: int,
        monitor: bool,
        profile: tuple[str, Path] | None,
        stages: Sequence[str] = STAGES,
        sessions_per_process: int = 1,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postrail-bench-"))
        # PostgreSQL and Dovecot run as other users, which must be able to enter it.
        self.folder.chmod(0o755)
        self.instance = Instance(self.folder / "data")
        self.dovecot = Dovecot(
            self.folder / "dovecot",
            make_certificates(self.folder / "tls"),
            sessions_per_process=sessions_per_process,
        )
        self.smtp_port = free_port()
        self.sink = _smtp_sink(self.smtp_port, self.folder)
        self.services: dict[str, Child] = {}
        self._health_ports: dict[str, int] = {}
        self._replicas = replicas
        self._stages = stages
        self._monitor = monitor
        self._profile = profile

    def __enter__(self) -> Self:
        try:
            self._start_servers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_servers(self) -> None:
        (self.folder / "dovecot").mkdir()
        self.instance.start()
        self.dovecot.start()
        self.sink.start()
        self.sink.wait_until(lambda: answers(self.smtp_port), READY_SECONDS)
        apply_topics(self.settings.kafka)
        asyncio.run(migrate(self.database_url))

    def stop(self) -> None:
        """Ends everything and removes the folder."""
        self.stop_services()
        self.sink.stop()
        self.dovecot.stop()
        self.instance.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop_services(self) -> None:
        """Ends the services, which write a profile at their end."""
        for child in reversed(self.services.values()):
            child.stop()

    @property
    def environment(self) -> dict[str, str]:
        """Returns the POSTRAIL_ variables of the services."""
        return {
            **self.instance.endpoints.environment(),
            "POSTRAIL_FETCHER__ACCOUNTS_RELOAD_SECONDS": RELOAD_SECONDS,
        }

    @property
    def settings(self) -> Settings:
        """Returns the settings as the services load them."""
        names = self.environment
        return settings_of({name: names[name] for name in names if "__" in name})

    @property
    def database_url(self) -> str:
        """Returns the URL of the pipeline's database."""
        return self.instance.endpoints.database_url

    def connect(self) -> psycopg.Connection[Any]:
        """Opens a connection in which each query sees the latest data."""
        return psycopg.connect(self.database_url, autocommit=True)

    def configure_outgoing(self) -> None:
        """Stores the outgoing connection and the project; the few senders have no limits."""
        relay = OutgoingConnection(
            name="relay",
            is_default=True,
            host=LOOPBACK,
            port=self.smtp_port,
            encryption="none",
            from_address="help@example.com",
        )
        limits = [Limit(name=name, value=0) for name in LimitName]
        self.save([relay, Project(key=PROJECT, name="Bench"), *limits])

    def configure_mailboxes(self, users: Sequence[str]) -> None:
        """Stores the mail accounts, which the fetcher then begins to read."""
        password = Secrets(self.settings.secrets).seal(PASSWORD)
        accounts = [
            MailAccount(
                name=user,
                host=LOOPBACK,
                port=self.dovecot.imap_port,
                encryption="none",
                username=user,
                password=password,
                address=f"{user}@example.com",
                project=PROJECT,
            )
            for user in users
        ]
        self.save(accounts)

    def save(self, things: Sequence[Configured]) -> None:
        """Stores things of the configuration that are new."""

        async def save() -> None:
            pool = await open_pool(self.settings.database)
            async with transaction(pool) as connection:
                for thing in things:
                    now = datetime.now(UTC)
                    await store.save(connection, thing, before=None, author="bench", now=now)
            await pool.close()

        asyncio.run(save())

    def start_services(self) -> None:
        """Starts all replicas, and waits until each has its assignment of partitions."""
        replicas = range(1, self._replicas + 1)
        names = [f"{stage} {number}" for stage in self._stages for number in replicas]
        for name in [*names, *(["monitor 1"] if self._monitor else [])]:
            self.services[name] = self._service(name)
            self.services[name].start()
        for name, child in self.services.items():
            child.wait_until(functools.partial(self._works, name), READY_SECONDS)

    def _service(self, name: str) -> Child:
        stage = name.partition(" ")[0]
        port = self._health_ports[name] = free_port(self._health_ports.values())
        module = [f"services.{stage}"]
        if self._profile and name == f"{self._profile[0]} 1":
            module = ["bench.profiled", stage, str(self._profile[1])]
        return Child(
            name,
            [sys.executable, "-m", *module],
            log_file=self.folder / f"{name.replace(' ', '-')}.log",
            working_folder=REPOSITORY,
            environment={**os.environ, **self.environment, "POSTRAIL_SERVER__PORT": str(port)},
        )

    def _works(self, name: str) -> bool:
        url = f"http://{LOOPBACK}:{self._health_ports[name]}/readyz"
        with contextlib.suppress(urllib.error.URLError, OSError):
            ready = urllib.request.urlopen(url, timeout=2).status == 200
            assigned = b"partitions assigned" in self.services[name].log_file.read_bytes()
            return ready and (assigned or name.startswith("monitor"))
        return False

    def log_problems(self) -> list[str]:
        """Returns the warnings and errors in the logs, with which a run is not valid."""
        return [
            f"{name}: {line[:300]}"
            for name, child in self.services.items()
            for line in child.log_file.read_text(errors="replace").splitlines()
            if any(f'"level": "{level}"' in line for level in ("warning", "error"))
        ]

    def sink_seconds(self) -> float:
        """Returns the CPU seconds of the SMTP sink so far."""
        return usage_of({"sink": [self.sink.pid]})["sink"].cpu_seconds

    def copy_logs(self, folder: Path) -> None:
        """Copies the services' logs to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for child in self.services.values():
            shutil.copy(child.log_file, folder)

    def usage(self) -> dict[str, Usage]:
        """Returns the usage of each service (all replicas together) and each server so far."""
        pids: dict[str, list[int]] = {}
        for name, child in self.services.items():
            pids.setdefault(name.partition(" ")[0], []).append(child.pid)
        pids["Kafka"] = [self.instance.kafka.child.pid]
        pids["PostgreSQL"] = [self.instance.postgres.child.pid]
        pids["Dovecot"] = [self.dovecot.pid]
        pids["SMTP sink"] = [self.sink.pid]
        return usage_of(pids)


def _smtp_sink(port: int, folder: Path) -> Child:
    """Returns Postfix's smtp-sink if installed, as it costs least, else our own in Python."""
    log_file = folder / "sink.log"
    try:
        # As root it requires the user to run as.
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [program("smtp-sink"), *user, f"{LOOPBACK}:{port}", "1000"]
    except AssertionError:
        journal = str(folder / "sink.journal")
        command = [sys.executable, "-m", "tests.servers.smtp_sink", str(port), journal]
    return Child("SMTP sink", command, log_file=log_file, working_folder=REPOSITORY)
