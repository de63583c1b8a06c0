"""The doctor names the part, the setting and the remedy of each problem of a real installation."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from pydantic import SecretStr

from postrail.blobs import BlobStore
from postrail.clock import Clock, SettableClock, SystemClock
from postrail.configuration.configured import Configured
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.configuration.store import save
from postrail.database import one_connection
from postrail.doctor import Finding
from postrail.doctor.examine import examine
from postrail.embedded.ports import free_port
from postrail.embedded.process_ids import until
from postrail.incoming.fetched import FetchedRow, record_fetched
from postrail.records import Record
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.stream.connection import client_options
from postrail.stream.offsets import topics_seen
from postrail.stream.offsets.topic_ids import TopicIds
from postrail.stream.topics import (
    MAIL_FETCHED,
    MAIL_PARSED,
    Topic,
    apply_topics,
    check_topics,
    topic_name,
)
from services.cli.app import run
from services.cli.commands import doctor
from tests.makers.topics import make_anew
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import SmtpSink


class Setup:
    """A working installation, until a test breaks something in it."""

    def __init__(self, settings: Settings, request: pytest.FixtureRequest) -> None:
        self.settings = settings
        self.clock: Clock = SystemClock()
        self.request = request

    def change(self, section: str, **values: object) -> None:
        """Changes settings of a section."""
        changed = getattr(self.settings, section).model_copy(update=values)
        self.settings = self.settings.model_copy(update={section: changed})

    def configure(self, *things: Configured) -> None:
        """Saves the things as `postrail apply` does."""
        asyncio.run(self._configure(things))

    async def _configure(self, things: tuple[Configured, ...]) -> None:
        async with one_connection(self.settings.database) as connection:
            for thing in things:
                now = SystemClock().now()
                await save(connection, thing, before=None, author="test", now=now)

    def account(self, **values: object) -> MailAccount:
        """Makes a working account on Dovecot."""
        server: Dovecot = self.request.getfixturevalue("dovecot")
        self.configure(Project(key="HELP", name="Help"))
        fields = {
            "name": "help",
            "host": server.host,
            "port": server.imap_port,
            "encryption": "none",
            "username": "help@example.org",
            "password": Secrets(self.settings.secrets).seal(server.password),
            "address": "help@example.org",
            "project": "HELP",
        }
        return MailAccount.model_validate(fields | values)

    def connection(self, port: int) -> OutgoingConnection:
        """Makes a connection to an SMTP server on this machine."""
        return OutgoingConnection(
            name="out",
            host="localhost",
            port=port,
            encryption="none",
            from_address="help@example.org",
        )

    def findings(self) -> list[Finding]:
        """Runs the doctor."""
        return asyncio.run(examine(self.settings, self.clock))


@pytest.fixture
def setup(settings: Settings, request: pytest.FixtureRequest) -> Setup:
    apply_topics(settings.kafka)
    BlobStore(settings.blobs.url)
    return Setup(settings, request)


@contextmanager
def listening() -> Iterator[int]:
    """Listens on a port, as another program would."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def kafka_is_down(setup: Setup) -> None:
    setup.change("kafka", bootstrap_servers=f"127.0.0.1:{free_port()}")


def another_program_has_kafkas_port(setup: Setup) -> None:
    database = urlsplit(setup.settings.database.url.get_secret_value())
    setup.change("kafka", bootstrap_servers=f"127.0.0.1:{database.port}")


def topics_are_missing(setup: Setup) -> None:
    setup.change("kafka", prefix=f"{setup.settings.kafka.prefix}other.")


def topics_differ(setup: Setup) -> None:
    setup.change("kafka", partitions=5)


def topics_have_the_makers_time(setup: Setup) -> None:
    kafka = setup.settings.kafka
    admin = KafkaAdminClient(**client_options(kafka))
    configs = {"message.timestamp.type": "CreateTime"}
    name = topic_name(MAIL_FETCHED, kafka)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs)])
    admin.close()
    assert until(lambda: check_topics(kafka).to_alter == [MAIL_FETCHED], 20)


def database_is_down(setup: Setup) -> None:
    url = f"postgresql://postrail@127.0.0.1:{free_port()}/postrail"
    setup.change("database", url=SecretStr(url))


def migrations_are_missing(setup: Setup) -> None:
    url = setup.request.getfixturevalue("empty_database_url")
    setup.change("database", url=SecretStr(url))


def blobs_are_read_only(setup: Setup) -> None:
    # Root can write to any folder except those of the kernel.
    folder = Path("/sys/kernel")
    if os.geteuid():
        folder = setup.request.getfixturevalue("tmp_path") / "read-only"
        folder.mkdir(mode=0o500)
    setup.change("blobs", url=folder.as_uri())


