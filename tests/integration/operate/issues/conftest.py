"""Configures the projects HELP and SALE and their people."""

from __future__ import annotations

import pytest

from tests.integration.operate.conftest import Configure
from tests.integration.operate.issues.scene import configure


@pytest.fixture
def configured_by() -> Configure:
    """Returns what fills the database."""
    return configure
