"""Tests the clock that processes share, by steady seconds and offsets that the tests choose."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postrail.clock.shared_clock import CORRECTION_RATE, JUMP_SECONDS, SharedClock

START = datetime(2026, 3, 5, 12, tzinfo=UTC)


class Machine:
    """A machine whose clocks a test moves, each on its own."""

    def __init__(self) -> None:
        self.steady = 1000.0
        self.time = START
        self.clock = SharedClock(steady=lambda: self.steady, machine=lambda: self.time)

    def offset(self, ahead_seconds: float = 0.0) -> float:
        """Returns the offset of a server that is ahead of START by this at this moment."""
        return (START + timedelta(seconds=ahead_seconds)).timestamp() - self.steady

    def pass_seconds(self, seconds: float) -> None:
        self.steady += seconds
        self.time += timedelta(seconds=seconds)

    @property
    def reading(self) -> float:
        """Returns the seconds that the shared clock shows after START."""
        return (self.clock.now() - START).total_seconds()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_it_tells_the_machines_time_until_the_first_offset(machine: Machine) -> None:
    assert machine.clock.now() == START

    machine.clock.correct(machine.offset(-3600))

    assert machine.clock.is_set
    assert machine.reading == -3600


@pytest.mark.parametrize("hours", [-31 * 24, -1, 1])
def test_a_step_of_the_machines_clock_does_not_move_it(machine: Machine, hours: int) -> None:
    machine.clock.correct(machine.offset())

    machine.pass_seconds(5)
    machine.time += timedelta(hours=hours)

    assert machine.reading == pytest.approx(5, abs=1e-5)
    assert machine.clock.machine_ahead_seconds == pytest.approx(hours * 3600, abs=1e-5)


def test_a_small_correction_is_spread_over_time(machine: Machine) -> None:
    machine.clock.correct(machine.offset())
    machine.clock.correct(machine.offset(0.1))
    assert machine.reading == pytest.approx(0, abs=1e-5)

    machine.pass_seconds(0.1)
    assert machine.reading == pytest.approx(0.15, abs=1e-5)
    machine.pass_seconds(0.4)
    assert machine.reading == pytest.approx(0.6, abs=1e-5)


def test_it_jumps_forward_when_it_is_far_behind(machine: Machine) -> None:
    machine.clock.correct(machine.offset())
    machine.clock.correct(machine.offset(3600))
    assert machine.reading == pytest.approx(3600, abs=1e-5)


def test_it_waits_for_a_server_whose_clock_went_back(machine: Machine) -> None:
    machine.clock.correct(machine.offset())
    machine.clock.correct(machine.offset(-10))
    assert machine.reading == pytest.approx(0, abs=1e-5)

    machine.pass_seconds(10)
    assert machine.reading == pytest.approx(5, abs=1e-5)
    machine.pass_seconds(20)
    assert machine.reading == pytest.approx(20, abs=1e-5)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e5),
            st.floats(-5e6, 5e6),
            st.lists(st.floats(0, 100), max_size=5),
        ),
        max_size=20,
    )
)
@example([(1.0, 0.0, [1.9713327353486463, 5.960464477539063e-08])])
def test_it_never_goes_back(
    steps: list[tuple[float, float, list[float]]],
) -> None:
    machine = Machine()
    machine.clock.correct(machine.offset())
    before = machine.clock.now()
    for seconds, ahead, pauses in steps:
        machine.steady += seconds
        assert machine.clock.now() >= before
        machine.clock.correct(machine.offset(ahead))
        for pause in pauses:
            machine.steady += pause
            now = machine.clock.now()
            assert now >= before
            before = now


@given(st.floats(-1e5, 1e5))
def test_it_arrives_at_the_servers_time(ahead: float) -> None:
    machine = Machine()
    machine.clock.correct(machine.offset())
    machine.clock.correct(machine.offset(ahead))
    needed = max(JUMP_SECONDS, -ahead) / CORRECTION_RATE
    machine.pass_seconds(needed)
    assert machine.reading == pytest.approx(ahead + needed, abs=1e-4)