def blobs_are_elsewhere(setup: Setup) -> None:
    folder: Path = setup.request.getfixturevalue("tmp_path") / "mistyped"
    setup.change("blobs", url=folder.as_uri())


def key_is_missing(setup: Setup) -> None:
    setup.change("secrets", keys=SecretStr(""))


def imap_login_is_refused(setup: Setup) -> None:
    wrong = Secrets(setup.settings.secrets).seal("wrong")
    setup.configure(setup.account(password=wrong))


def pop3_login_is_refused(setup: Setup) -> None:
    server: Dovecot = setup.request.getfixturevalue("dovecot")
    wrong = Secrets(setup.settings.secrets).seal("wrong")
    setup.configure(setup.account(protocol="pop3", port=server.pop3_port, password=wrong))


def certificate_is_untrusted(setup: Setup) -> None:
    server: Dovecot = setup.request.getfixturevalue("dovecot")
    setup.configure(setup.account(encryption="ssl", port=server.imaps_port))


def smtp_is_refused(setup: Setup) -> None:
    setup.configure(setup.connection(free_port()))


def clock_is_off(setup: Setup) -> None:
    clock = SettableClock(SystemClock().now())
    clock.move(90)
    setup.clock = clock


def port_is_busy(setup: Setup) -> None:
    setup.change("server", port=setup.request.getfixturevalue("busy_port"))


@pytest.fixture
def busy_port() -> Iterator[int]:
    with listening() as port:
        yield port


@dataclass(frozen=True)
class Case:
    """A function that breaks something, and the finding that the doctor must report."""

    broken: Callable[[Setup], None]
    part: str
    says: str
    setting: str
    remedy: str


CASES = [
    Case(
        kafka_is_down,
        "kafka",
        "nothing answers",
        "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS",
        "Start Kafka there",
    ),
    Case(
        another_program_has_kafkas_port,
        "kafka",
        "but not as Kafka",
        "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS",
        "Name the port of a listener of Kafka",
    ),
    Case(
        topics_are_missing,
        "topics",
        "topics are missing",
        "POSTRAIL_KAFKA__PREFIX",
        "Run: postrail topics apply",
    ),
    Case(
        topics_differ,
        "topics",
        "has 4 partitions, wanted 5",
        "POSTRAIL_KAFKA__PARTITIONS",
        "Change the settings to what the topics have",
    ),
    Case(
        topics_have_the_makers_time,
        "topics",
        "mail.fetched",
        "message.timestamp.type",
        "Run: postrail topics apply",
    ),
    Case(
        database_is_down,
        "database",
        "refused",
        "POSTRAIL_DATABASE__URL",
        "Check that PostgreSQL runs",
    ),
    Case(
        migrations_are_missing,
        "migrations",
        "0001_tables.sql",
        "POSTRAIL_DATABASE__URL",
        "Run: postrail migrate",
    ),
    Case(
        blobs_are_read_only,
        "blobs",
        "the blob store file:///",
        "POSTRAIL_BLOBS__URL",
        "this process may write to it",
    ),
    Case(
        blobs_are_elsewhere,
        "blobs",
        "mistyped does not exist",
        "POSTRAIL_BLOBS__URL",
        "Correct the path",
    ),
    Case(
        key_is_missing,
        "keys",
        "the key to seal secrets with is not set",
        "POSTRAIL_SECRETS__KEYS",
        "postrail secrets new-key",
    ),
    Case(
        smtp_is_refused,
        "connection out",
        "no connection to the mail server localhost",
        "outgoing connection out: host, port, encryption",
        "Check that the server runs there",
    ),
    Case(
        clock_is_off,
        "clock",
        " s ahead of PostgreSQL's",
        "the system clock",
        "let NTP keep it",
    ),
    Case(
        port_is_busy,
        "port",
        "Address already in use",
        "POSTRAIL_SERVER__PORT",
        "Choose another port",
    ),
]
# These need Dovecot.
MAIL_CASES = [
    Case(
        imap_login_is_refused,
        "account help",
        "refused the login of help@example.org",
        "mail account help: username, password",
        "Correct the user name or the password",
    ),
    Case(
        pop3_login_is_refused,
        "account help",
        "refused the login of help@example.org",
        "mail account help: username, password",
        "that POP3 is enabled first",
    ),
    Case(
        certificate_is_untrusted,
        "account help",
        "is not trusted",
        "ca_file",
        "PEM file of the authority",
    ),
]


@pytest.mark.parametrize(
    "case",
    [
        *CASES,
        *(pytest.param(case, marks=pytest.mark.debian) for case in MAIL_CASES),
    ],
    ids=lambda case: case.broken.__name__,
)
def test_each_problem_is_reported_with_its_setting_and_its_remedy(
    case: Case, setup: Setup, capsys: pytest.CaptureFixture[str]
) -> None:
    case.broken(setup)
    findings = setup.findings()
    (wrong,) = (finding for finding in findings if finding.state == "wrong")
    assert wrong.part == case.part
    doctor.show(findings)
    lines = capsys.readouterr().out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("wrong"))
    said, setting, remedy = lines[start : start + 3]
    assert case.says in said
    assert "Setting: " in setting
    assert case.setting in setting
    assert "Remedy: " in remedy
    assert case.remedy in remedy


