"""Reads the status of an installation: its processes, its queues, and its failures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.database import Connection, one, one_connection, require_current_schema
from postrail.errors import TransientError
from postrail.incoming import queue as incoming
from postrail.incoming import refetch
from postrail.incoming.refetch import RefetchCounts
from postrail.instance import owner
from postrail.outgoing.routing.pauses import Pause, pauses
from postrail.records import PipelineProgress
from postrail.settings import KafkaSettings, Settings
from postrail.stream import topics
from postrail.stream.reader import group_lag, tail
from postrail.timers import queue as timers
from postrail.timers.queue import Overdue
from postrail.views import outgoing
from postrail.views.incoming import oldest_unfinished
from postrail.webhooks.counts import PostCounts
from postrail.webhooks.counts import counts as post_counts

# Services report once a second; one that was silent for longer has ended or cannot reach Kafka.
SEEN_SECONDS = 10.0
# The reports to read of each partition; processes are spread over partitions by their names.
REPORTS = 300
DEAD_COUNTED = 1000


@dataclass(frozen=True, kw_only=True)
class SeenProcess:
    """A process that reported within the last seconds."""

    service: str
    process: str
    version: str
    address: str
    ready: bool
    started_at: datetime
    reported_at: datetime


@dataclass(frozen=True, kw_only=True)
class StreamStatus:
    """The part of the status that is in Kafka: processes, and records that wait in topics."""

    processes: list[SeenProcess]
    # Records that the parser, the handler and the sender have not taken in yet.
    to_parse: int
    to_take_in: int
    to_send_in: int
    dead: int


@dataclass(frozen=True, kw_only=True)
class TableStatus:
    """The part of the status that is in PostgreSQL: messages and deliveries by state."""

    incoming: dict[str, int]
    oldest_unfinished_at: datetime | None
    unaccounted: int
    asked_again: RefetchCounts
    outbox: int
    outgoing: dict[str, int]
    oldest_queued_at: datetime | None
    # The number of addresses that are not written to.
    suppressed: int
    # The outgoing connections that people have paused, "" for all; by name.
    paused: Sequence[Pause] = ()
    # Timed work that fails or is late, such as bundles and digests, by kind.
    overdue: Sequence[Overdue] = ()
    # What is posted to other systems, and has not arrived.
    webhooks: PostCounts = field(default_factory=PostCounts)
    # The instance that owns the database; None until one has claimed it.
    database_of: str | None = None


@dataclass(kw_only=True)
class Status:
    """Both parts; one that could not be read is None, and has its problem in the list."""

    instance: str
    observer: bool = False
    stream: StreamStatus | None = None
    tables: TableStatus | None = None
    problems: list[str] = field(default_factory=list)


async def read_status(settings: Settings, clock: Clock) -> tuple[Status, list[TransientError]]:
    """Returns the status, and the errors of the servers that could not be read."""
    found = Status(instance=settings.instance, observer=settings.observer)
    answers = await asyncio.gather(
        _stream(settings.kafka, clock), _tables(settings, clock), return_exceptions=True
    )
    errors: list[TransientError] = []
    for answer in answers:
        if isinstance(answer, StreamStatus):
            found.stream = answer
        elif isinstance(answer, TableStatus):
            found.tables = answer
        elif isinstance(answer, TransientError):
            errors.append(answer)
            found.problems.append(str(answer))
        else:
            raise answer
    return found, errors


async def _stream(kafka: KafkaSettings, clock: Clock) -> StreamStatus:
    reports, to_parse, to_take_in, to_send_in, dead = await asyncio.gather(
        tail(kafka, topics.PIPELINE_PROGRESS, REPORTS),
        group_lag(kafka, topics.MAIL_FETCHED, "parser"),
        group_lag(kafka, topics.MAIL_PARSED, "handler"),
        group_lag(kafka, topics.OUTGOING_QUEUED, "sender"),
        tail(kafka, topics.MAIL_DEAD, DEAD_COUNTED),
    )
    return StreamStatus(
        processes=seen_processes(reports, clock.now()),
        to_parse=to_parse,
        to_take_in=to_take_in,
        to_send_in=to_send_in,
        dead=len(dead),
    )


def seen_processes(reports: Sequence[PipelineProgress], now: datetime) -> list[SeenProcess]:
    """Returns the last report of each process that reported within the last seconds."""
    recent = [
        report
        for report in reports
        if abs(now - report.reported_at) <= timedelta(seconds=SEEN_SECONDS)
    ]
    last = {
        report.process: report for report in sorted(recent, key=lambda report: report.reported_at)
    }
    processes = [
        SeenProcess(
            service=report.service,
            process=report.process,
            version=report.version,
            address=report.address,
            ready=report.ready,
            started_at=report.started_at,
            reported_at=report.reported_at,
        )
        for report in last.values()
    ]
    return sorted(processes, key=lambda seen: (seen.service, seen.process))


async def _tables(settings: Settings, clock: Clock) -> TableStatus:
    after_seconds = settings.handler.unaccounted_after_seconds
    async with one_connection(settings.database) as connection:
        await require_current_schema(connection)
        found = await owner(connection)
        sending = await outgoing.backlog(connection)
        return TableStatus(
            incoming=await incoming.counts(connection),
            oldest_unfinished_at=await oldest_unfinished(connection),
            unaccounted=await incoming.unaccounted(connection, clock.now(), after_seconds),
            asked_again=await refetch.counts(connection, clock.now()),
            outbox=await waiting_in_outbox(connection),
            outgoing={
                "queued": sending.queued,
                "sending": sending.sending,
                "deferred": sending.deferred,
                "held": sending.held,
                "failed": sending.failed,
                "unconfirmed": sending.unconfirmed,
            },
            oldest_queued_at=sending.oldest_queued_at,
            suppressed=sending.suppressed,
            paused=await pauses(connection),
            overdue=await timers.overdue(connection, clock.now()),
            webhooks=await post_counts(connection),
            database_of=found.name if found else None,
        )


async def waiting_in_outbox(connection: Connection) -> int:
    """Returns the number of committed records that Kafka has not acknowledged yet."""
    row = await one(connection, "SELECT count(*) FROM outbox")
    return int(row[0]) if row else 0
