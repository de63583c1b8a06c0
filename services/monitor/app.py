"""Runs the Faust app within the process: the topic, the windowed tables, start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import faust
from faust.auth import SASLCredentials, SSLCredentials
from prometheus_client import REGISTRY

from postrail.errors import FatalError, PermanentError, TransientError
from postrail.observe.log import log
from postrail.process import Process, patiently
from postrail.records import PipelineProgress
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.topics import (
    ALTERED_CONFIGS,
    PIPELINE_PROGRESS,
    TopicAdmin,
    check_topics,
    topic_name,
)
from postrail.tasks import set_within
from services.monitor.exposition import FiguresCollector
from services.monitor.figures import Row, figures
from services.monitor.step import take_in
from services.monitor.tallies import Key

logger = log(__name__)

MAILS, CONTACTS = "mails", "contacts"
MAILS_WINDOW = timedelta(minutes=1)
MAILS_KEPT = timedelta(minutes=15)
CONTACTS_WINDOW = timedelta(minutes=10)
CONTACTS_KEPT = timedelta(days=1)
REFRESH_SECONDS = 1.0
CHECK_TOPIC_SECONDS = 2.0
# Our own process reports each second, so without a report for this time nothing is read.
SILENT_SECONDS = 15.0
STUCK_SECONDS = 120.0
# Faust waits for an unavailable broker; abandoning it loses no data of ours.
STOP_SECONDS = 8.0
# A report from further ahead is of a process that has just started, does not know the time yet, and
# whose machine's clock is wrong. Its later reports would count as older ones.
AHEAD = timedelta(minutes=1)


class MonitorApp(faust.App):
    """A Faust app that writes no files."""

    def _create_directories(self) -> None:
        """Creates nothing: tables are in memory, and a container's folders are read-only."""


class Monitor:
    """Reads reports into tables, and turns tables into figures."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._collector = FiguresCollector()
        kafka = process.settings.kafka
        self._app = MonitorApp(**app_options(kafka))
        self._mails = self._table(MAILS, MAILS_WINDOW, MAILS_KEPT)
        self._contacts = self._table(CONTACTS, CONTACTS_WINDOW, CONTACTS_KEPT)
        topic = self._app.topic(
            topic_name(PIPELINE_PROGRESS, kafka), key_serializer="raw", value_serializer="raw"
        )
        self._app.agent(topic, name="monitor")(self._read)
        self._last_read = process.clock.now()

    def _table(self, name: str, window: timedelta, kept: timedelta) -> Any:
        table = self._app.Table(
            name,
            default=dict,
            partitions=self._process.settings.kafka.partitions,
        )
        return table.tumbling(window, expires=kept)

    async def _read(self, stream: Any) -> None:
        async for event in stream.events():
            self._last_read = self._process.clock.now()
            report = decoded(event.value)
            if report is None or report.reported_at > self._last_read + AHEAD:
                continue
            try:
                take_in(report, self._mails, self._contacts)
            # When an agent raises, Faust drops the other records that it has read.
            except Exception:
                logger.error("report skipped", process=report.process, exc_info=True)

    async def run(self) -> None:
        """Serves figures until the process stops; raises FatalError when Faust gave up."""
        with self._shown():
            async with self._running():
                while not await set_within(self._process.stop, REFRESH_SECONDS):
                    self._process.health.beat()
                    self._check()
                    now = self._process.clock.now().timestamp()
                    self._collector.figures = figures(rows(self._mails), rows(self._contacts), now)

    @contextlib.contextmanager
    def _shown(self) -> Iterator[None]:
        REGISTRY.register(self._collector)
        try:
            yield
        finally:
            REGISTRY.unregister(self._collector)

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        await self._app.start()
        try:
            yield
        finally:
            stopping = asyncio.ensure_future(self._app.stop())
            await asyncio.wait({stopping}, timeout=STOP_SECONDS)
            if stopping.done():
                stopping.result()

    def _check(self) -> None:
        if self._app.crashed:
            raise FatalError(f"Faust has given up: {self._app.crash_reason!r}")
        silent_seconds = (self._process.clock.now() - self._last_read).total_seconds()
        if silent_seconds > STUCK_SECONDS:
            raise FatalError(f"no report has arrived for {silent_seconds:.0f} s")
        if silent_seconds > SILENT_SECONDS:
            reason = f"no report has arrived for {silent_seconds:.0f} s"
            self._process.health.down("stage", reason)
        else:
            self._process.health.up("stage")


async def main(process: Process) -> None:
    """Runs the monitor until the process stops."""
    if await topic_exists(process):
        await process.clock_sync.wait()
        kafka = process.settings.kafka
        await patiently(process, "kafka", lambda: asyncio.to_thread(make_changelogs, kafka))
        if not process.stop.is_set():
            await Monitor(process).run()


def make_changelogs(settings: KafkaSettings) -> None:
    """Creates the tables' topics, since Faust starts before the broker lists those it creates."""
    wanted = {
        f"{app_options(settings)['id']}-{name}-changelog": changelog_configs(kept)
        for name, kept in ((MAILS, MAILS_KEPT), (CONTACTS, CONTACTS_KEPT))
    }
    with TopicAdmin(settings) as admin:
        admin.create_named(wanted)


