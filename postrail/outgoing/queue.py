"""Claims deliveries: the tables are the queue and the log of outgoing messages.

A delivery is queued, then sending (under a claim that expires), then sent, deferred (with a time),
failed, unconfirmed or cancelled (`postrail/outgoing/results.py` records these); one that is held
waits until it is released. While it is sending it is begun from right before the final dot; only
then may the server have taken it. Claims expire by PostgreSQL's clock; due times are by the
caller's, which tells PostgreSQL's time (`postrail/clock/shared_clock.py`). Callers wrap these
functions in `database.transaction`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection, rows, rows_as, storable
from postrail.outgoing.content import CONTENT_COLUMNS, Content


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed(Content):
    """A delivery that this sender alone may attempt, until the claim expires."""

    claim: str
    outgoing_id: str
    # None: it is about no issue.
    issue_id: int | None
    mailbox: str | None
    received_at: datetime | None
    # Including this attempt.
    attempts: int
    # When the first of the attempts began that count toward giving up: a release, a retry and
    # another connection begin anew.
    tried_since: datetime
    # An earlier attempt may have succeeded, but its result is not known.
    maybe_twice: bool
    # The number of earlier attempts whose outcome is unknown.
    unknown_attempts: int
    # The draft in Microsoft Graph that an earlier attempt was about to send, or "".
    draft: str

    @property
    def key(self) -> tuple[str, str]:
        """Returns what identifies the delivery: its outgoing message and its recipient."""
        return self.outgoing_id, self.recipient


@dataclass(frozen=True, slots=True)
class BegunAttempt:
    """An attempt that is about to complete its message, or the draft with this id."""

    claimed: Claimed
    draft: str = ""


# Whether the address is in use: `suppressions.hold` holds what is passed over.
_IN_USE: LiteralString = """NOT EXISTS (
            SELECT FROM suppression
            WHERE suppression.address = lower(delivery.recipient) AND released_at IS NULL
        )"""
# A held or deferred delivery does not keep later ones waiting.
_DUE: LiteralString = (
    """state IN ('queued', 'deferred') AND due_at <= %(now)s
        AND """
    + _IN_USE
    + """
        AND NOT EXISTS (
            SELECT FROM delivery AS earlier
            WHERE earlier.issue_id = delivery.issue_id
                AND earlier.recipient = delivery.recipient
                AND earlier.sequence < delivery.sequence
                AND earlier.state IN ('queued', 'sending')
        )"""
)

_CLAIM: LiteralString = """
WITH expired AS MATERIALIZED (
    SELECT outgoing_id, recipient FROM delivery
    WHERE state = 'sending' AND claim_until < now() AND NOT begun AND {whose} AND {in_use}
    ORDER BY claim_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), due AS MATERIALIZED (
    SELECT outgoing_id, recipient FROM delivery
    WHERE {whose} AND {due}
    ORDER BY due_at, sequence
    LIMIT (SELECT greatest(%(limit)s - count(*), 0) FROM expired) FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT * FROM due UNION ALL SELECT * FROM expired
), claimed AS (
    UPDATE delivery SET
        state = 'sending', claim = %(claim)s, attempts = attempts + 1, changed_at = %(now)s,
        tried_since = coalesce(tried_since, %(now)s),
        claim_until = now() + %(claim_seconds)s * interval '1 second', begun = false
    FROM chosen
    -- By an array: the planner cannot estimate the due rows, and a join alone reads all.
    WHERE delivery.outgoing_id = ANY (ARRAY(SELECT outgoing_id FROM chosen))
        AND delivery.outgoing_id = chosen.outgoing_id AND delivery.recipient = chosen.recipient
    RETURNING delivery.*
)"""

# The deliveries whose sender ended after the final dot and before it recorded the reply.
_INTERRUPTED: LiteralString = """
WITH chosen AS MATERIALIZED (
    SELECT outgoing_id, recipient FROM delivery
    WHERE state = 'sending' AND claim_until < now() AND begun
    ORDER BY claim_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE delivery SET
        claim = %(claim)s, changed_at = %(now)s,
        claim_until = now() + %(claim_seconds)s * interval '1 second'
    FROM chosen
    WHERE delivery.outgoing_id = chosen.outgoing_id AND delivery.recipient = chosen.recipient
    RETURNING delivery.*
)"""

_CLAIMED: LiteralString = (
    "\nSELECT "
    + CONTENT_COLUMNS
    + """, claim::text, outgoing_id::text, delivery.issue_id, mail.mailbox, mail.received_at,
    attempts, coalesce(tried_since, %(now)s) AS tried_since, maybe_twice, unknown_attempts,
    coalesce(draft, '') AS draft
