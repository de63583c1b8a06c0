"""Commands in the environment of the services, and a running installation for a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.handlers.desk import Desk
from tests.makers.commands import Postrail, commands_in
from tests.processes.pipeline import Pipeline
from tests.servers.dovecot import Dovecot


@pytest.fixture
def postrail(
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Postrail:
    return commands_in(tmp_path, environment, monkeypatch, capsys)


@pytest.fixture
def stopped_desk(
    own_folder: Path,
    environment: dict[str, str],
    dovecot: Dovecot,
    tmp_path: Path,
    postrail: Postrail,
) -> Iterator[Desk]:
    """Makes a desk whose services the test starts."""
    with Pipeline(own_folder, environment, dovecot) as pipeline:
        yield Desk(pipeline, postrail, tmp_path)
        pipeline.show_logs()


@pytest.fixture
def desk(stopped_desk: Desk) -> Desk:
    stopped_desk.pipeline.start()
    return stopped_desk
