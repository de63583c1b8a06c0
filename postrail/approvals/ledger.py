"""Keeps the ledger of approvals: events that are only added, each with the hash of the one before.

A change of an event, of its place, or of what was decided by it shows in `verify`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, LiteralString

from psycopg.rows import dict_row

from postrail.approvals.digest import canonical, sha256_of
from postrail.approvals.request import Request, State, digest_of
from postrail.approvals.request_row import request_of
from postrail.approvals.store import REQUESTS
from postrail.database import Connection, one, rows, storable


class EventKind(StrEnum):
    """What happened; rows and records hold these spellings."""

    # `details` has the "digest" of the request.
    REQUESTED = "requested"
    ASKED = "asked"
    REMINDED = "reminded"
    ANSWERED = "answered"
    # An answer that decides nothing; `reason` says why.
    REFUSED = "refused"
    DECIDED = "decided"
    EXPIRED = "expired"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"
    REASSIGNED = "reassigned"
    DELEGATED = "delegated"
    # The issue was moved as decided, or could not be.
    FOLLOWED = "followed"
    NOT_FOLLOWED = "not_followed"


class Channel(StrEnum):
    """By what an event came about."""

    MAIL = "mail"
    COMMAND = "command"
    PAGE = "page"
    TIMER = "timer"
    HANDLER = "handler"


ENDING = {
    State.DECIDED: EventKind.DECIDED,
    State.EXPIRED: EventKind.EXPIRED,
    State.WITHDRAWN: EventKind.WITHDRAWN,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """Something that happened to a request."""

    request_id: str
    assignment_id: int | None = None
    happened_at: datetime
    kind: EventKind
    # The address of the person; "" for the product and its operator.
    actor: str = ""
    channel: Channel
    # The message, and the SHA-256 of its content.
    mail_id: str = ""
    mail_hash: str = ""
    # What is known about the message's sender, and why.
    verdict: str = ""
    # The name of a choice.
    choice: str = ""
    comment: str = ""
    reason: str = ""
    # The author of the message was answered.
    answered: bool = False
    # JSON; see `details_of`.
    details: str = "{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event(NewEvent):
    """An event of the ledger, as its row has it."""

    event_id: int
    previous_hash: str
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A change of the ledger, or of a request or answer that it proves."""

    # None: the events are whole, and say something else than the request or answer.
    event_id: int | None
    request_id: str
    reason: str


EVENT_COLUMNS: LiteralString = (
    "event.event_id, request_id::text, assignment_id, happened_at, kind, actor, channel, mail_id,"
    " mail_hash, verdict, choice, comment, reason, answered, details, previous_hash, event.hash"
)
BEGIN_AND_END: LiteralString = """
SELECT jsonb_build_array(kind, choice, details) FROM approval_event AS event
WHERE event.request_id = request.request_id::uuid
    AND kind IN ('requested', 'decided', 'expired', 'withdrawn') ORDER BY event_id"""
# Their texts are hashed apart, so that a record of the others can prove them.
HASHED_APART = ("actor", "comment", "reason", "details")


def details_of(**values: object) -> str:
    """Returns the details of an event as it keeps them."""
    return canonical(values)


async def append(connection: Connection, events: Sequence[NewEvent]) -> list[Event]:
    """Adds the events at the end of the ledger, in their order, and returns them.

    It holds the ledger's end until the transaction ends: call it as late as you can.
    """
    if not events:
        return []
    found = await one(connection, "SELECT event_id, hash FROM approval_chain FOR UPDATE")
    if not found:
        raise RuntimeError("the table approval_chain has lost its row")
    added = list(_chained(events, *found))
    await connection.cursor().executemany(
        "INSERT INTO approval_event (event_id, request_id, assignment_id, happened_at, kind, actor,"
        "  channel, mail_id, mail_hash, verdict, choice, comment, reason, answered, details,"
        "  previous_hash, hash)"
        " VALUES (%(event_id)s, %(request_id)s, %(assignment_id)s, %(happened_at)s, %(kind)s,"
        "  %(actor)s, %(channel)s, %(mail_id)s, %(mail_hash)s, %(verdict)s, %(choice)s,"
        "  %(comment)b, %(reason)s, %(answered)s, %(details)b, %(previous_hash)s, %(hash)s)",
        [asdict(event) for event in added],
    )
    await connection.execute(
        "UPDATE approval_chain SET event_id = %s, hash = %s", [added[-1].event_id, added[-1].hash]
    )
    return added


def _chained(events: Sequence[NewEvent], last_id: int, last_hash: str) -> Iterator[Event]:
    for event_id, new in enumerate(events, start=last_id + 1):
        unsigned: dict[str, Any] = {
            **asdict(new),
            "actor": storable(new.actor),
            "verdict": storable(new.verdict),
            "comment": storable(new.comment),
            "reason": storable(new.reason),
            "details": storable(new.details),
            "event_id": event_id,
            "previous_hash": last_hash,
        }
        last_hash = hash_of(unsigned)
        yield Event(**unsigned, hash=last_hash)


def hash_of(event: Mapping[str, Any]) -> str:
    """Returns the hash of an event's columns, in which that of the event before has a part."""
    hashed = {name: value for name, value in event.items() if name != "hash"}
    hashed["happened_at"] = event["happened_at"].astimezone(UTC).isoformat(timespec="microseconds")
    for name in HASHED_APART:
        hashed[name] = hashlib.sha256(event[name].encode()).hexdigest()
    return sha256_of(hashed)


async def end(connection: Connection) -> tuple[int, str]:
    """Returns the number of events and the hash of the last one, "" of none."""
    found = await one(connection, "SELECT event_id, hash FROM approval_chain")
    return (found[0], found[1]) if found else (0, "")


