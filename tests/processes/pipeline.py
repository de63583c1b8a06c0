"""The whole pipeline as real processes, for acceptance tests: services, sink, and queries.

    with Pipeline(folder, environment, dovecot) as pipeline:
        pipeline.configure([Inbox("support")])
        pipeline.start()
        dovecot.fill("support", [letter("hello")])
        pipeline.wait_until_settled(mails=1)

All processes end with the block; when it fails, the ends of their logs are printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.models.limit import Limit
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.database import one_connection
from postrail.embedded.ports import answers, free_port
from postrail.embedded.processes import Child, log_tail
from postrail.incoming import queue as incoming
from postrail.records import Record
from postrail.secrets import Secrets
from postrail.stream.connection import client_options
from postrail.stream.topics import OUTGOING_QUEUED, Topic, apply_topics, topic_name
from tests.makers.configuration import UNLIMITED
from tests.makers.settings import settings_of
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.smtp_sink import KeptMail, read_journal

REPOSITORY = Path(__file__).parents[2]
SERVICES = ("fetcher", "parser", "handler", "sender")
DOMAIN = "desk.test"
SENDING_ADDRESS = f"desk@{DOMAIN}"
POLL_SECONDS = 0.05
LOG_CHARACTERS = 4000

# Unfinished work: a query for each kind of thing that may wait.
UNFINISHED = """
SELECT 'mail ' || state, count(*) FROM incoming_mail
 WHERE state IN ('fetched', 'new', 'working', 'waiting') GROUP BY state
UNION ALL
SELECT 'delivery ' || state, count(*) FROM delivery
 WHERE state IN ('queued', 'sending', 'deferred') GROUP BY state
UNION ALL
SELECT 'outbox', count(*) FROM outbox HAVING count(*) > 0
"""

# Counts that change with each step of a message.
PROGRESS = """
SELECT 'mail ' || state, count(*) FROM incoming_mail GROUP BY state
UNION ALL
SELECT 'delivery ' || state, count(*) FROM delivery GROUP BY state
ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """A watched mailbox; the account has the name of the server's user."""

    name: str
    project: str = "HELP"

    @property
    def address(self) -> str:
        """Returns the address that people write to."""
        return f"{self.name}@{DOMAIN}"


