"""Commands in the environment of the services."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers.commands import Postrail, commands_in


@pytest.fixture
def postrail(
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Postrail:
    return commands_in(tmp_path, environment, monkeypatch, capsys)