async def events_of(connection: Connection, request_id: str) -> list[Event]:
    """Returns the events of a request, in their order."""
    return await _events(connection, "request_id = %s", request_id)


async def events_of_mail(connection: Connection, mail_id: str) -> list[Event]:
    """Returns the events that a message caused, in their order."""
    return await _events(connection, "mail_id = %s AND mail_id <> ''", mail_id)


async def was_told(connection: Connection, assignment_id: int, address: str) -> bool:
    """Tells whether this sender had a helpful answer about the assignment."""
    found = await one(
        connection,
        "SELECT EXISTS (SELECT FROM approval_event WHERE assignment_id = %s AND actor = %s"
        " AND kind = 'refused' AND answered)",
        [assignment_id, address],
    )
    return bool(found and found[0])


async def verify(connection: Connection) -> list[Broken]:
    """Returns where the ledger, or a request or answer that it proves, was changed.

    Reads the ledger and all requests, without holding them in memory.
    """
    broken = [one async for one in _broken_chain(connection)]
    broken += [one async for one in _broken_requests(connection)]
    return broken + await _broken_answers(connection)


async def _broken_chain(connection: Connection) -> AsyncIterator[Broken]:
    """Follows the hashes from the first event to the ledger's end; both are of one snapshot."""
    last = (0, "")
    noted_end = None
    async with connection.cursor("ledger", row_factory=dict_row) as cursor:
        await cursor.execute(
            f"SELECT {EVENT_COLUMNS}, chain.event_id AS end_id, chain.hash AS end_hash"  # noqa: S608 - constants
            " FROM approval_chain AS chain LEFT JOIN approval_event AS event ON true"
            " ORDER BY event.event_id".encode()
        )
        async for row in cursor:
            noted_end = (row.pop("end_id"), row.pop("end_hash"))
            if row["event_id"] is None:
                continue
            for reason in _event_faults(row, *last):
                yield Broken(event_id=row["event_id"], request_id=row["request_id"], reason=reason)
            last = (row["event_id"], row["hash"])
    if last != noted_end:
        yield Broken(
            event_id=None,
            request_id="",
            reason=f"the last event is {last[0]}, which is not the end that approval_chain holds",
        )


def _event_faults(event: Mapping[str, Any], last_id: int, last_hash: str) -> Iterator[str]:
    if event["event_id"] != last_id + 1:
        yield f"the event before it is {last_id}: events are missing"
    elif event["previous_hash"] != last_hash:
        yield "it does not continue the event before it"
    if hash_of(event) != event["hash"]:
        yield "its content was changed"


async def _broken_requests(connection: Connection) -> AsyncIterator[Broken]:
    """Compares each request with the events that say what was asked and how it ended."""
    async with connection.cursor("requests", row_factory=dict_row) as cursor:
        await cursor.execute(
            f"SELECT request.*, ARRAY({BEGIN_AND_END}) AS events"  # noqa: S608 - constants
            f" FROM ({REQUESTS}) AS request ORDER BY number".encode()
        )
        async for row in cursor:
            events = row.pop("events")
            request = request_of(row)
            for reason in _request_faults(request, events):
                yield Broken(event_id=None, request_id=request.request_id, reason=reason)


def _request_faults(request: Request, events: Sequence[Sequence[str]]) -> Iterator[str]:
    asked = [details for kind, _, details in events if kind == EventKind.REQUESTED]
    endings = [(kind, choice) for kind, choice, _ in events if kind != EventKind.REQUESTED]
    told = [(ENDING[request.state], request.choice)] if request.state in ENDING else []
    if [_digest_in(details) for details in asked] != [digest_of(request)]:
        yield f"what {request.key} asks is not what the ledger says was asked"
    elif request.digest != digest_of(request):
        yield f"the digest of {request.key} was changed"
    if endings != told:
        said = ", ".join(f"{kind} {choice}".strip() for kind, choice in endings) or "open"
        yield (
            f"{request.key} is {f'{request.state} {request.choice}'.strip()},"
            f" and the ledger says: {said}"
        )


def _digest_in(details: str) -> object:
    """Returns the digest in the details of an event; None where they were changed."""
    try:
        return json.loads(details)["digest"]
    except (ValueError, TypeError, KeyError):
        return None


async def _broken_answers(connection: Connection) -> list[Broken]:
    """Compares the answers of the approvers with the events that say so."""
    found = await rows(
        connection,
        "SELECT event.event_id, coalesce(event.request_id, own.request_id)::text,"
        "  coalesce(event.assignment_id, own.assignment_id)"
        " FROM (SELECT assignment_id, request_id, choice, comment, mail_id"
        "  FROM approval_assignment WHERE state = 'answered') AS own"
        " FULL JOIN (SELECT event_id, assignment_id, request_id, choice, comment, mail_id"
        "  FROM approval_event WHERE kind = 'answered') AS event USING (assignment_id)"
        " WHERE (own.request_id, own.choice, own.comment, own.mail_id)"
        "  IS DISTINCT FROM (event.request_id, event.choice, event.comment, event.mail_id)"
        " ORDER BY 1, 3",
    )
    return [
        Broken(
            event_id=event_id,
            request_id=request_id,
            reason=f"the answer of assignment {assignment_id} is not what the ledger says",
        )
        for event_id, request_id, assignment_id in found
    ]


async def _events(connection: Connection, condition: LiteralString, value: str) -> list[Event]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            f"SELECT {EVENT_COLUMNS} FROM approval_event AS event"  # noqa: S608 - constants
            f" WHERE {condition} ORDER BY event_id".encode(),
            [value],
        )
        return [_event_of(row) async for row in cursor]


def _event_of(row: dict[str, Any]) -> Event:
    return Event(**{**row, "kind": EventKind(row["kind"]), "channel": Channel(row["channel"])})
