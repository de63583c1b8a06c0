"""Reads and writes approval requests and the parts of their approvers; callers commit.

A request's row is locked (`lock`) before its assignments change: what was read of them then holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from psycopg.rows import dict_row

from postrail.approvals.request import (
    Assignment,
    AssignmentState,
    ClosedBecause,
    NewAssignment,
    NewRequest,
    Request,
    State,
)
from postrail.approvals.request_row import request_of, storable_request, values_of
from postrail.database import Connection, one, rows, storable

REQUESTS: LiteralString = """
SELECT request_id::text, number, setup, idempotency_key, order_digest, made_at, requester_address,
    requester_name, origin, subject, body, fields, attachments, choices, rule, needed,
    comment_required, deadline, at_deadline, escalate_to, remind_after_seconds, callback_url,
    issue_id, approved_status, rejected_status, digest, state, choice, closed_at
FROM approval_request"""
ASSIGNMENTS: LiteralString = """
SELECT assignment_id, request_id::text, place, address, name, answers_for, delegation_id, state,
    closed_because, asked_at, reminders, message_id, choice, comment, answered_at, mail_id
FROM approval_assignment"""


async def insert(connection: Connection, new: NewRequest) -> Request:
    """Stores an open request and returns it with its number.

    A second request with the idempotency key of another violates a constraint: callers look for it
    first, under a lock of the key (`lock_idempotency_key`).
    """
    new = storable_request(new)
    await connection.execute(
        "INSERT INTO approval_request (request_id, setup, idempotency_key, order_digest, made_at,"
        "  requester_address, requester_name, origin, subject, body, fields, attachments, choices,"
        "  rule, needed, comment_required, deadline, at_deadline, escalate_to,"
        "  remind_after_seconds, callback_url, issue_id, approved_status, rejected_status, digest)"
        " VALUES (%(request_id)s, %(setup)s, %(idempotency_key)s, %(order_digest)s, %(made_at)s,"
        "  %(requester_address)s, %(requester_name)s, %(origin)s, %(subject)s, %(body)b,"
        "  %(fields)s, %(attachments)s, %(choices)s, %(rule)s, %(needed)s, %(comment_required)s,"
        "  %(deadline)s, %(at_deadline)s, %(escalate_to)b, %(remind_after_seconds)s,"
        "  %(callback_url)s, %(issue_id)s, %(approved_status)s, %(rejected_status)s, %(digest)s)",
        values_of(new),
    )
    return (await by_id(connection, [new.request_id]))[new.request_id]


async def lock_idempotency_key(connection: Connection, key: str) -> None:
    """Lets others who use this key wait until the end of the transaction."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('approval ' || %s, 0))", [storable(key)]
    )


async def by_idempotency_key(connection: Connection, key: str) -> Request | None:
    """Returns the request that was made with the key; its `order_digest` says for what."""
    return await _first(connection, "idempotency_key = %s", [storable(key)])


async def by_id(connection: Connection, request_ids: Iterable[str]) -> dict[str, Request]:
    """Returns the requests by their ids; those that do not exist are left out."""
    found = await _requests(
        connection,
        REQUESTS + " WHERE request_id = ANY(%s::uuid[])",
        [sorted(set(request_ids))],
    )
    return {each.request_id: each for each in found}


async def by_number(connection: Connection, number: int) -> Request | None:
    """Returns the request with the number, that of A-12 being 12."""
    return await _first(connection, "number = %s", [number])


async def of_issue(connection: Connection, issue_id: int) -> list[Request]:
    """Returns the requests about an issue, oldest first."""
    return await _requests(
        connection,
        REQUESTS + " WHERE issue_id = %s ORDER BY number",
        [issue_id],
    )


async def lock(connection: Connection, request_ids: Iterable[str]) -> dict[str, Request]:
    """Returns the requests by their ids, and locks their rows until the end of the transaction.

    Against deadlocks, call it once in a transaction, after locks of issues and before the ledger's.
    """
    found = await _requests(
        connection,
        REQUESTS + " WHERE request_id = ANY(%s::uuid[]) ORDER BY request_id FOR NO KEY UPDATE",
        [sorted(set(request_ids))],
    )
    return {each.request_id: each for each in found}


async def close_request(
    connection: Connection, request_id: str, state: State, choice: str, now: datetime
) -> bool:
    """Ends an open request: decided with a choice, expired or withdrawn with choice "".

    Returns False, and changes nothing, when it has ended already.
    """
    changed = await connection.execute(
        "UPDATE approval_request SET state = %s, choice = %s, closed_at = %s"
        " WHERE request_id = %s AND state = 'open'",
        [state, choice, now, request_id],
    )
    return changed.rowcount == 1


async def escalated(connection: Connection, request_id: str, deadline: datetime) -> None:
    """Gives an open request its second deadline, at which it expires."""
    await connection.execute(
        "UPDATE approval_request SET deadline = %s, at_deadline = 'expire'"
        " WHERE request_id = %s AND state = 'open'",
        [deadline, request_id],
    )


async def assignments(
    connection: Connection, request_ids: Iterable[str]
) -> dict[str, list[Assignment]]:
    """Returns the assignments of the requests, in the order of their places; closed ones, too."""
    wanted = sorted(set(request_ids))
    found = await _assignments(
        connection,
        ASSIGNMENTS + " WHERE request_id = ANY(%s::uuid[]) ORDER BY place, assignment_id",
        [wanted],
    )
    by_request: dict[str, list[Assignment]] = {request_id: [] for request_id in wanted}
    for each in found:
        by_request[each.request_id].append(each)
    return by_request


