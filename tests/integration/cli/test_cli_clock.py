"""Tests that commands on a machine whose clock is wrong write PostgreSQL's times."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.faulty.shifted_clock import Shift
from tests.servers.table_times import foreign_times, time_of

REPOSITORY = Path(__file__).parents[3]
FILE = """
projects:
  - key: HELP
    name: Help
connections:
  - name: out
    host: localhost
    from_address: help@example.org
accounts:
  - name: help
    host: localhost
    username: help
    password: secret
    address: help@example.org
    project: HELP
"""
COMMANDS = (
    ("migrate",),
    ("instance", "adopt", "postrail"),
    ("topics", "apply"),
    ("apply", "-f", "postrail.yaml"),
    ("accounts", "disable", "help"),
    ("accounts", "enable", "help"),
    ("accounts", "reconcile", "help", "--wait", "0"),
    ("secrets", "reseal"),
)


@pytest.mark.parametrize("seconds", [-31 * 86400.0, 3600.0], ids=["31 days behind", "ahead"])
def test_commands_write_the_times_of_postgresql(
    environment: dict[str, str], empty_database_url: str, tmp_path: Path, seconds: float
) -> None:
    (tmp_path / "postrail.yaml").write_text(FILE)
    shift = Shift(tmp_path / "shift", seconds)
    since = time_of(empty_database_url)
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, *shift.command("services.cli", *command)],
            cwd=tmp_path,
            env={
                **os.environ,
                **environment,
                "POSTRAIL_DATABASE__URL": empty_database_url,
                "PYTHONPATH": str(REPOSITORY),
            },
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    foreign, count = foreign_times(empty_database_url, since)
    assert foreign == []
    assert count > 5
