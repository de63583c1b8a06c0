"""What the tables hold of a report, and how reports of a minute add up. Pure.

Values are what JSON can hold, as Faust writes them to the changelog. Keys name the process, so that
each key is written from one partition only and replicas of a service never overwrite each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from postrail.records import MailboxProgress, PipelineProgress

Value = dict[str, Any]


class Key(NamedTuple):
    """Whose figures a row holds; an empty mailbox stands for the process itself."""

    service: str
    process: str
    mailbox: str

    @property
    def text(self) -> str:
        """The key as a table holds it."""
        return json.dumps(self)

    @classmethod
    def of(cls, text: str) -> Key:
        return cls(*json.loads(text))


def process_key(report: PipelineProgress) -> Key:
    """The row of the process itself."""
    return Key(report.service, report.process, "")


def process_value(report: PipelineProgress) -> Value:
    """The last report of a process, as one row tells it."""
    return {
        "reported_at": report.reported_at.timestamp(),
        "ready": report.ready,
        "address": report.address,
        "version": report.version,
    }


def counted_before(report: PipelineProgress, row: Mapping[str, Any]) -> bool:
    """Whether the report is one that was read again, after a restart without a commit."""
    return bool(row) and float(row["reported_at"]) >= report.reported_at.timestamp()


def mailboxes(report: PipelineProgress) -> Iterator[tuple[Key, MailboxProgress]]:
    """The rows of the mailboxes that a report speaks of."""
    for progress in report.mailboxes:
        yield Key(report.service, report.process, progress.mailbox), progress


def added(row: Mapping[str, Any], progress: MailboxProgress) -> Value:
    """The row with what a report adds to it."""
    return {
        "outcomes": sums(row.get("outcomes", {}), progress.outcomes),
        "ages": sums(row.get("ages", {}), progress.age_buckets),
        "age_sum": row.get("age_sum", 0.0) + progress.age_sum_seconds,
    }


def sums(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Two counts by name, added up."""
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}
