"""Checks Kafka, its topics, PostgreSQL, its tables, clocks, blobs, keys, ports and services."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from postrail.blobs import BlobStore
from postrail.clock import Clock
from postrail.clock_sync.deviation import REMEDY, REPORTED_SECONDS, described
from postrail.clock_sync.postgres_time import POSTGRESQL
from postrail.database import missing_migrations, one, one_connection
from postrail.doctor import Finding, fine, skipped, warning, wrong
from postrail.errors import ConfigurationError, PipelineError, TransientError
from postrail.incoming import refetch
from postrail.incoming.refetch import RefetchCounts
from postrail.instance import Owner, owner, require_same
from postrail.outgoing import unconfirmed
from postrail.secrets import Secrets
from postrail.settings import KafkaSettings, ServerSettings, Settings
from postrail.stream.topics import TOPICS, TopicCheck, check_topics, topic_name
from postrail.timers import queue as timers
from postrail.timers.queue import Overdue
from postrail.webhooks.counts import PostCounts
from postrail.webhooks.counts import counts as post_counts

BOOTSTRAP_SERVERS = "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS"
KAFKA_PORT = 9092
# Short, as a person waits for the answer.
PROBE_SECONDS = 3.0
KAFKA_SECONDS = 6.0
OURS = b"postrail_ready"


async def check_kafka(settings: KafkaSettings) -> list[Finding]:
    """Checks that the broker answers like Kafka and has the topics of this release."""
    silent = await asyncio.to_thread(_silent, settings.bootstrap_servers)
    if len(silent) == len(settings.bootstrap_servers.split(",")):
        error = TransientError(
            f"nothing answers at {', '.join(silent)}",
            setting=BOOTSTRAP_SERVERS,
            remedy="Start Kafka there, or name the host and port where it listens",
        )
        return [wrong("kafka", error)]
    quick = settings.model_copy(update={"request_timeout_seconds": KAFKA_SECONDS})
    try:
        check = await asyncio.to_thread(check_topics, quick)
    except TransientError as error:
        return [
            Finding(
                part="kafka",
                state="wrong",
                says=f"something answers at {settings.bootstrap_servers}, but not as Kafka does"
                f" with {settings.security_protocol}: {error.problem}",
                setting=f"{BOOTSTRAP_SERVERS}, POSTRAIL_KAFKA__SECURITY_PROTOCOL",
                remedy="Name the port of a listener of Kafka, and the protocol of that listener",
            )
        ]
    kafka = fine("kafka", f"answers at {settings.bootstrap_servers}")
    return [kafka, _topics(check, settings)]


def _topics(check: TopicCheck, settings: KafkaSettings) -> Finding:
    if check.missing:
        missing = [topic_name(topic, settings) for topic in check.missing]
        error = ConfigurationError(
            f"topics are missing: {', '.join(missing)}",
            setting="POSTRAIL_KAFKA__PREFIX",
            remedy="Run: postrail topics apply; or correct the prefix, if theirs is another one",
        )
        return wrong("topics", error)
    if check.problems:
        error = ConfigurationError(
            "; ".join(check.problems),
            setting="POSTRAIL_KAFKA__PARTITIONS, POSTRAIL_KAFKA__RETENTION_DAYS,"
            " POSTRAIL_KAFKA__MIN_INSYNC_REPLICAS",
            remedy="Change the settings to what the topics have, or configure the topics with your"
            " broker's tools; the number of partitions can never change",
        )
        return wrong("topics", error)
    if check.to_alter:
        names = ", ".join(topic_name(topic, settings) for topic in check.to_alter)
        error = ConfigurationError(
            f"records get the time of their makers' clocks, which may be wrong: {names}",
            setting="message.timestamp.type of the topics",
            remedy="Run: postrail topics apply",
        )
        return wrong("topics", error)
    return fine("topics", f"all {len(TOPICS)} exist and are configured as this release needs")


def _silent(bootstrap_servers: str) -> list[str]:
    """Returns the servers of the list that accept no connection."""
    return [server for server in bootstrap_servers.split(",") if not _accepts(server.strip())]


def _accepts(server: str) -> bool:
    host, _, port = server.rpartition(":") if ":" in server else (server, "", "")
    try:
        number = int(port or KAFKA_PORT)
        socket.create_connection((host.strip("[]"), number), PROBE_SECONDS).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


async def check_database(settings: Settings, clock: Clock) -> list[Finding]:
    """Checks that PostgreSQL answers, has our tables, and that its clock agrees with ours."""
    try:
        async with one_connection(settings.database) as connection:
            found = await owner(connection)
            missing = await missing_migrations(connection)
            row = await one(connection, "SELECT clock_timestamp(), version()")
            here = clock.now()
            in_doubt = 0 if missing else await unconfirmed.count(connection)
            again = RefetchCounts() if missing else await refetch.counts(connection, here)
            late = [] if missing else await timers.overdue(connection, here)
            posts = PostCounts() if missing else await post_counts(connection)
    except PipelineError as error:
        return [wrong("database", error)]
    assert row is not None
    ahead_seconds = (here - row[0]).total_seconds()
    return [
        fine("database", str(row[1]).partition(" on ")[0] + " answers"),
        _migrations(missing),
        _instance(found, settings),
        _clock(ahead_seconds),
        *([_unconfirmed(in_doubt)] if in_doubt else []),
        *([_asked_again(again)] if again.with_problem else []),
        *map(_overdue, late),
        *([_webhooks(posts)] if posts.failing or posts.failed else []),
    ]


def _asked_again(counts: RefetchCounts) -> Finding:
    return warning(
        "messages",
        f"{counts.with_problem} could not be fetched and are asked for again;"
        f" the last problem: {counts.last_problem}",
        setting="the mail accounts of these messages",
        remedy="See: postrail mail list --state failed. Once the cause is fixed, ask at once:"
        " postrail accounts fetch --all",
    )


def _overdue(one: Overdue) -> Finding:
    return warning(
        "timed work",
        f"{one.count} of the kind {one.kind} late or failing; {one.key!r} failed {one.failures}"
        f" times{': ' if one.reason else ''}{one.reason}",
        setting="",
        remedy="Handlers work bundles and digests, senders the rest: one of each must run. What"
        " failed is repeated by itself; the service's log says more",
    )


def _webhooks(posts: PostCounts) -> Finding:
    return warning(
        "webhooks",
        f"failed: {posts.failed}; repeated after a fault: {posts.failing};"
        f" the last fault: {posts.last_error}",
        setting="",
        remedy="See: postrail webhooks list. What waits is posted again by itself; for what has"
        " failed: postrail webhooks retry --state failed, or cancel",
    )


def _unconfirmed(count: int) -> Finding:
    return warning(
        "deliveries",
        f"{count} unconfirmed: the mail server did not say whether it took the message",
        setting="",
        remedy="See: postrail outgoing list --state unconfirmed. Ask the recipient or read the"
        " mail server's log; then: postrail outgoing retry ID, or settle ID --sent or --failed",
    )


def _migrations(missing: list[str]) -> Finding:
    if not missing:
        return fine("migrations", "all are applied")
    error = ConfigurationError(
        f"the database lacks {', '.join(missing)}",
        setting="POSTRAIL_DATABASE__URL",
        remedy="Run: postrail migrate; or correct the URL, if this is the wrong database",
    )
    return wrong("migrations", error)


def _instance(found: Owner | None, settings: Settings) -> Finding:
    if settings.observer:
        whose = f"the database of {found.name}" if found else "a database without an owner"
        return fine("instance", f"{settings.instance}, an observer of {whose}")
    try:
        require_same(found, settings.instance)
    except ConfigurationError as error:
        return wrong("instance", error)
    since = f" since {found.since:%Y-%m-%d %H:%M} UTC" if found else " with the first service"
    return fine("instance", f"the database belongs to {settings.instance}{since}")


def _clock(ahead_seconds: float) -> Finding:
    if abs(ahead_seconds) <= REPORTED_SECONDS:
        return fine("clock", f"agrees with PostgreSQL's within {REPORTED_SECONDS:.0f} s")
    error = ConfigurationError(
        described(ahead_seconds, POSTGRESQL),
        setting="the system clock of both machines",
        remedy=REMEDY,
    )
    return wrong("clock", error)


async def check_blobs(settings: Settings) -> Finding:
    """Checks that the blob store can write, read and remove an object."""
    url = settings.blobs.url
    if settings.observer:
        return skipped("blobs", "not checked, because an observer does not write")
    try:
        # A folder that is missing is perhaps a wrong path: it must not be made by looking at it.
        await BlobStore(url, create=False).check()
    except PipelineError as error:
        return wrong("blobs", error)
    return fine("blobs", f"{url} can be read and written")


def check_keys(settings: Settings) -> Finding:
    """Checks that there is a key to encrypt secrets with."""
    try:
        Secrets(settings.secrets).message_id_key()
    except ConfigurationError as error:
        return wrong("keys", error)
    return fine("keys", "there is a key to encrypt passwords with")


def check_port(settings: ServerSettings) -> Finding:
    """Checks that a service that starts here could listen on its port."""
    where = f"{settings.host}:{settings.port}"
    if settings.port == 0:
        return fine("port", "each service chooses a free one")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
            probe.listen(1)
        except OSError as error:
            return _port_not_free(where, settings.port, error)
    return fine("port", f"{where} is free")


def _port_not_free(where: str, port: int, error: OSError) -> Finding:
    if OURS in _get(f"http://127.0.0.1:{port}", "/metrics")[1]:
        return fine("port", f"a service of Postrail uses {where}")
    busy = ConfigurationError(
        f"no service can listen at {where}: {error.strerror or error}",
        setting="POSTRAIL_SERVER__PORT, POSTRAIL_SERVER__HOST",
        remedy="Choose another port, or end the program that uses it; 0 chooses a free one",
    )
    return wrong("port", busy)


def check_services(addresses: Mapping[str, str]) -> list[Finding]:
    """Checks that the services of a local installation are ready."""
    return [_service(name, address) for name, address in addresses.items()]


def _service(name: str, address: str) -> Finding:
    status, body = _get(address, "/readyz")
    if status == http.client.OK:
        return fine(name, f"is ready, {address}")
    if not status:
        error = TransientError(f"nothing answers at {address}")
        return wrong(name, error, setting="POSTRAIL_DATA", remedy="Run: postrail up --data FOLDER")
    error = TransientError("; ".join(body.decode(errors="replace").split("\n")).strip("; "))
    return wrong(name, error, setting=f"see {address}/readyz", remedy="Read its log")


def _get(address: str, path: str) -> tuple[int, bytes]:
    """Returns status and body; the status is 0 when no HTTP server answers."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.netloc, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
