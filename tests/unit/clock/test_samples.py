"""Tests the estimate of a server's clock by scripted samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.clock.samples import Sample, Samples

SERVER = 1_772_000_000.0


def sample(
    at: float, *, round_trip: float = 0.001, late: float = 0.0, ahead: float = 0.0
) -> Sample:
    """Reads a server that is SERVER ahead of steady seconds, `late` after the middle."""
    server = SERVER + at + round_trip / 2 + late + ahead
    return Sample(sent=at, received=at + round_trip, server=server)


def test_the_sample_with_the_smallest_round_trip_counts() -> None:
    samples = Samples()
    samples.add(sample(0, round_trip=0.5, late=0.2))
    samples.add(sample(1, round_trip=0.002))
    assert samples.add(sample(2, round_trip=0.9, late=-0.4)) == pytest.approx(SERVER, abs=1e-5)


def test_an_old_sample_gives_way_as_clocks_drift() -> None:
    samples = Samples()
    samples.add(sample(0, round_trip=0.001))
    drifted = samples.add(sample(600, round_trip=0.02, ahead=0.03))
    assert drifted == pytest.approx(SERVER + 0.03, abs=1e-5)


def test_one_sample_that_contradicts_the_others_is_dropped() -> None:
    samples = Samples()
    samples.add(sample(0))
    assert samples.add(sample(1, ahead=3600)) == pytest.approx(SERVER, abs=1e-5)
    assert samples.add(sample(2)) == pytest.approx(SERVER, abs=1e-5)
    assert samples.add(sample(3, ahead=-3600)) == pytest.approx(SERVER, abs=1e-5)
    assert samples.add(sample(4, ahead=3600)) == pytest.approx(SERVER, abs=1e-5)


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_two_samples_that_agree_replace_the_others(ahead: float) -> None:
    samples = Samples()
    for at in range(10):
        samples.add(sample(at))
    samples.add(sample(10, ahead=ahead))
    assert samples.add(sample(11, ahead=ahead)) == pytest.approx(SERVER + ahead, abs=1e-5)


def test_a_frozen_measurement_moves_nothing() -> None:
    # The process was stopped after the question, for longer than any claim.
    samples = Samples()
    samples.add(sample(0))
    offset = samples.add(sample(10, round_trip=900, late=-450))
    assert offset == pytest.approx(SERVER, abs=1e-5)


@given(st.lists(st.tuples(st.floats(1e-4, 30), st.floats(-0.5, 0.5)), min_size=1, max_size=40))
def test_the_estimate_is_never_worse_than_the_newest_sample(
    trips: list[tuple[float, float]],
) -> None:
    samples, at = Samples(), 0.0
    for round_trip, skew in trips:
        at += 100
        offset = samples.add(sample(at, round_trip=round_trip, late=skew * round_trip))
        assert abs(offset - SERVER) <= round_trip / 2 + 1e-5
