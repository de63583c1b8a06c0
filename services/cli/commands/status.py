"""`postrail status`: the services, the queues and the failures on one screen."""

from __future__ import annotations

import typer

from postrail.incoming.refetch import RefetchCounts
from postrail.outgoing.routing.pauses import Pause
from postrail.timers.queue import Overdue
from postrail.views.status import Status, StreamStatus, TableStatus, read_status
from postrail.webhooks.counts import PostCounts
from services.cli.commands.run import Service
from services.cli.data_folder import Data
from services.cli.installation import complete, load, shared_clock
from services.cli.output import Json, console, moment, show_fields, show_json, show_table
from services.cli.visible import clean

RELEASE = "postrail mail list --state quarantined shows them, postrail mail release lets them in"
RELEASE_HELD = "postrail outgoing list --state held shows them and why"
FAILED_POSTS = "postrail webhooks list --state failed shows them and why"
WAITING_POSTS = "postrail webhooks list --state waiting shows them and why"
SUPPRESSED = "postrail outgoing suppressed list shows them and why"


def status(data: Data = None, json: Json = False) -> None:
    """Show services, queues and failures on one screen.

    Exit code 1 when Kafka or PostgreSQL is unavailable.
    """
    settings = load(data)
    clock = complete(shared_clock(settings))
    found, errors = complete(read_status(settings, clock))
    if json:
        show_json(found)
    else:
        _print(found)
    for error in errors[1:]:
        typer.echo(clean(f"Error: {error}"), err=True)
    if errors:
        raise errors[0]


def _print(found: Status) -> None:
    if found.stream is not None:
        _print_processes(found.stream)
    console().print()
    show_fields(
        [
            ("Instance", _instance(found)),
            *(_stream_fields(found.stream) if found.stream else []),
            *(_table_fields(found.tables) if found.tables else []),
        ]
    )


def _instance(found: Status) -> str:
    """Returns the name of the instance, and what keeps it from working."""
    if found.observer:
        return f"{found.instance}, an observer: queues are not processed here"
    owner = found.tables.database_of if found.tables else None
    if owner not in (None, found.instance):
        return f"{found.instance}; the database belongs to {owner}, so nothing is processed here"
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
        + [
            (service.value, "not seen", "", "", "", "")
            for service in Service
            if service.value not in seen
        ],
        empty="",
    )


def _stream_fields(stream: StreamStatus) -> list[tuple[str, object]]:
    return [
        ("Fetched, to be parsed", stream.to_parse),
        ("Parsed, to be taken in by the handler", stream.to_take_in),
        ("Queued, to be taken in by the sender", stream.to_send_in),
        ("Dead letters", stream.dead),
    ]


def _table_fields(tables: TableStatus) -> list[tuple[str, object]]:
    states = tables.incoming
    return [
        ("Messages fetched, not parsed yet", states.get("fetched", 0)),
        ("Messages to be handled", states.get("new", 0) + states.get("working", 0)),
        ("Messages waiting for a retry", states.get("waiting", 0)),
        ("Messages failed", states.get("failed", 0)),
        ("Messages quarantined", _with_hint(states.get("quarantined", 0), RELEASE)),
        ("Oldest unfinished message", tables.oldest_unfinished_at),
        ("Messages unaccounted for", tables.unaccounted),
        ("Messages asked for again", _asked_again(tables.asked_again)),
        ("Outbox", tables.outbox),
        ("Deliveries queued", tables.outgoing["queued"] + tables.outgoing["sending"]),
        ("Deliveries deferred", tables.outgoing["deferred"]),
        ("Deliveries held", _with_hint(tables.outgoing["held"], RELEASE_HELD)),
        ("Deliveries failed", tables.outgoing["failed"]),
        ("Deliveries unconfirmed", tables.outgoing["unconfirmed"]),
        ("Addresses suppressed", _with_hint(tables.suppressed, SUPPRESSED)),
        ("Oldest unfinished delivery", tables.oldest_queued_at),
        ("Posts to other systems waiting", _waiting_posts(tables.webhooks)),
        ("Posts to other systems failed", _with_hint(tables.webhooks.failed, FAILED_POSTS)),
        *[("Sending is paused", _paused(one)) for one in tables.paused],
        *[("Timed work is overdue", _overdue(one)) for one in tables.overdue],
    ]


def _waiting_posts(posts: PostCounts) -> str:
    """Returns how many posts wait, and how many of them have failed before."""
    if not posts.failing:
        return str(posts.waiting)
    return f"{posts.waiting}, {posts.failing} of them after a fault ({WAITING_POSTS})"


def _paused(one: Pause) -> str:
    """Returns which connection is paused, since when, by whom and why, and how to go on."""
    name = one.connection or "all connections"
    why = f": {one.reason}" if one.reason else ""
    option = one.connection or "--all"
    since = f"{name}, since {moment(one.paused_at)} by {one.paused_by}{why}"
    return clean(f"{since} (postrail outgoing resume {option})")


def _overdue(one: Overdue) -> str:
    """Returns how many timers of a kind are overdue, and what keeps the one that failed most."""
    count = f"{one.count} of the kind {one.kind}"
    if not one.failures:
        return f"{count}, late by minutes"
    return clean(f"{count}; {one.key!r} failed {one.failures} times: {one.reason}")


def _with_hint(count: int, hint: str) -> str:
    """Returns the number, and what can be done where there are any."""
    return f"{count} ({hint})" if count else str(count)


def _asked_again(counts: RefetchCounts) -> str:
    """Returns how many messages are asked for again and when, with the last problem."""
    next_at = f" (next {moment(counts.next_at)})" if counts.next_at else ""
    figures = f"{counts.due} now, {counts.later} later{next_at}"
    held = f", {counts.held} when their accounts are enabled" if counts.held else ""
    problem = f". Last problem: {counts.last_problem}" if counts.last_problem else ""
    return f"{figures}{held}{problem}"
