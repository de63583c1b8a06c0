"""The last report of each process counts, if it is recent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from postrail.records import PipelineProgress
from postrail.views.status import seen_processes
from tests.makers.records import NOON


def report(process: str, age_seconds: float, **changes: Any) -> PipelineProgress:
    fields: dict[str, Any] = {
        "process": process,
        "service": process.partition("-")[0],
        "version": "1",
        "started_at": NOON,
        "reported_at": NOON - timedelta(seconds=age_seconds),
        "address": "127.0.0.1:1",
        "ready": True,
        "mailboxes": [],
    }
    return PipelineProgress(**{**fields, **changes})


def test_the_last_report_of_each_process_counts() -> None:
    reports = [report("parser-1", 1, ready=False), report("parser-1", 2), report("fetcher-1", 3)]
    seen = seen_processes(reports, NOON)
    assert [(process.process, process.ready) for process in seen] == [
        ("fetcher-1", True),
        ("parser-1", False),
    ]


def test_a_process_that_was_silent_for_too_long_is_not_seen() -> None:
    assert seen_processes([report("parser-1", 11)], NOON) == []
