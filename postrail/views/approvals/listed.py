"""Lists approval requests, with the people whose answers are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedRequest:
    """An approval request in a list."""

    # Such as A-12.
    key: str
    request_id: str
    setup: str
    subject: str
    # open, decided, expired or withdrawn.
    state: str
    # The name of the choice of a decided request, and what it means; "" otherwise.
    choice: str
    meaning: str
    issue_key: str | None
    requester: str
    made_at: datetime
    deadline: datetime | None
    closed_at: datetime | None
    # Those who were asked and have not answered.
    waiting_for: Sequence[str]
    answers: int
    # The answers that were refused and decide nothing.
    refused: int


_LISTED: LiteralString = """
SELECT 'A-' || request.number AS key, request_id::text, setup, subject, request.state,
    request.choice, coalesce((
        SELECT one ->> 'meaning' FROM jsonb_array_elements(choices) AS one
        WHERE one ->> 'name' = request.choice
    ), '') AS meaning,
    issue_key, requester_address AS requester, request.made_at, deadline, closed_at,
    ARRAY(SELECT part.address FROM approval_assignment AS part
        WHERE part.request_id = request.request_id AND part.state = 'asked'
        ORDER BY place, assignment_id) AS waiting_for,
    (SELECT count(*) FROM approval_assignment AS part
        WHERE part.request_id = request.request_id AND part.state = 'answered') AS answers,
    (SELECT count(*) FROM approval_event AS event
        WHERE event.request_id = request.request_id AND event.kind = 'refused') AS refused
FROM approval_request AS request LEFT JOIN issue_index USING (issue_id)
WHERE (%(state)s::text IS NULL OR request.state = %(state)s)
    AND (%(setup)s::text IS NULL OR setup = %(setup)s)
    AND (%(issue_key)s::text IS NULL OR issue_key = %(issue_key)s)
    AND (%(approver)s::text IS NULL OR request_id IN (
        SELECT part.request_id FROM approval_assignment AS part
        WHERE part.state = 'asked' AND part.address IN (
            SELECT %(approver)s UNION SELECT other.address
            FROM person_address AS own JOIN person_address AS other USING (person_id)
            WHERE own.address = %(approver)s)))
ORDER BY request.number DESC LIMIT %(limit)s"""


async def list_requests(
    connection: Connection,
    *,
    state: str | None = None,
    setup: str | None = None,
    issue_key: str | None = None,
    approver: str | None = None,
    limit: int,
) -> list[ListedRequest]:
    """Returns the requests, newest first; `approver` is somebody whose answer is missing."""
    return await rows_as(
        connection,
        ListedRequest,
        _LISTED,
        {
            "state": state,
            "setup": setup,
            "issue_key": issue_key,
            "approver": approver and approver.lower(),
            "limit": limit,
        },
    )