async def assignment(
    connection: Connection, assignment_ids: Iterable[int]
) -> dict[int, Assignment]:
    """Returns assignments by their ids; those that do not exist are left out."""
    found = await _assignments(
        connection,
        ASSIGNMENTS + " WHERE assignment_id = ANY(%s::bigint[])",
        [sorted(set(assignment_ids))],
    )
    return {each.assignment_id: each for each in found}


async def open_assignments_of(connection: Connection, addresses: Iterable[str]) -> list[Assignment]:
    """Returns the assignments of these approvers that are neither answered nor closed."""
    return await _assignments(
        connection,
        ASSIGNMENTS
        + " WHERE address = ANY(%b) AND state IN ('planned', 'asked') ORDER BY assignment_id",
        [sorted({address.lower() for address in addresses})],
    )


async def open_assignments_by(connection: Connection, delegation_id: int) -> list[Assignment]:
    """Returns the assignments that the delegation has made and that are still open."""
    return await _assignments(
        connection,
        ASSIGNMENTS
        + " WHERE delegation_id = %s AND state IN ('planned', 'asked') ORDER BY assignment_id",
        [delegation_id],
    )


async def add_assignments(
    connection: Connection, request_id: str, new: Sequence[NewAssignment]
) -> list[Assignment]:
    """Plans to ask these approvers, and returns their assignments in the order given.

    An approver who has an open assignment at the place already is left out.
    """
    added: list[int] = []
    for each in new:
        row = await one(
            connection,
            "INSERT INTO approval_assignment"
            " (request_id, place, address, name, answers_for, delegation_id, state)"
            " VALUES (%s, %s, %s, %s, %s, %s, 'planned')"
            " ON CONFLICT (request_id, place, address) WHERE state IN ('planned', 'asked')"
            " DO NOTHING RETURNING assignment_id",
            [
                request_id,
                each.place,
                each.address.lower(),
                storable(each.name),
                each.answers_for.lower(),
                each.delegation_id,
            ],
        )
        added += row or ()
    stored = await assignment(connection, added)
    return [stored[assignment_id] for assignment_id in added]


async def asked(connection: Connection, assignment_id: int, message_id: str, now: datetime) -> bool:
    """Notes the message that asks a planned approver; False: the assignment is not planned."""
    return await _changed(
        connection,
        "UPDATE approval_assignment SET state = 'asked', message_id = %s, asked_at = %s"
        " WHERE assignment_id = %s AND state = 'planned'",
        [message_id, now, assignment_id],
    )


async def reminded(connection: Connection, assignment_ids: Iterable[int]) -> None:
    """Counts one more reminder of these assignments."""
    await connection.execute(
        "UPDATE approval_assignment SET reminders = reminders + 1"
        " WHERE assignment_id = ANY(%s::bigint[])",
        [sorted(set(assignment_ids))],
    )


async def answered(
    connection: Connection,
    assignment_id: int,
    *,
    choice: str,
    comment: str,
    mail_id: str,
    now: datetime,
) -> bool:
    """Notes an approver's answer; False: the approver is not asked, or no longer.

    The message has the `mail_id`; "" for an answer by a command or page. Raises a database error
    for a second answer to the place: close the other assignments of a place that has an answer.
    """
    return await _changed(
        connection,
        "UPDATE approval_assignment SET state = 'answered', choice = %s, comment = %b,"
        " mail_id = %s, answered_at = %s WHERE assignment_id = %s AND state = 'asked'",
        [choice, storable(comment), mail_id, now, assignment_id],
    )


async def close_assignments(
    connection: Connection, assignment_ids: Iterable[int], because: ClosedBecause
) -> list[Assignment]:
    """Closes those of the assignments that are still open, and returns these as they now are."""
    closed = await rows(
        connection,
        "UPDATE approval_assignment SET state = 'closed', closed_because = %s"
        " WHERE assignment_id = ANY(%s::bigint[]) AND state IN ('planned', 'asked')"
        " RETURNING assignment_id",
        [because, sorted(set(assignment_ids))],
    )
    return list((await assignment(connection, [row[0] for row in closed])).values())


async def callback_urls(connection: Connection) -> dict[str, str]:
    """Returns the sealed callback URLs by request, for sealing them with another key."""
    found = await rows(
        connection,
        "SELECT request_id::text, callback_url FROM approval_request WHERE callback_url <> ''"
        " ORDER BY request_id FOR NO KEY UPDATE",
    )
    return dict(found)


async def replace_callback_urls(connection: Connection, sealed: Mapping[str, str]) -> None:
    """Stores callback URLs that were sealed anew."""
    await connection.cursor().executemany(
        "UPDATE approval_request SET callback_url = %s WHERE request_id = %s",
        [(url, request_id) for request_id, url in sorted(sealed.items())],
    )


async def _first(connection: Connection, condition: LiteralString, values: Any) -> Request | None:
    found = await _requests(
        connection,
        REQUESTS + " WHERE " + condition,
        values,
    )
    return found[0] if found else None


async def _requests(connection: Connection, statement: str, values: Any) -> list[Request]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.encode(), values)
        return [request_of(row) async for row in cursor]


async def _assignments(connection: Connection, statement: str, values: Any) -> list[Assignment]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.encode(), values)
        return [
            Assignment(**{**row, "state": AssignmentState(row["state"])}) async for row in cursor
        ]


async def _changed(connection: Connection, statement: str, values: Any) -> bool:
    changed = await connection.execute(statement.encode(), values)
    return changed.rowcount == 1
