"""Acts whose process is killed: each has all of its effects or none, and may be repeated."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from postrail.database import Pool
from tests.integration.operate.issues.scene import AGENT, query

REPOSITORY = Path(__file__).parents[4]
EFFECTS = (
    "SELECT (SELECT status FROM issue), (SELECT count(*) FROM issue_change),"
    " (SELECT count(*) FROM delivery), (SELECT array_agg(topic ORDER BY topic) FROM outbox)"
)
NONE = ("Open", 0, 0, None)
ALL = ("Done", 2, 1, ["issue.changed", "outgoing.queued"])
ACT = ("issues", "transition", "HELP-1", "Done", "--author", AGENT.address)


@pytest.mark.parametrize(
    ("point", "effects"),
    [
        ("act: locked", NONE),
        ("act: changed", NONE),
        ("act: recorded", NONE),
        ("act: notified", NONE),
        ("act: published", NONE),
        ("act: committed", ALL),
    ],
)
async def test_a_killed_act_has_all_effects_or_none(
    pool: Pool,
    issue: str,
    environment: dict[str, str],
    point: str,
    effects: tuple[Any, ...],
) -> None:
    command = [sys.executable, "-m", "tests.processes.faulty.killed_at", point, *ACT]
    settings = {**os.environ, **environment}
    assert await asyncio.to_thread(ended, command, settings) == -signal.SIGKILL
    assert await query(pool, EFFECTS) == [effects]
    again = [sys.executable, "-m", "services.cli", *ACT]
    assert await asyncio.to_thread(ended, again, settings) == 0
    assert await query(pool, EFFECTS) == [ALL]


def ended(command: list[str], settings: dict[str, str]) -> int:
    """Runs a command and returns its exit code."""
    return subprocess.run(command, cwd=REPOSITORY, env=settings, timeout=60, check=False).returncode
