"""Finds the ended requests that a restored database lacks: `approval.decided` still has them."""

from __future__ import annotations

from collections.abc import Collection

from postrail.database import Connection, rows
from postrail.records import ApprovalDecided
from postrail.settings import KafkaSettings
from postrail.stream.reader import tail
from postrail.stream.topics import APPROVAL_DECIDED

# The records of each partition that are compared with the database, the latest ones.
COMPARED = 10_000


async def published_endings(kafka: KafkaSettings) -> list[ApprovalDecided]:
    """Returns the ends of requests that the topic has, oldest first."""
    found = await tail(kafka, APPROVAL_DECIDED, COMPARED)
    return sorted(found, key=lambda ended: (ended.decided_at, ended.number))


async def lost_endings(
    connection: Connection, published: Collection[ApprovalDecided]
) -> list[ApprovalDecided]:
    """Returns those of them that the database does not have so, each once and in their order.

    They are published after their commit, so one that was read before is there.
    """
    found = await rows(
        connection,
        "SELECT request_id::text, state, choice FROM approval_request"
        " WHERE request_id = ANY(%s::uuid[])",
        [[one.request_id for one in published]],
    )
    kept = {(request_id, state, choice) for request_id, state, choice in found}
    lost = {one.request_id: one for one in published}
    return [one for one in lost.values() if (one.request_id, one.state, one.choice) not in kept]
