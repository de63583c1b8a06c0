"""A health whose time the test sets."""

from __future__ import annotations

import pytest

from postrail.observe.health import Health
from tests.fakes.monotonic import Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def health(time: Time) -> Health:
    return Health(silent_after_seconds=60, monotonic=time)
