"""Fixtures: real Kafka, PostgreSQL, Dovecot and Postfix, an SMTP sink, and settings that use them.

Kafka and PostgreSQL are shared by all workers of a run; each test has its own topics (by
`settings.kafka.prefix`) and its own database. `own_broker` and `own_postgres` belong to one test,
which may kill and restart them. Nothing is left behind when the run ends, however it ends.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from postrail.database import migrate
from postrail.embedded import ports
from postrail.embedded.kafka import Kafka
from postrail.embedded.postgres import Postgres
from postrail.settings import Settings
from tests.log_guard import LogGuard
from tests.makers.settings import environment_of, settings_of
from tests.makers.topics import delete_with_prefix
from tests.servers import databases
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.dovecot import Dovecot
from tests.servers.oidc_provider import OidcProvider
from tests.servers.postfix import Postfix
from tests.servers.shared_parts import (
    deaths,
    make_kafka,
    make_postgres,
    shared_server,
    wait_until_all_stopped,
)
from tests.servers.smtp_sink import SmtpSink

# The folder of the run, for the processes that share it; workers inherit the variable.
RUN_FOLDER = "PYTEST_POSTRAIL_RUN_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Registers the guard of the log; makes the run's folder, once, before the workers start."""
    config.pluginmanager.register(LogGuard(), "log-guard")
    if not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="postrail-tests-"))
        # Dovecot's and Postfix's own users must be able to enter.
        folder.chmod(0o755)
        os.environ[RUN_FOLDER] = str(folder)
    else:
        # Workers search apart from each other, as a chosen port is free until its server listens.
        number = int(config.workerinput["workerid"].removeprefix("gw"))
        ports.offsets = itertools.count(number * ports.COUNT // config.workerinput["workercount"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says why a shared server ended before the run, if one did."""
    if RUN_FOLDER in os.environ:
        for death in deaths(Path(os.environ[RUN_FOLDER])):
            terminalreporter.section("a shared server ended and was started again", red=True)
            terminalreporter.line(death)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Waits until the shared servers have ended, and removes the run's folder."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(RUN_FOLDER))
        wait_until_all_stopped(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """Returns the folder of this run, shared by all its workers."""
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture
def own_folder(run_folder: Path) -> Iterator[Path]:
    """Makes a folder for one test that servers of other users may enter, unlike `tmp_path`."""
    folder = Path(tempfile.mkdtemp(dir=run_folder))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def broker(run_folder: Path) -> Iterator[str]:
    """Returns the bootstrap servers of the run's one Kafka. Use a prefix of your own for topics."""
    with shared_server("kafka", run_folder / "kafka") as server:
        yield server.address


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[str]:
    """Returns the superuser's URL of the run's one PostgreSQL."""
    with shared_server("postgres", run_folder / "postgres") as server:
        yield server.address


@pytest.fixture
def own_broker(own_folder: Path) -> Iterator[Kafka]:
    """Starts a Kafka for one test: `kill()`, `stop()`, `start()` it; `bootstrap_servers` stay."""
    kafka = make_kafka(own_folder / "own-kafka")
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.stop()


@pytest.fixture
def own_postgres(own_folder: Path) -> Iterator[Postgres]:
    """Starts a PostgreSQL for one test: `kill()`, `stop()` and `start()` it.

    `url` is an empty database, `admin_url` the superuser's URL.
    """
    server = make_postgres(own_folder / "own-postgres")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def empty_database_url(postgres_server: str) -> Iterator[str]:
    """Makes a database without tables, dropped afterwards."""
    url = databases.create_database(postgres_server)
    yield url
    databases.drop_database(postgres_server, url)


@pytest.fixture
def database_url(postgres_server: str, run_folder: Path) -> Iterator[str]:
    """Makes a database with all migrations applied, dropped afterwards."""
    lock_file = run_folder / "postgres" / "template.lock"
    template = databases.migrated_template(postgres_server, lock_file, migrate)
    url = databases.create_database(postgres_server, template=template)
    yield url
    databases.drop_database(postgres_server, url)


@pytest.fixture(scope="session")
def kafka_admin(broker: str) -> Iterator[KafkaAdminClient]:
    """Makes an admin client of the run's one Kafka."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    yield admin
    admin.close()


@pytest.fixture
def environment(
    broker: str, kafka_admin: KafkaAdminClient, database_url: str, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """Makes the POSTRAIL_ variables of this test; add them to `os.environ` for subprocesses.

    The test's topics are deleted afterwards: the broker holds open files for each of them.
    """
    made = environment_of(tmp_path, bootstrap_servers=broker, database_url=database_url)
    yield made
    delete_with_prefix(kafka_admin, made["POSTRAIL_KAFKA__PREFIX"])


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """Returns `environment` as settings: own topic prefix, 4 partitions, own database and blobs."""
    return settings_of(environment)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Makes a certificate authority, and a certificate for localhost."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def dovecot(own_folder: Path, certificates: Certificates) -> Iterator[Dovecot]:
    """Starts a Dovecot without messages; see tests/servers/dovecot.py for its methods."""
    server = Dovecot(own_folder / "dovecot", certificates)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postfix(own_folder: Path, certificates: Certificates, dovecot: Dovecot) -> Iterator[Postfix]:
    """Starts a Postfix that delivers into `dovecot`; see tests/servers/postfix.py."""
    server = Postfix(own_folder / "postfix", certificates, dovecot)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def oidc(own_folder: Path, certificates: Certificates) -> Iterator[OidcProvider]:
    """Starts an OAuth2 provider; see tests/servers/oidc_provider.py for its users."""
    provider = OidcProvider(own_folder, certificates)
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """Starts an SMTP server without TLS or login; its faults: tests/servers/smtp_sink.py."""
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()
