"""Records the results of attempts to send outgoing messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from postrail.database import Connection
from postrail.outgoing.queue import Claimed, text

# unconfirmed: the outcome is unknown, and a person decides whether to send the message again.
DeliveryState = Literal["sent", "deferred", "failed", "unconfirmed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of the delivery to one recipient."""

    recipient: str
    state: DeliveryState
    reply: str
    # When a deferred delivery is tried again; for other states, when they were reached.
    due_at: datetime
    maybe_twice: bool
    # The number of attempts whose outcome is unknown, including this one.
    unknown_attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptResult:
    """The results of one attempt to send a claimed message."""

    claimed: Claimed
    results: tuple[Result, ...]


_FINISH = """
UPDATE delivery SET
    state = done.state, reply = done.reply, due_at = done.due_at, changed_at = %(now)s,
    maybe_twice = done.maybe_twice, unknown_attempts = done.unknown_attempts,
    claim = NULL, claim_until = NULL, begun = true
FROM unnest(
    %(outgoing_id)s::uuid[], %(recipient)b::text[], %(claim)s::uuid[], %(state)b::text[],
    %(reply)b::text[], %(due_at)s::timestamptz[], %(maybe_twice)s::boolean[],
    %(unknown_attempts)s::integer[]
) AS done (
    outgoing_id, recipient, claim, state, reply, due_at, maybe_twice, unknown_attempts
)
WHERE delivery.outgoing_id = done.outgoing_id AND delivery.recipient = done.recipient
    AND delivery.state = 'sending' AND delivery.claim = done.claim
RETURNING delivery.outgoing_id::text, delivery.recipient
"""


async def finish(
    connection: Connection, now: datetime, finished: Sequence[AttemptResult]
) -> list[AttemptResult]:
    """Records results, except for rows under another claim; returns the recorded ones.

    So a sender that was paused for longer than its claim cannot overwrite the work of another, and
    a repeated transaction records nothing twice.
    """
    pairs = [(item.claimed, result) for item in finished for result in item.results]
    if not pairs:
        return []
    columns = {
        "now": now,
        "outgoing_id": [claimed.outgoing_id for claimed, _ in pairs],
        "recipient": [result.recipient for _, result in pairs],
        "claim": [claimed.claim for claimed, _ in pairs],
        "state": [result.state for _, result in pairs],
        "reply": [text(result.reply) for _, result in pairs],
        "due_at": [result.due_at for _, result in pairs],
        "maybe_twice": [result.maybe_twice for _, result in pairs],
        "unknown_attempts": [result.unknown_attempts for _, result in pairs],
    }
    cursor = await connection.execute(_FINISH, columns)
    recorded = {(str(outgoing_id), str(recipient)) async for outgoing_id, recipient in cursor}
    kept = [_only(item, recorded) for item in finished]
    return [item for item in kept if item.results]


def _only(item: AttemptResult, recorded: set[tuple[str, str]]) -> AttemptResult:
    results = tuple(
        result
        for result in item.results
        if (item.claimed.outgoing_id, result.recipient) in recorded
    )
    return AttemptResult(claimed=item.claimed, results=results)
