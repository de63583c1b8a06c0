"""Merges the rows of the tables into the figures of the last minutes, over all processes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.monitor.tallies import Key, Value, sums

WINDOW_SECONDS = 300.0
QUANTILES = (0.5, 0.95, 0.99)
# A process is gone when it has not reported for this time.
GONE_AFTER_SECONDS = 15.0

Row = tuple[Key, float, Value]
"""Key, the start of its window (seconds since 1970), and the window's value."""


@dataclass
class StageFigures:
    """The counts of one service for one mailbox in the last minutes."""

    outcomes: dict[str, int] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)
    age_sum_seconds: float = 0.0


@dataclass
class Figures:
    """All figures that the monitor shows."""

    # By mailbox and service.
    stages: dict[tuple[str, str], StageFigures] = field(default_factory=dict)
    # When the mail server of a mailbox last answered, seconds since 1970.
    contacts: dict[str, float] = field(default_factory=dict)
    # Running processes by service and readiness.
    processes: dict[tuple[str, bool], int] = field(default_factory=dict)


def figures(mails: Iterable[Row], contacts: Iterable[Row], now: float) -> Figures:
    """Merges the rows of the last WINDOW_SECONDS."""
    stages: dict[tuple[str, str], StageFigures] = defaultdict(StageFigures)
    processes: dict[str, tuple[str, bool, float]] = {}
    for key, start, value in mails:
        if start < now - WINDOW_SECONDS:
            continue
        if key.mailbox:
            _merge(stages[key.mailbox, key.service], value)
        elif processes.get(key.process, ("", False, 0.0))[2] < value["reported_at"]:
            processes[key.process] = (key.service, value["ready"], value["reported_at"])
    return Figures(
        stages=dict(stages),
        contacts=_latest(contacts),
        processes=_running(processes.values(), now),
    )


def _merge(into: StageFigures, value: Value) -> None:
    into.outcomes = sums(into.outcomes, value["outcomes"])
    into.ages = sums(into.ages, value["ages"])
    into.age_sum_seconds += value["age_sum"]


def _latest(contacts: Iterable[Row]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, _, value in contacts:
        found[key.mailbox] = max(found.get(key.mailbox, 0.0), value["at"])
    return found


def _running(
    processes: Iterable[tuple[str, bool, float]], now: float
) -> dict[tuple[str, bool], int]:
    found: dict[tuple[str, bool], int] = defaultdict(int)
    for service, ready, reported_at in processes:
        if reported_at > now - GONE_AFTER_SECONDS:
            found[service, ready] += 1
    return dict(found)


def quantile(buckets: Mapping[str, int], wanted: float) -> float | None:
    """Returns the age below which this share of the messages is; None without messages.

    Interpolated within its bucket, as Prometheus does; in the last one, its lower bound.
    """
    ordered = sorted((float(bound), count) for bound, count in buckets.items() if count)
    rank = wanted * sum(count for _, count in ordered)
    seen, lower = 0, 0.0
    for bound, count in ordered:
        if seen + count >= rank:
            inside = (rank - seen) / count
            return lower if bound == float("inf") else lower + (bound - lower) * inside
        seen, lower = seen + count, bound
    return None
