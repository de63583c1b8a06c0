"""Measures lists by each kind of filter, search, the view of a long issue, and an act."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from postrail.database import Pool, open_pool, transaction
from postrail.errors import LimitExceeded
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.edit import Edits, edit
from postrail.query.parse import parse
from postrail.settings import DatabaseSettings
from postrail.views.issue_detail import issue_detail
from postrail.views.issue_search import found_issues

RUNS = 15
# In the place of the number of rows: the statement took longer than its limit.
CUT_OFF = -1
USER = "agent7@desk.example"

QUERIES = (
    "",
    "project = HELP",
    "project = SALE AND status != Done",
    "key = HELP-77",
    "type = Bug",
    "type = Incident",
    "status = Open",
    "status = Waiting",
    "category = done",
    "category != done AND project = HELP",
    "resolution = Duplicate",
    "resolution IS EMPTY",
    "priority = High",
    "priority = Highest",
    "priority > Medium AND status = Open",
    "assignee = currentUser() AND status != Done",
    "assignee IS EMPTY",
    'assignee IN membersOf("night")',
    'assignee ~ "agent20"',
    "reporter = customer77@company77.example",
    'reporter ~ "@company77.example"',
    'reporter ~ "customer"',
    'reporter ~ "nobody here"',
    'project = HELP AND status != Done AND reporter ~ "@company77.example" ORDER BY updated DESC',
    "watcher = customer77@company77.example",
    'watcher ~ "@company77.example"',
    'watcher ~ "example"',
    "labels = comet",
    "labels = label3",
    "labels IS EMPTY",
    "components = Attic",
    'summary ~ "ZEPPELIN"',
    'summary ~ "print"',
    'summary ~ "zz"',
    'summary ~ "not there"',
    'summary !~ "printer"',
    "created >= -1h",
    "created < -300d ORDER BY created",
    "updated >= -1d AND updated < startOfDay()",
    "resolved >= -1d",
    "due < now() AND status != Done",
    "due = 2026-06-01",
    "Size = 77",
    "Size < 1",
    "Site = Atlantis",
    "Site = Berlin",
    "Site IS EMPTY",
    'text ~ "hummingbird"',
    'text ~ "hummingbirds zeppelin"',
    'text ~ "nowhere"',
    'text ~ "restart"',
    'text ~ "error" AND status = Open',
    'text ~ "zeppelin" OR labels = comet',
    "NOT (status = Done OR status = Open)",
    "ORDER BY priority DESC, updated DESC",
    "project = HELP ORDER BY key",
)


@dataclass(frozen=True)
class Measured:
    """An operation, its median and longest time, and the rows that it found."""

    name: str
    median_ms: float
    longest_ms: float
    rows: int


async def measured(url: str, issues: int) -> list[Measured]:
    """Measures everything on a filled database."""
    pool = await open_pool(DatabaseSettings(url=SecretStr(url)))
    try:
        found = [await _timed(text or "(all)", _listing(pool, text)) for text in QUERIES]
        found.append(await _timed("show an issue with 500 comments", _shown(pool)))
        found.append(await _timed("edit an issue", _edits(pool, issues)))
        return found
    finally:
        await pool.close()


async def _timed(name: str, act: Callable[[], Awaitable[int]]) -> Measured:
    times: list[float] = []
    rows = 0
    while len(times) < RUNS and rows != CUT_OFF:
        start = time.perf_counter()
        try:
            rows = await act()
        except LimitExceeded:
            # The others are measured all the same.
            rows = CUT_OFF
        times.append((time.perf_counter() - start) * 1000)
    return Measured(name, statistics.median(times), max(times), rows)


def _listing(pool: Pool, text: str) -> Callable[[], Awaitable[int]]:
    async def list_issues() -> int:
        async with transaction(pool) as connection:
            now = datetime.now(UTC)
            return len(await found_issues(connection, parse(text), now=now, current_user=USER))

    return list_issues


def _shown(pool: Pool) -> Callable[[], Awaitable[int]]:
    async def show() -> int:
        async with transaction(pool) as connection:
            return len((await issue_detail(connection, "HELP-1")).comments)

    return show


def _edits(pool: Pool, issues: int) -> Callable[[], Awaitable[int]]:
    number = 0

    async def change() -> int:
        nonlocal number
        number += 1
        desk = Desk(
            pool=pool, message_id_key=b"k" * 32, excerpt_max_characters=1000, now=datetime.now(UTC)
        )
        edits = Edits(values={"summary": f"Edited {number} {time.time()}"})
        key = number * (issues // 20)
        project = "SALE" if key % 4 == 0 else "HELP"
        return len((await edit(desk, Actor(name="bench"), f"{project}-{key}", edits)).changes)

    return change