def changelog_configs(kept: timedelta) -> dict[str, str]:
    """Returns the settings of a changelog: the newest value of a key, for the table's time only."""
    milliseconds = str(int(kept.total_seconds() * 1000))
    # Kafka removes closed segments only, and the whole log is read at each start.
    return {
        "cleanup.policy": "compact,delete",
        "retention.ms": milliseconds,
        "segment.ms": milliseconds,
        **ALTERED_CONFIGS,
    }


async def topic_exists(process: Process) -> bool:
    """Waits for the topic, which Faust would create wrongly; returns False when it is stopped."""
    while not process.stop.is_set():
        process.health.beat()
        try:
            check = await asyncio.to_thread(check_topics, process.settings.kafka)
        except TransientError as error:
            process.health.down("kafka", str(error))
        else:
            if PIPELINE_PROGRESS not in check.missing:
                process.health.up("kafka")
                return True
            process.health.down("kafka", "topics are missing: run `postrail topics apply`")
        await set_within(process.stop, CHECK_TOPIC_SECONDS)
    return False


def decoded(value: bytes) -> PipelineProgress | None:
    """Decodes a report; logs other records and returns None for them."""
    try:
        return avro.decode_as(PipelineProgress, value)
    except (PermanentError, TransientError) as error:
        logger.warning("record skipped", reason=str(error))
        return None


def rows(table: Any) -> Iterator[Row]:
    """Yields all rows of a windowed table, of any time."""
    for (text, (start, _)), value in list(table.table.items()):
        yield Key.of(text), float(start), value


def app_options(settings: KafkaSettings) -> dict[str, Any]:
    """Translates our settings into Faust's options."""
    brokers = ";".join(server.strip() for server in settings.bootstrap_servers.split(","))
    return {
        "id": f"{settings.prefix}postrail-monitor",
        "broker": f"aiokafka://{brokers}",
        "broker_credentials": credentials(settings),
        # Faust requires a request timeout of at least the session timeout.
        "broker_request_timeout": max(
            settings.request_timeout_seconds, settings.session_timeout_seconds
        ),
        "broker_session_timeout": settings.session_timeout_seconds,
        "broker_heartbeat_interval": settings.heartbeat_interval_seconds,
        "store": "memory://",
        "web_enabled": False,
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "topic_disable_leader": True,
        # A first start shows reports from now on; older ones would fall into no window.
        "consumer_auto_offset_reset": "latest",
    }


def credentials(settings: KafkaSettings) -> Any:
    """Returns the login to the broker: None, TLS, SASL or both."""
    encrypted = settings.security_protocol in ("SSL", "SASL_SSL")
    context = _tls(settings) if encrypted else None
    if settings.security_protocol.startswith("SASL"):
        return SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password.get_secret_value(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.ca_file)
