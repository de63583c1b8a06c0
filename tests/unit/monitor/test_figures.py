"""Tests the figures that are merged from the tables' rows."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.monitor.exposition import FiguresCollector
from services.monitor.figures import Row, figures, quantile
from services.monitor.tallies import Key

NOW = 10_000.0


def mails(process: str, start: float, outcomes: dict[str, int], ages: dict[str, int]) -> Row:
    key = Key("handler", process, "support")
    return key, start, {"outcomes": outcomes, "ages": ages, "age_sum": 1.0}


def alive(process: str, reported_at: float, ready: bool = True) -> Row:
    return Key("handler", process, ""), NOW - 60, {"reported_at": reported_at, "ready": ready}


def test_processes_and_windows_are_merged() -> None:
    rows = [
        mails("a", NOW - 60, {"issue": 2}, {"0.5": 2}),
        mails("a", NOW - 120, {"issue": 1, "failed": 1}, {"0.5": 1, "5": 1}),
        mails("b", NOW - 60, {"issue": 4}, {"5": 4}),
        # Older than the window.
        mails("b", NOW - 600, {"issue": 100}, {"5": 100}),
    ]
    (stage,) = figures(rows, [], NOW).stages.values()
    assert stage.outcomes == {"issue": 7, "failed": 1}
    assert stage.ages == {"0.5": 3, "5": 5}
    assert stage.age_sum_seconds == 3.0


def test_processes_that_are_silent_are_gone() -> None:
    rows = [
        alive("a", NOW - 100),
        alive("a", NOW - 1),
        alive("b", NOW - 2, ready=False),
        alive("c", NOW - 100),
    ]
    assert figures(rows, [], NOW).processes == {("handler", True): 1, ("handler", False): 1}


def test_the_latest_contact_counts() -> None:
    def contact(process: str, at: float) -> Row:
        return Key("fetcher", process, "support"), NOW, {"at": at}

    found = figures([], [contact("a", 5.0), contact("b", 9.0), contact("c", 7.0)], NOW)
    assert found.contacts == {"support": 9.0}


@pytest.mark.parametrize(
    ("buckets", "wanted", "age"),
    [
        ({}, 0.5, None),
        ({"1": 10}, 0.5, 0.5),
        ({"1": 5, "2": 5}, 0.5, 1.0),
        ({"1": 5, "2": 5}, 0.75, 1.5),
        # The last bucket has no upper bound, so its lower one is shown.
        ({"1": 1, "86400": 1, "+Inf": 8}, 0.99, 86400.0),
    ],
)
def test_quantiles_are_interpolated(buckets: dict[str, int], wanted: float, age: Any) -> None:
    assert quantile(buckets, wanted) == age


def test_prometheus_is_shown_what_was_set_last() -> None:
    collector = FiguresCollector()
    registry = CollectorRegistry()
    registry.register(collector)
    rows = [mails("a", NOW, {"issue": 2}, {"1": 2}), alive("a", NOW)]
    collector.figures = figures(rows, [], NOW)
    text = generate_latest(registry).decode()
    labels = 'mailbox="support",outcome="issue",service="handler",window="5m"'
    assert f"postrail_mailbox_mails{{{labels}}} 2.0" in text
    labels = 'mailbox="support",quantile="0.5",service="handler"'
    assert f"postrail_mailbox_age_seconds{{{labels}}} 0.5" in text
    assert 'postrail_processes{ready="true",service="handler"} 1.0' in text