class Replica:
    """One process of a service; killed, frozen and started again as a test wishes."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log_file: Path
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._frozen = False
        self._child = Child(
            name,
            [sys.executable, *command],
            log_file=log_file,
            working_folder=REPOSITORY,
            environment={**os.environ, **environment},
        )

    def start(self) -> None:
        """Starts it, or starts it again; does not wait."""
        self._frozen = False
        self._child.start()

    @property
    def running(self) -> bool:
        """Tells whether it runs."""
        return self._child.running

    @property
    def exit_code(self) -> int | None:
        """Returns its exit code; a negative one names a signal."""
        return self._child.exit_code

    @property
    def log(self) -> str:
        """Returns its whole log, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def log_end(self) -> str:
        """Returns the end of its log."""
        return log_tail(self.log_file)[-LOG_CHARACTERS:]

    def kill(self) -> None:
        """Sends SIGKILL, which also ends a frozen process."""
        self._child.kill()
        self._frozen = False

    def freeze(self) -> None:
        """Sends SIGSTOP: the process neither works nor sends heartbeats."""
        os.kill(self._child.pid, signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """Sends SIGCONT."""
        if self._frozen:
            os.kill(self._child.pid, signal.SIGCONT)
            self._frozen = False

    def stop(self) -> int | None:
        """Sends SIGTERM, and waits; returns the exit code."""
        if self._child.running:
            self.thaw()
        self._child.stop()
        return self._child.exit_code

    def wait_for_end(self, seconds: float) -> int:
        """Waits until it ends by itself; returns the exit code."""
        deadline = time.monotonic() + seconds
        while self._child.running:
            assert time.monotonic() < deadline, f"{self.name} did not end: {self.log_end}"
            time.sleep(POLL_SECONDS)
        code = self._child.exit_code
        assert code is not None
        return code


class Pipeline:
    """The services of one test, on servers that the test gives."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], dovecot: Dovecot | None = None
    ) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.settings = settings_of(self.environment)
        self._dovecot = dovecot
        self.replicas: dict[str, list[Replica]] = {}
        # Closed before the servers end.
        self.resources = contextlib.ExitStack()
        self._others: list[Replica] = []
        self._journal = folder / "journal"
        self.sink_port = free_port()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def __enter__(self) -> Self:
        apply_topics(self.settings.kafka)
        arguments = ["-m", "tests.servers.smtp_sink", str(self.sink_port), str(self._journal)]
        sink = self.process("sink", arguments)
        sink.start()
        self.wait_until(lambda: answers(self.sink_port), 30, "the SMTP sink")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.show_logs()
        for replica in self._everything():
            replica.kill()
        self.resources.close()
        if self._connection is not None:
            self._connection.close()

    @property
    def dovecot(self) -> Dovecot:
        """Returns the mail server that was given."""
        assert self._dovecot is not None, "this pipeline has no mail server"
        return self._dovecot

    def configure(
        self,
        inboxes: Iterable[Inbox],
        *,
        connection: OutgoingConnection | None = None,
        others: Iterable[MailAccount] = (),
        limits: Iterable[Limit] = UNLIMITED,
        more: Iterable[Configured] = (),
    ) -> None:
        """Saves the accounts, their projects, one outgoing connection to the sink, and more.

        Without other ones there are no limits: the senders are few.
        """
        accounts = [*(self._account(inbox) for inbox in inboxes), *others]
        projects = sorted({account.project for account in accounts})
        things: list[Configured] = [Project(key=key, name=f"Project {key}") for key in projects]
        things += [*accounts, *limits]
        things += [connection or self._outgoing(), *more]
        asyncio.run(self._save(things))

    def _account(self, inbox: Inbox) -> MailAccount:
        return MailAccount(
            name=inbox.name,
            host="127.0.0.1",
            port=self._dovecot.imap_port if self._dovecot else 0,
            encryption="none",
            username=inbox.name,
            password=Secrets(self.settings.secrets).seal(PASSWORD),
            address=inbox.address,
            project=inbox.project,
            poll_seconds=2,
        )

    def _outgoing(self) -> OutgoingConnection:
        return OutgoingConnection(
            name="sink",
            is_default=True,
            host="127.0.0.1",
            port=self.sink_port,
            encryption="none",
            from_address=SENDING_ADDRESS,
        )

    async def _save(self, things: Sequence[Configured]) -> None:
        now = datetime.now(UTC)
        async with one_connection(self.settings.database) as connection:
            for thing in things:
                await store.save(connection, thing, before=None, author="test", now=now)

    def start(self, services: Iterable[str] = SERVICES, replicas: int = 1) -> None:
        """Starts services that are not running yet; does not wait until they work."""
        for service in services:
            present = self.replicas.setdefault(service, [])
            for number in range(len(present), replicas):
                present.append(self._new(f"{service}-{number}", ["-m", f"services.{service}"]))
                present[-1].start()

    def start_as(self, service: str, arguments: Sequence[str]) -> None:
        """Starts one replica of a service by another command."""
        replica = self._new(f"{service}-0", arguments)
        self.replicas[service] = [replica]
        replica.start()

    def process(self, name: str, arguments: Sequence[str]) -> Replica:
        """Returns a Python process with the environment of the services, not started."""
        self._others.append(self._new(name, arguments))
        return self._others[-1]

    def _new(self, name: str, arguments: Sequence[str]) -> Replica:
        return Replica(name, arguments, self.environment, self.folder / f"{name}.log")

    def replica(self, service: str, number: int = 0) -> Replica:
        """Returns a replica that was started."""
        return self.replicas[service][number]

    def _everything(self) -> list[Replica]:
        return [replica for group in self.replicas.values() for replica in group] + self._others

    def show_logs(self) -> None:
        """Prints the ends of all logs; pytest shows them with a failure."""
        for replica in self._everything():
            print(f"--- {replica.name} (exit code {replica.exit_code})\n{replica.log_end}")

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a query; raises OperationalError while the database is down."""
        try:
            if self._connection is None:
                url = self.settings.database.url.get_secret_value()
                self._connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
            return self._connection.execute(statement.encode(), list(parameters)).fetchall()
        except psycopg.OperationalError:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            raise

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """Returns the first column of the first row."""
        return self.rows(statement, parameters)[0][0]

    def sent(self) -> list[KeptMail]:
        """Returns the messages that the sink has kept, in order."""
        return read_journal(self._journal)

    def unfinished(self) -> dict[str, int]:
        """Counts the rows that wait in the tables, by kind; empty when all is done."""
        return dict(self.rows(UNFINISHED))

    def progress(self) -> tuple[int, ...]:
        """Returns counts that change with each step of a message; () while the database is down."""
        try:
            return tuple(count for _, count in self.rows(PROGRESS))
        except psycopg.OperationalError:
            return ()

    def unaccounted(self) -> int:
        """Counts the messages without an outcome, of any age: 0 when all is done."""
        return asyncio.run(self._unaccounted())

    async def _unaccounted(self) -> int:
        async with one_connection(self.settings.database) as connection:
            return await incoming.unaccounted(connection, datetime.now(UTC), -1)

    def wait_until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Waits for the condition; fails with `what` when the time is over."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
            time.sleep(POLL_SECONDS)

    def is_settled(self, mails: int) -> bool:
        """Tells whether this number of messages has come in and all work is finished."""
        try:
            arrived: int = self.value("SELECT count(*) FROM incoming_mail")
            # Asked twice: a message may have moved from the topic into the table in between.
            return (
                arrived >= mails
                and not self.unfinished()
                and self._queued() == 0
                and not self.unfinished()
            )
        except (psycopg.OperationalError, KafkaError):
            return False

    def wait_until_settled(self, mails: int, seconds: float = 60.0) -> None:
        """Waits until this number of messages has come in and all work is finished."""
        deadline = time.monotonic() + seconds
        while not self.is_settled(mails):
            if time.monotonic() > deadline:
                arrived = self.value("SELECT count(*) FROM incoming_mail")
                raise AssertionError(
                    f"after {seconds:.0f} s {arrived} of {mails} mails are there;"
                    f" unfinished: {self.unfinished()}"
                )
            time.sleep(POLL_SECONDS)

    def _queued(self) -> int:
        """Counts the notifications between the outbox and the sender's table."""
        taken_in: int = self.value(
            "SELECT coalesce(sum(next_offset), 0)::bigint FROM intake_offset"
            " WHERE consumer_group = 'sender'"
        )
        return self.records(OUTGOING_QUEUED) - taken_in

    def group(self, service: str) -> str:
        """Returns the name of a service's consumer group."""
        return f"{self.settings.kafka.prefix}postrail.{service}"

    def records(self, topic: Topic[Record]) -> int:
        """Counts the records that a topic was ever given."""
        with Offsets(self.settings.kafka.partitions, client_options(self.settings.kafka)) as found:
            return sum(found.ends(topic_name(topic, self.settings.kafka)).values())

    def seen(self, user: str) -> tuple[int, int]:
        """Counts the messages of the user's INBOX that are marked as seen, and all of them."""
        flags = self.dovecot.flags(user)
        return sum("\\Seen" in found for found in flags.values()), len(flags)


class Offsets:
    """The ends of topics and the committed offsets of groups, as the broker has them."""

    def __init__(self, partitions: int, options: Mapping[str, Any]) -> None:
        self._partitions = partitions
        self._client = KafkaAdminClient(**options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnects."""
        self._client.close()

    def ends(self, topic: str) -> dict[int, int]:
        """Returns the next offset of each partition."""
        wanted = {TopicPartition(topic, n): OffsetSpec.LATEST for n in range(self._partitions)}
        found = self._client.list_partition_offsets(wanted)
        return {partition.partition: entry.offset for partition, entry in found.items()}

    def lag(self, topic: str, group: str) -> int:
        """Counts the records of the topic that the group has not committed."""
        committed = self._client.list_group_offsets({group: None})[group]
        ends = self.ends(topic)
        done = {p.partition: entry.offset for p, entry in committed.items() if p.topic == topic}
        return sum(end - max(0, done.get(number, 0)) for number, end in ends.items())


def letter(
    subject: str | None,
    *,
    sender: str = "ada@customer.test",
    to: str = f"support@{DOMAIN}",
    message_id: str | None = None,
    in_reply_to: str | None = None,
    references: Sequence[str] = (),
    text: str = "Good morning,\r\nplease have a look.\r\n",
) -> bytes:
    """Returns a plain message of a person; None leaves out the subject or the Message-ID."""
    fields = [
        f"From: {sender.partition('@')[0].title()} <{sender}>",
        f"To: {to}",
        "Date: Mon, 05 Jan 2026 08:00:00 +0000",
        *([f"Subject: {subject}"] if subject is not None else []),
        *([f"Message-ID: {message_id}"] if message_id else []),
        *([f"In-Reply-To: {in_reply_to}"] if in_reply_to else []),
        *(["References: " + " ".join(references)] if references else []),
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
    ]
    return ("\r\n".join(fields) + "\r\n\r\n" + text).encode()