@pytest.mark.debian
def test_all_parts_of_a_working_installation_are_ok(setup: Setup, smtp_sink: SmtpSink) -> None:
    setup.configure(setup.account(), setup.connection(smtp_sink.port))
    (silent,) = (one for one in setup.findings() if one.state != "ok")
    assert (silent.part, silent.state) == ("project HELP", "warning")
    assert silent.says == "nobody is told when a limit holds its messages"
    lead = "lead@example.org"
    setup.configure(Person(address=lead, name="Lead"), Project(key="SALE", name="Sales", lead=lead))
    setup.configure(setup.account(name="sales", project="SALE", address="sales@example.org"))
    setup.configure(MailHandler(name="desk", accounts=["help"], forward_address=lead))
    findings = setup.findings()
    assert [finding.state for finding in findings] == ["ok"] * len(findings)
    parts = [finding.part for finding in findings]
    assert parts[:6] == ["kafka", "topics", "database", "migrations", "instance", "clock"]
    routes = ["connection out", "bounces out"]
    assert parts[6:] == ["blobs", "keys", "port", "account help", "account sales", *routes]
    assert smtp_sink.mails == []


@pytest.mark.debian
@pytest.mark.parametrize("is_seen", [False, True], ids=["not seen yet", "seen"])
def test_topics_that_were_made_anew_are_named_with_what_waits(setup: Setup, is_seen: bool) -> None:
    look(setup)
    asyncio.run(fetch(setup.settings, 3))
    make_anew(setup.settings.kafka, [MAIL_FETCHED, MAIL_PARSED])
    if is_seen:
        look(setup)
    (finding,) = (each for each in setup.findings() if each.part == "lost records")
    assert finding.state == "warning"
    assert "mail.fetched (seen since" in finding.says
    assert "mail.parsed (seen since" in finding.says
    assert finding.says.endswith("messages that wait to be asked for again: 3")


def look(setup: Setup) -> None:
    """Notes today's topics, as the fetcher does."""

    topic_ids = TopicIds(setup.settings.kafka)
    topics: tuple[Topic[Record], ...] = (MAIL_FETCHED, MAIL_PARSED)
    ids = topic_ids.of([topic_name(topic, setup.settings.kafka) for topic in topics])
    topic_ids.close()

    async def note() -> None:
        async with one_connection(setup.settings.database) as connection:
            for topic, topic_id in zip(topics, ids, strict=True):
                assert topic_id
                await topics_seen.note(connection, topic.name, topic_id)

    asyncio.run(note())


async def fetch(settings: Settings, count: int) -> None:
    """Records messages as fetched, whose records are in today's topic."""
    now = datetime.now(UTC)
    rows = [
        FetchedRow(
            mail_id=str(uuid.uuid4()),
            mailbox="support",
            source="INBOX;uidvalidity=1;uid=1",
            size=1,
            received_at=None,
            fetched_at=now,
            raw_partition=0,
            raw_offset=number,
            blob=None,
        )
        for number in range(count)
    ]
    async with one_connection(settings.database) as connection:
        await record_fetched(connection, rows)


def test_a_pop3_mailbox_is_opened_by_pop3(setup: Setup, dovecot: Dovecot) -> None:
    setup.configure(setup.account(protocol="pop3", port=dovecot.pop3_port))
    (found,) = (one for one in setup.findings() if one.part == "account help")
    assert found.state == "ok"
    assert "pop3(help@example.org)" in dovecot.log


@pytest.mark.debian
def test_a_certificate_that_is_not_verified_works_and_is_warned_about(setup: Setup) -> None:
    setup.configure(setup.account(encryption="starttls", verify_certificate=False))
    (found,) = (one for one in setup.findings() if one.part == "account help")
    assert found.state == "warning"
    assert "verify_certificate is false" in found.says
    assert "ca_file" in found.setting
    assert found.remedy


@pytest.mark.usefixtures("setup")
def test_the_command_answers_in_json_and_fails_when_something_is_wrong(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run(["doctor"]) == 0
    capsys.readouterr()
    with listening() as port:
        monkeypatch.setenv("POSTRAIL_SERVER__PORT", str(port))
        assert run(["doctor", "--json"]) == 1
    findings = {finding["part"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["port"]["state"] == "wrong"
    assert findings["kafka"] | {"says": ""} == {
        "part": "kafka",
        "state": "ok",
        "says": "",
        "setting": "",
        "remedy": "",
    }
