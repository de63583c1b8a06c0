"""Configures people and approval setups."""

from __future__ import annotations

import pytest

from tests.integration.operate.approvals.scene import configure
from tests.integration.operate.conftest import Configure


@pytest.fixture
def configured_by() -> Configure:
    """Returns what fills the database."""
    return configure
