"""Tests the health of a process."""

import pytest

from postrail.observe.health import Health
from tests.fakes.monotonic import Time


def test_knows_which_parts_are_down(health: Health) -> None:
    health.down("kafka", "no answer")
    health.down("database", "no answer")
    health.up("kafka")
    assert health.problems == {"database": "no answer"}
    health.up("database")
    assert health.problems == {}


@pytest.mark.parametrize(("down", "ready"), [([], True), (["kafka"], False)])
def test_is_ready_when_all_parts_are_up(health: Health, down: list[str], ready: bool) -> None:
    for part in down:
        health.down(part, "no answer")
    assert health.ready is ready


@pytest.mark.parametrize(("silent_seconds", "alive"), [(59, True), (61, False)])
def test_a_silent_main_loop_is_not_alive(
    health: Health, time: Time, silent_seconds: float, alive: bool
) -> None:
    time.seconds = 1000
    health.beat()
    time.seconds += silent_seconds
    assert health.alive is alive
