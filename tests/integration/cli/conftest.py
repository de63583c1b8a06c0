"""Commands on real servers, in an empty folder, and an installation that is not empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from postrail.settings import Settings
from tests.makers.commands import Postrail, commands_in
from tests.makers.installation import Filled, filled_installation


@pytest.fixture
def postrail(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Postrail:
    return commands_in(tmp_path, environment, monkeypatch, capfdbinary)


@pytest.fixture
def filled(settings: Settings) -> Filled:
    return filled_installation(settings)
