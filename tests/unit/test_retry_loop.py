"""Tests the loop that repeats work after transient faults: its reports, pauses and end."""

from __future__ import annotations

import asyncio

import pytest

from postrail.clock import SettableClock
from postrail.errors import PermanentError, TransientError
from postrail.observe.health import Health
from postrail.retry_loop import RetryLoop


class Bench:
    """A loop around work that fails as often as the test says."""

    def __init__(self, *, faults: int) -> None:
        self.faults = faults
        self.calls = 0
        self.clock = SettableClock()
        self.health = Health()
        self.stop = asyncio.Event()
        self.problems: list[dict[str, str]] = []

    def loop(self, health: Health | None) -> RetryLoop:
        return RetryLoop(
            event="paused",
            part="work",
            health=health,
            pause=self._pause,
            base_seconds=1.0,
            max_seconds=4.0,
        )

    async def _pause(self, seconds: float) -> None:
        self.problems.append(self.health.problems)
        await self.clock.sleep(seconds)

    async def work(self) -> int:
        self.calls += 1
        if self.calls <= self.faults:
            raise TransientError(f"fault {self.calls}")
        return self.calls


async def test_work_is_repeated_until_it_is_done_and_its_result_returned() -> None:
    bench = Bench(faults=3)
    assert await bench.loop(bench.health).run(bench.work, bench.stop) == 4


async def test_the_part_is_down_while_it_pauses_and_up_again_afterwards() -> None:
    bench = Bench(faults=2)
    await bench.loop(bench.health).run(bench.work, bench.stop)
    assert bench.problems == [{"work": "fault 1."}, {"work": "fault 2."}]
    assert bench.health.ready


async def test_each_pause_is_longer_up_to_the_maximum() -> None:
    bench = Bench(faults=5)
    await bench.loop(bench.health).run(bench.work, bench.stop)
    assert [
        round(seconds / wanted)
        for seconds, wanted in zip(bench.clock.slept, [1, 2, 4, 4, 4], strict=True)
    ] == [1] * 5


async def test_a_loop_without_health_leaves_the_process_ready() -> None:
    bench = Bench(faults=1)
    await bench.loop(None).run(bench.work, bench.stop)
    assert bench.problems == [{}]


async def test_it_ends_after_a_fault_when_the_process_stops() -> None:
    bench = Bench(faults=9)
    bench.stop.set()
    assert await bench.loop(bench.health).run(bench.work, bench.stop) is None
    assert bench.calls == 1
    assert not bench.health.ready


async def test_it_ends_after_a_fault_when_the_work_is_no_longer_worthwhile() -> None:
    bench = Bench(faults=9)
    found = await bench.loop(bench.health).run(
        bench.work, bench.stop, worthwhile=lambda: bench.calls < 2
    )
    assert found is None
    assert bench.calls == 2


async def test_other_errors_pass_through() -> None:
    async def refused() -> None:
        raise PermanentError("never")

    bench = Bench(faults=0)
    with pytest.raises(PermanentError):
        await bench.loop(bench.health).run(refused, bench.stop)
    assert bench.clock.slept == []
