"""Tests the limit of messages a minute, whatever the times at which senders ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.outgoing.routing.rates import MINUTE, Rate

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@given(
    per_minute=st.integers(1, 200),
    pauses=st.lists(st.floats(0, 90, allow_nan=False), min_size=1, max_size=60),
    wanted=st.integers(1, 100),
)
def test_no_minute_has_more_than_the_limit(
    per_minute: int, pauses: list[float], wanted: int
) -> None:
    rate, now, next_at = Rate(per_minute), START, START
    begun: list[datetime] = []
    for pause in pauses:
        now += timedelta(seconds=pause)
        count = min(wanted, rate.allowed(next_at, now))
        next_at = rate.after(next_at, count, now)
        begun += [now] * count

    for at in begun:
        assert sum(at <= one < at + MINUTE for one in begun) <= per_minute


@pytest.mark.parametrize(("per_minute", "at_once"), [(1, 1), (4, 1), (5, 1), (30, 6), (600, 120)])
def test_some_messages_may_begin_together(per_minute: int, at_once: int) -> None:
    rate = Rate(per_minute)
    assert rate.allowed(START, START) == at_once
    assert rate.allowed(rate.after(START, at_once, START), START) == 0


@pytest.mark.parametrize("per_minute", [1, 2, 30, 600])
def test_over_an_hour_nearly_all_are_used(per_minute: int) -> None:
    rate, next_at, count = Rate(per_minute), START, 0
    for second in range(3600):
        now = START + timedelta(seconds=second)
        allowed = rate.allowed(next_at, now)
        next_at = rate.after(next_at, allowed, now)
        count += allowed
    assert count >= 0.7 * 60 * per_minute
