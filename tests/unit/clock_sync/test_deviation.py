"""Tests the reports about a wrong clock of the machine: log, metric and readiness."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from postrail.clock_sync.deviation import Deviation
from postrail.observe.health import Health


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def deviation(health: Health) -> Deviation:
    return Deviation(health)


def events(deviation: Deviation, *readings: float) -> list[Any]:
    with capture_logs() as logged:
        for ahead_seconds in readings:
            deviation.report(ahead_seconds, "PostgreSQL")
    return [(line["log_level"], line["event"]) for line in logged]


WRONG = ("warning", "the machine's clock is wrong")
RIGHT = ("info", "the machine's clock is right again")


@pytest.mark.parametrize(
    ("readings", "logged"),
    [
        ((0.0, 0.3, -5.0), []),
        # Once, and again when it ends; a clock that stays at the limit is no news.
        ((5.1, 3600.0, 5.1, 4.9, 5.1), [WRONG]),
        ((-2678400.0, -20.0, -3.9, 0.0), [WRONG, RIGHT]),
        ((6.0, 0.0, -6.0), [WRONG, RIGHT, WRONG]),
    ],
)
def test_it_logs_once_and_when_it_ends(
    deviation: Deviation, readings: tuple[float, ...], logged: list[Any]
) -> None:
    assert events(deviation, *readings) == logged


def test_the_log_names_the_offset_and_the_remedy(deviation: Deviation) -> None:
    with capture_logs() as logged:
        deviation.report(-2678400.0, "PostgreSQL")
    assert logged[0]["reason"] == "this machine's clock is 2678400 s behind PostgreSQL's"
    assert "timedatectl set-ntp true" in logged[0]["remedy"]


def test_above_a_minute_it_is_not_ready_and_says_why(deviation: Deviation, health: Health) -> None:
    deviation.report(59.0, "PostgreSQL")
    assert health.ready

    deviation.report(61.0, "PostgreSQL")
    assert health.problems == {
        "clock": "this machine's clock is 61 s ahead of PostgreSQL's. Correct the wrong clock, and"
        " let NTP keep it: timedatectl set-ntp true"
    }

    deviation.report(0.1, "PostgreSQL")
    assert health.ready


def test_the_metric_has_the_offset(deviation: Deviation) -> None:
    deviation.report(-12.5, "Kafka")
    assert REGISTRY.get_sample_value("postrail_clock_offset_seconds") == -12.5
