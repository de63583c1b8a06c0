"""Tests how the clock of a process follows a server's, by measurements that a test scripts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from postrail.clock.samples import Sample
from postrail.clock.shared_clock import SharedClock
from postrail.clock_sync import follow
from postrail.clock_sync.follow import ClockSync
from postrail.errors import TransientError
from postrail.observe.health import Health

START = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = 3600.0


class Server:
    """A server whose clock is ahead of the machine's by the seconds that a test sets."""

    def __init__(self, scene: "Scene", ahead: float = 0.0) -> None:
        self._scene = scene
        self.ahead = ahead
        self.is_up = True

    async def measure(self) -> Sample | None:
        if not self.is_up:
            raise TransientError("unavailable")
        at = self._scene.steady
        return Sample(at, at, START.timestamp() + at + self.ahead)


class Scene:
    """A machine whose clock is right at steady 0, and two servers."""

    def __init__(self) -> None:
        self.steady = 0.0
        self.machine_ahead = 0.0
        self.health = Health()
        self.clock = SharedClock(steady=lambda: self.steady, machine=self._machine)
        self.kafka, self.postgres = Server(self), Server(self)
        self.sync = ClockSync(self.clock, self.health, "Kafka", self.kafka.measure)

    def _machine(self) -> datetime:
        return START + timedelta(seconds=self.steady + self.machine_ahead)

    async def pass_seconds(self, seconds: float, measurements: int = 2) -> None:
        for _ in range(measurements):
            self.steady += seconds / measurements
            await self.sync.measure()

    @property
    def reading(self) -> float:
        """Returns how far the clock of the process is ahead of the one that is right."""
        return (self.clock.now() - START).total_seconds() - self.steady


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_process_takes_its_servers_time(scene: Scene) -> None:
    scene.machine_ahead = -31 * 24 * HOUR
    await scene.sync.measure()
    assert scene.reading == pytest.approx(0, abs=1e-5)
    assert scene.health.problems["clock"].startswith(
        "this machine's clock is 2678400 s behind Kafka's"
    )


async def test_steps_of_the_machines_clock_are_reported_and_not_followed(scene: Scene) -> None:
    await scene.sync.measure()
    for step in (HOUR, -2 * HOUR, HOUR):
        scene.machine_ahead += step
        await scene.pass_seconds(20)
        assert scene.reading == pytest.approx(0, abs=1e-5)
        assert scene.health.ready == (scene.machine_ahead == 0)


async def test_a_database_replaces_kafka_even_if_its_clock_is_behind(scene: Scene) -> None:
    scene.kafka.ahead, scene.postgres.ahead = HOUR, -10.0
    await scene.sync.measure()
    assert scene.reading == pytest.approx(HOUR, abs=1e-5)

    await scene.sync.switch_to("PostgreSQL", scene.postgres.measure)
    assert scene.reading == pytest.approx(-10, abs=1e-5)


async def test_an_unavailable_server_leaves_the_clock_going(scene: Scene) -> None:
    await scene.sync.measure()
    scene.kafka.is_up = False
    scene.machine_ahead = 2 * HOUR
    await scene.pass_seconds(600)
    assert scene.reading == pytest.approx(0, abs=1e-5)
    # The machine's clock was set meanwhile, which needs no server to notice.
    assert "clock" in scene.health.problems


@pytest.mark.logs_errors("no time from the server")
async def test_an_unforeseen_fault_does_not_end_it(scene: Scene) -> None:
    async def broken() -> Sample | None:
        scene.steady += 1
        if scene.steady == 1:
            raise ValueError("a fault of ours")
        stop.set()
        return await scene.kafka.measure()

    stop = asyncio.Event()
    sync = ClockSync(scene.clock, scene.health, "Kafka", broken)
    await asyncio.wait_for(sync.run(stop), 10)
    assert scene.clock.is_set


async def test_work_begins_with_the_first_measurement(scene: Scene) -> None:
    scene.machine_ahead = HOUR
    stop = asyncio.Event()
    following = asyncio.create_task(scene.sync.run(stop))
    await asyncio.wait_for(scene.sync.wait(), 3)
    assert scene.reading == pytest.approx(0, abs=1e-5)
    stop.set()
    await following


async def test_work_begins_without_a_time_after_a_while(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "WAIT_SECONDS", 0.01)
    with capture_logs() as logged:
        await scene.sync.wait()
    assert logged[0]["event"] == "working by the machine's clock"
    assert logged[0]["remedy"] == "Run: postrail topics apply"


async def test_switching_to_an_unavailable_server_fails(scene: Scene) -> None:
    scene.postgres.is_up = False
    with pytest.raises(TransientError):
        await scene.sync.switch_to("PostgreSQL", scene.postgres.measure)


async def test_a_server_whose_clock_was_set_forward_is_followed(scene: Scene) -> None:
    await scene.sync.measure()
    scene.kafka.ahead = HOUR
    await scene.pass_seconds(20)
    assert scene.reading == pytest.approx(HOUR, abs=1e-5)


async def test_a_measurement_of_the_server_before_is_dropped(scene: Scene) -> None:
    await scene.sync.measure()
    waiting, goes_on = asyncio.Event(), asyncio.Event()

    async def slow() -> Sample | None:
        waiting.set()
        await goes_on.wait()
        return Sample(scene.steady, scene.steady, START.timestamp() + 5 * HOUR)

    sync = ClockSync(scene.clock, scene.health, "Kafka", slow)
    measuring = asyncio.create_task(sync.measure())
    await waiting.wait()
    await sync.switch_to("PostgreSQL", scene.postgres.measure)
    goes_on.set()
    await measuring
    assert scene.reading == pytest.approx(0, abs=1e-5)
