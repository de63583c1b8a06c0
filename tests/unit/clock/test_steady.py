"""Tests which of the machine's clocks measures durations."""

import sys
import time

import pytest

from postrail.clock import SettableClock, SystemClock


@pytest.mark.skipif(sys.platform != "linux", reason="the clock is one of Linux")
def test_time_asleep_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = {time.CLOCK_MONOTONIC: 100.0, time.CLOCK_BOOTTIME: 3700.0}
    monkeypatch.setattr(time, "clock_gettime", readings.__getitem__)
    assert SystemClock().steady() == 3700.0


def test_a_settable_clock_moves_both() -> None:
    clock = SettableClock()
    before = clock.steady()
    clock.move(2.5)
    assert clock.steady() - before == 2.5
