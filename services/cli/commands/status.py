"""`postrail status`: on one screen, who runs, what waits where, and what went wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import typer

from postrail.errors import TransientError
from services.cli.installation import Data, complete, connected, load
from services.cli.output import Json, console, show_fields, show_json, show_table

if TYPE_CHECKING:
    from postrail.records import PipelineProgress
    from postrail.settings import Settings

# Services report once a second: one that was silent for longer is gone, or cannot reach Kafka.
SEEN_SECONDS = 10.0
# Reports of each partition to look through; processes share partitions by their names.
REPORTS = 300
DEAD_COUNTED = 1000

EXPECTED = ("fetcher", "parser", "handler", "sender", "monitor")


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
    """What Kafka knows: who is there, and the records that no one has taken yet."""

    processes: list[SeenProcess]
    # Records that the parser, the handler and the sender have not taken in yet.
    to_parse: int
    to_take_in: int
    to_send_in: int
    dead: int


@dataclass(frozen=True, kw_only=True)
class TableStatus:
    """What PostgreSQL knows: mails and deliveries by state."""

    incoming: dict[str, int]
    oldest_unfinished_at: datetime | None
    unaccounted: int
    outbox: int
    outgoing: dict[str, int]
    oldest_queued_at: datetime | None
    # Whose database it is; None before anybody has worked with it.
    database_of: str | None = None


@dataclass(kw_only=True)
class Status:
    """Both, as far as they could be asked."""

    instance: str
    observer: bool = False
    stream: StreamStatus | None = None
    tables: TableStatus | None = None
    problems: list[str] = field(default_factory=list)


def status(data: Data = None, json: Json = False) -> None:
    """Show the services, what waits at each stage, and what failed, on one screen.

    Ends with 1 when Kafka or PostgreSQL cannot be asked.
    """
    settings = load(data)
    found, errors = complete(_status(settings))
    if json:
        show_json(found)
    else:
        _print(found)
    for error in errors[1:]:
        typer.echo(f"Error: {error}", err=True)
    if errors:
        raise errors[0]


async def _status(settings: Settings) -> tuple[Status, list[TransientError]]:
    """Asks both at once; what is away is a problem of the status, not the end of it."""
    found = Status(instance=settings.instance, observer=settings.observer)
    answers = await asyncio.gather(_stream(settings), _tables(settings), return_exceptions=True)
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


async def _stream(settings: Settings) -> StreamStatus:
    from postrail.clock import SystemClock
    from postrail.records import PipelineProgress
    from postrail.stream import topics
    from postrail.stream.reader import group_lag, tail

    reports, to_parse, to_take_in, to_send_in, dead = await asyncio.gather(
        tail(settings.kafka, topics.PIPELINE_PROGRESS, REPORTS),
        group_lag(settings.kafka, topics.MAIL_FETCHED, "parser"),
        group_lag(settings.kafka, topics.MAIL_PARSED, "handler"),
        group_lag(settings.kafka, topics.OUTGOING_QUEUED, "sender"),
        tail(settings.kafka, topics.MAIL_DEAD, DEAD_COUNTED),
    )
    progress = [report for report in reports if isinstance(report, PipelineProgress)]
    return StreamStatus(
        processes=seen_processes(progress, SystemClock().now()),
        to_parse=to_parse,
        to_take_in=to_take_in,
        to_send_in=to_send_in,
        dead=len(dead),
    )


def seen_processes(reports: list[PipelineProgress], now: datetime) -> list[SeenProcess]:
    """The last report of each process that reported within the last seconds."""
    recent = [
        report for report in reports if now - report.reported_at <= timedelta(seconds=SEEN_SECONDS)
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


async def _tables(settings: Settings) -> TableStatus:
    from postrail.clock import SystemClock
    from postrail.incoming import queue as incoming
    from postrail.instance import owner
    from postrail.views import incoming as reading
    from postrail.views import outgoing

    async with connected(settings) as connection:
        found = await owner(connection)
        sending = await outgoing.backlog(connection)
        after_seconds = settings.handler.unaccounted_after_seconds
        return TableStatus(
            incoming=await incoming.counts(connection),
            oldest_unfinished_at=await reading.oldest_unfinished(connection),
            unaccounted=await incoming.unaccounted(connection, SystemClock().now(), after_seconds),
            outbox=await reading.waiting_in_outbox(connection),
            outgoing={
                "queued": sending.queued,
                "sending": sending.sending,
                "deferred": sending.deferred,
                "failed": sending.failed,
            },
            oldest_queued_at=sending.oldest_queued_at,
            database_of=found.name if found else None,
        )


def _print(found: Status) -> None:
    if found.stream is not None:
        _print_processes(found.stream)
    console().print()
    stages = [
        ("Instance", _instance_words(found)),
        *(_stream_lines(found.stream) if found.stream else []),
        *(_table_lines(found.tables) if found.tables else []),
    ]
    show_fields([(name, value) for name, value in stages])


def _instance_words(found: Status) -> str:
    """What this is, and whether it can work at all."""
    if found.observer:
        return f"{found.instance}, an observer: what is queued here stays queued"
    owner = found.tables.database_of if found.tables else None
    if owner not in (None, found.instance):
        return f"{found.instance}; but the database belongs to {owner}: nothing works here"
    return found.instance


def _print_processes(stream: StreamStatus) -> None:
    seen = {process.service for process in stream.processes}
    show_table(
        ["Service", "Process", "Ready", "Version", "Since", "Metrics"],
        [
            (
                process.service,
                process.process,
                "yes" if process.ready else "NO",
                process.version,
                process.started_at,
                f"http://{process.address}/metrics",
            )
            for process in stream.processes
        ]
        + [(service, "not seen", "", "", "", "") for service in EXPECTED if service not in seen],
        empty="",
    )


def _stream_lines(stream: StreamStatus) -> list[tuple[str, object]]:
    return [
        ("Fetched, to be parsed", stream.to_parse),
        ("Parsed, to be taken in", stream.to_take_in),
        ("Queued, to be taken in by the sender", stream.to_send_in),
        ("Dead letters", stream.dead),
    ]


def _table_lines(tables: TableStatus) -> list[tuple[str, object]]:
    states = tables.incoming
    return [
        ("Mails fetched, on their way", states.get("fetched", 0)),
        ("Mails to be handled", states.get("new", 0) + states.get("working", 0)),
        ("Mails waiting for a later try", states.get("waiting", 0)),
        ("Mails failed", states.get("failed", 0)),
        ("Mails quarantined", states.get("quarantined", 0)),
        ("Oldest unfinished mail", tables.oldest_unfinished_at),
        ("Mails unaccounted for", tables.unaccounted),
        ("Outbox", tables.outbox),
        ("Deliveries queued", tables.outgoing["queued"] + tables.outgoing["sending"]),
        ("Deliveries deferred", tables.outgoing["deferred"]),
        ("Deliveries failed", tables.outgoing["failed"]),
        ("Oldest unfinished delivery", tables.oldest_queued_at),
    ]
