"""Tests that an unavailable server is probed by one message at a time, at growing intervals."""

from __future__ import annotations

from datetime import timedelta

from postrail.clock import SettableClock
from services.sender.breaker import PROBE_BASE_SECONDS, PROBE_MAX_SECONDS, Breaker

NOW = SettableClock().now()


def test_closed_allows_as_many_messages_as_there_are_connections() -> None:
    breaker = Breaker()

    assert breaker.allowed(NOW, busy=1, most=4) == 3
    assert breaker.allowed(NOW, busy=5, most=4) == 0
    assert not breaker.is_open


def test_open_allows_one_message_when_the_probe_is_due() -> None:
    breaker = Breaker()
    probe_at = breaker.failed(NOW, "refused")

    assert breaker.is_open
    assert breaker.reason == "refused"
    assert breaker.allowed(NOW, busy=0, most=4) == 0
    assert breaker.allowed(probe_at, busy=0, most=4) == 1
    assert breaker.allowed(probe_at, busy=1, most=4) == 0


def test_messages_that_fail_together_count_once() -> None:
    breaker = Breaker()

    first = breaker.failed(NOW, "refused")

    assert breaker.failed(NOW + timedelta(seconds=0.5), "refused") == first
    assert (first - NOW).total_seconds() < PROBE_BASE_SECONDS * 1.3


def test_the_pause_grows_to_its_limit() -> None:
    breaker, now = Breaker(), NOW
    pauses = []
    for _ in range(12):
        probe_at = breaker.failed(now, "refused")
        pauses.append((probe_at - now).total_seconds())
        now = probe_at

    assert pauses[0] < pauses[2] < pauses[4]
    assert PROBE_MAX_SECONDS * 0.8 <= pauses[-1] <= PROBE_MAX_SECONDS * 1.2


def test_it_may_be_probed_at_once() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(NOW, "needs authorization")

    breaker.probe_now()

    assert breaker.is_open
    assert breaker.allowed(NOW, busy=0, most=4) == 1
    assert breaker.failed(NOW, "still") > NOW


def test_success_closes_it() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(NOW, "refused")

    breaker.succeeded()

    assert breaker.allowed(NOW, busy=0, most=4) == 4
    assert breaker.reason == ""
    assert (breaker.failed(NOW, "again") - NOW).total_seconds() < PROBE_BASE_SECONDS * 1.3
