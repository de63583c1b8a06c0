"""Finds the acts by hand that a restored database lacks: `issue.changed` still has them."""

from __future__ import annotations

from collections.abc import Collection

from postrail.database import Connection, rows
from postrail.records import IssueChanged
from postrail.settings import KafkaSettings
from postrail.stream.reader import tail
from postrail.stream.topics import ISSUE_CHANGED

# The records of each partition that are compared with the database, the latest ones.
COMPARED = 10_000


async def published_acts(kafka: KafkaSettings) -> list[IssueChanged]:
    """Returns the acts that the topic has, oldest first."""
    found = await tail(kafka, ISSUE_CHANGED, COMPARED)
    return sorted(found, key=lambda act: act.changed_at)


async def lost_acts(
    connection: Connection, published: Collection[IssueChanged]
) -> list[IssueChanged]:
    """Returns those of the acts that have left nothing in the database, in their order.

    An act is published after its commit, so one that was read before is there.
    """
    ids = {act.act_id for act in published}
    found = await rows(
        connection,
        "SELECT act_id::text FROM issue_change WHERE act_id = ANY(%(ids)s::uuid[])"
        " UNION SELECT act_id::text FROM comment WHERE act_id = ANY(%(ids)s::uuid[])"
        " UNION SELECT act_id::text FROM comment_edit WHERE act_id = ANY(%(ids)s::uuid[])",
        {"ids": sorted(ids)},
    )
    kept = {act_id for (act_id,) in found}
    return [act for act in published if act.act_id not in kept]
