"""An office with its setup of approvals, whose services the test starts."""

from __future__ import annotations

import pytest

from tests.acceptance.approvals.office import Office
from tests.acceptance.handlers.desk import Desk


@pytest.fixture
def office(stopped_desk: Desk) -> Office:
    made = Office(stopped_desk)
    made.apply()
    return made
