"""A running installation for each scenario."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.handlers.desk import Desk
from tests.makers.commands import Postrail
from tests.processes.pipeline import Pipeline
from tests.servers.dovecot import Dovecot


@pytest.fixture
def desk(
    own_folder: Path,
    environment: dict[str, str],
    dovecot: Dovecot,
    tmp_path: Path,
    postrail: Postrail,
) -> Iterator[Desk]:
    with Pipeline(own_folder, environment, dovecot) as pipeline:
        pipeline.start()
        yield Desk(pipeline, postrail, tmp_path)
        pipeline.show_logs()
