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
from tests.integration.operate.issues.scene import AGENT, new_issue, query

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


KEYS = (
    "SELECT issue_key, merged_into, (SELECT count(*) FROM issue_change),"
    " (SELECT count(*) FROM issue_alias), (SELECT count(*) FROM comment),"
    " (SELECT count(*) FROM outbox WHERE topic = 'issue.changed') FROM issue ORDER BY issue_key"
)
BEFORE = [("HELP-1", None, 0, 0, 0, 0), ("HELP-2", None, 0, 0, 0, 0)]
MOVED = [("HELP-1", None, 1, 1, 0, 1), ("SALE-1", None, 1, 1, 0, 1)]
MERGED = [("HELP-1", None, 2, 1, 1, 2), ("HELP-2", "HELP-1", 2, 1, 1, 2)]


@pytest.mark.parametrize(
    ("act", "point", "effects"),
    [
        ("move", "move: changed", BEFORE),
        ("move", "act: recorded", BEFORE),
        ("move", "act: published", BEFORE),
        ("move", "move: committed", MOVED),
        ("merge", "merge: changed", BEFORE),
        ("merge", "act: recorded", BEFORE),
        ("merge", "act: published", BEFORE),
        ("merge", "merge: committed", MERGED),
    ],
)
async def test_a_killed_move_or_merge_has_all_effects_or_none(
    pool: Pool,
    issue: str,
    environment: dict[str, str],
    act: str,
    point: str,
    effects: list[tuple[Any, ...]],
) -> None:
    second = await new_issue(pool)
    settings = {**os.environ, **environment}
    arguments = ["issues", act, second, "SALE" if act == "move" else issue]
    command = [sys.executable, "-m", "tests.processes.faulty.killed_at", point, *arguments]
    assert await asyncio.to_thread(ended, command, settings) == -signal.SIGKILL
    assert await query(pool, KEYS) == effects
    again = [sys.executable, "-m", "services.cli", *arguments]
    # What is done already is refused.
    code = await asyncio.to_thread(ended, again, settings)
    assert code == (0 if effects == BEFORE else 1)
    assert await query(pool, KEYS) == (MOVED if act == "move" else MERGED)


def ended(command: list[str], settings: dict[str, str]) -> int:
    """Runs a command and returns its exit code."""
    return subprocess.run(command, cwd=REPOSITORY, env=settings, timeout=60, check=False).returncode