FROM claimed AS delivery JOIN outgoing_mail AS mail USING (outgoing_id)
ORDER BY mail.sequence, recipient
"""
)

# PostgreSQL looks once whether there is a pause.
_OF_CONNECTION: LiteralString = """connection = %(connection)s AND NOT EXISTS (
            SELECT FROM outgoing_pause AS pause
            WHERE pause.connection IN (%(connection)s, %(over)s, '')
        ) AND (unknown_attempts = 0 OR %(over)s = %(connection)s)"""
_CLAIM_OF_CONNECTION = _CLAIM.format(whose=_OF_CONNECTION, in_use=_IN_USE, due=_DUE) + _CLAIMED
_CLAIM_INTERRUPTED = _INTERRUPTED + _CLAIMED


# Each condition has an index of its own.
_WITH_WORK = """
SELECT asked.connection FROM unnest(%(names)b::text[]) AS asked (connection)
WHERE EXISTS (
        SELECT FROM delivery
        WHERE delivery.connection = asked.connection
            AND state IN ('queued', 'deferred') AND due_at <= %(now)s
    ) OR EXISTS (
        SELECT FROM delivery
        WHERE delivery.connection = asked.connection
            AND state = 'sending' AND claim_until < now() AND NOT begun
    )
"""


async def with_work(connection: Connection, names: Sequence[str], now: datetime) -> set[str]:
    """Returns those outgoing connections that `claim_due` may find deliveries of."""
    return {row[0] for row in await rows(connection, _WITH_WORK, {"names": names, "now": now})}


async def claim_due(
    connection: Connection,
    now: datetime,
    claim_seconds: float,
    limit: int,
    *,
    outgoing_connection: str,
    over: str = "",
) -> list[Claimed]:
    """Claims up to `limit` due deliveries of an outgoing connection, oldest first.

    They are sent over that one, or over its fallback `over`; if either is paused, none is claimed.
    A fallback sends none that may have arrived over another connection.
    A delivery waits for earlier ones of its issue to the same recipient that are queued or sending,
    not for deferred ones. An expired claim is taken over, unless its delivery was begun.
    """
    return await _claim(
        connection,
        _CLAIM_OF_CONNECTION,
        {
            "now": now,
            "claim_seconds": claim_seconds,
            "limit": limit,
            "connection": outgoing_connection,
            "over": over or outgoing_connection,
        },
    )


async def claim_interrupted(
    connection: Connection, now: datetime, claim_seconds: float, limit: int
) -> list[Claimed]:
    """Claims begun deliveries whose claim has expired: the outcome of this attempt is unknown.

    They are not to be sent under this claim, but to be recorded.
    """
    parameters = {"now": now, "claim_seconds": claim_seconds, "limit": limit}
    return await _claim(connection, _CLAIM_INTERRUPTED, parameters)


_BEGIN = """
UPDATE delivery SET begun = true, draft = nullif(given.draft, '')
FROM unnest(%(outgoing_id)s::uuid[], %(recipient)b::text[], %(claim)s::uuid[], %(draft)b::text[])
    AS given (outgoing_id, recipient, claim, draft)
WHERE delivery.outgoing_id = given.outgoing_id AND delivery.recipient = given.recipient
    AND delivery.claim = given.claim AND delivery.state = 'sending' AND delivery.claim_until > now()
RETURNING delivery.outgoing_id::text, delivery.recipient
"""


async def begin(connection: Connection, begun: Sequence[BegunAttempt]) -> set[tuple[str, str]]:
    """Records that messages are about to be completed; returns the keys whose claim holds."""
    columns = {
        "outgoing_id": [one.claimed.outgoing_id for one in begun],
        "recipient": [one.claimed.recipient for one in begun],
        "claim": [one.claimed.claim for one in begun],
        "draft": [storable(one.draft) for one in begun],
    }
    return {(row[0], row[1]) for row in await rows(connection, _BEGIN, columns)}


async def _claim(
    connection: Connection, statement: LiteralString, parameters: dict[str, Any]
) -> list[Claimed]:
    parameters = {**parameters, "claim": str(uuid.uuid4())}
    return await rows_as(connection, Claimed, statement, parameters, binary=True)
