"""Records the results of attempts at deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from postrail.database import Connection, rows, storable
from postrail.outgoing.queue import Claimed
from postrail.outgoing.suppressions import SUPPRESSED, check_reach

# unconfirmed: the outcome is unknown, and a person decides whether to send the message again.
DeliveryState = Literal["sent", "deferred", "failed", "unconfirmed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptResult:
    """The result of one attempt at a claimed delivery."""

    claimed: Claimed
    state: DeliveryState
    reply: str
    # When a deferred delivery is tried again; for other states, when they were reached.
    due_at: datetime
    maybe_twice: bool
    # The number of attempts whose outcome is unknown, including this one.
    unknown_attempts: int
    # The status by which the server said that the address is dead, or "".
    dead_address: str = ""
    # The fallback that made the attempt, or "".
    sent_over: str = ""
    # The connection that the delivery is to go over from now on, or "": as before.
    moved_to: str = ""
    # The Message-ID that the mail system gave the message in place of its own, or "".
    given_id: str = ""


_FINISH = """
UPDATE delivery SET
    state = CASE WHEN suppression.address IS NULL THEN done.state ELSE 'held' END,
    reply = coalesce(%(suppressed)s || suppression.reason, done.reply), due_at = done.due_at,
    changed_at = %(now)s,
    maybe_twice = done.maybe_twice, unknown_attempts = done.unknown_attempts,
    sent_over = done.sent_over, given_id = coalesce(nullif(done.given_id, ''), delivery.given_id),
    connection = CASE done.moved_to WHEN '' THEN delivery.connection ELSE done.moved_to END,
    moved_from = CASE WHEN done.moved_to = '' OR delivery.moved_from <> '' THEN delivery.moved_from
        ELSE delivery.connection END,
    claim = NULL, claim_until = NULL, begun = true
FROM unnest(
    %(outgoing_id)s::uuid[], %(recipient)b::text[], %(claim)s::uuid[], %(state)b::text[],
    %(reply)b::text[], %(due_at)s::timestamptz[], %(maybe_twice)s::boolean[],
    %(unknown_attempts)s::integer[], %(sent_over)b::text[], %(moved_to)b::text[],
    %(given_id)b::text[]
) AS done (
    outgoing_id, recipient, claim, state, reply, due_at, maybe_twice, unknown_attempts, sent_over,
    moved_to, given_id
)
    LEFT JOIN suppression ON done.state = 'deferred' AND suppression.released_at IS NULL
        AND suppression.address = lower(done.recipient)
WHERE delivery.outgoing_id = done.outgoing_id AND delivery.recipient = done.recipient
    AND delivery.state = 'sending' AND delivery.claim = done.claim
RETURNING delivery.outgoing_id::text, delivery.recipient, delivery.issue_id, delivery.state
"""


async def finish(
    connection: Connection, now: datetime, results: Sequence[AttemptResult]
) -> list[AttemptResult]:
    """Records results, except for rows under another claim; returns the recorded ones.

    What would be tried again is held if its address was suppressed in the meantime.

    So a sender that was paused for longer than its claim cannot overwrite the work of another, and
    a repeated transaction records nothing twice.
    """
    if not results:
        return []
    columns = {
        "now": now,
        "suppressed": SUPPRESSED,
        "outgoing_id": [result.claimed.outgoing_id for result in results],
        "recipient": [result.claimed.recipient for result in results],
        "claim": [result.claimed.claim for result in results],
        "state": [result.state for result in results],
        "reply": [storable(result.reply) for result in results],
        "due_at": [result.due_at for result in results],
        "maybe_twice": [result.maybe_twice for result in results],
        "unknown_attempts": [result.unknown_attempts for result in results],
        "sent_over": [result.sent_over for result in results],
        "moved_to": [result.moved_to for result in results],
        "given_id": [storable(result.given_id) for result in results],
    }
    finished = await rows(connection, _FINISH, columns)
    held = [row[0] for row in finished if row[2] is not None and row[3] == "held"]
    await check_reach(connection, held, now)
    recorded = {(row[0], row[1]) for row in finished}
    return [result for result in results if result.claimed.key in recorded]
