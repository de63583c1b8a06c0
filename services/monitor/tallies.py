"""Turns reports into table rows, and adds up the reports of a minute. Pure.

Values must be JSON, as Faust writes them to the changelog. Keys name the process, so that each key
is written from one partition only and replicas of a service never overwrite each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from postrail.message_parts import MailboxProgress
from postrail.records import PipelineProgress

Value = dict[str, Any]


class Key(NamedTuple):
    """The key of a row; an empty mailbox stands for the process itself."""

    service: str
    process: str
    mailbox: str

    @property
    def text(self) -> str:
        """Returns the key as a table holds it."""
        return json.dumps(self)

    @classmethod
    def of(cls, text: str) -> Key:
        return cls(*json.loads(text))


def process_key(report: PipelineProgress) -> Key:
    """Returns the key for the process itself."""
    return Key(report.service, report.process, "")


def process_value(report: PipelineProgress) -> Value:
    """Returns the row for the last report of a process."""
    return {
        "reported_at": report.reported_at.timestamp(),
        "ready": report.ready,
        "address": report.address,
        "version": report.version,
    }


def counted_before(report: PipelineProgress, row: Mapping[str, Any]) -> bool:
    """Returns whether the report was added before, and read again after a restart."""
    return bool(row) and float(row["reported_at"]) >= report.reported_at.timestamp()


def mailboxes(report: PipelineProgress) -> Iterator[tuple[Key, MailboxProgress]]:
    """Yields the key and the progress of each mailbox in a report."""
    for progress in report.mailboxes:
        yield Key(report.service, report.process, progress.mailbox), progress


def added(row: Mapping[str, Any], progress: MailboxProgress) -> Value:
    """Returns the row with a report's progress added."""
    return {
        "outcomes": sums(row.get("outcomes", {}), progress.outcomes),
        "ages": sums(row.get("ages", {}), progress.age_buckets),
        "age_sum": row.get("age_sum", 0.0) + progress.age_sum_seconds,
    }


def sums(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Adds up two counts by name."""
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}
