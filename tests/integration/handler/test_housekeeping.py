"""The handler's daily work: it finds what no listing of the blob store shows."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from postrail.blobs import BlobStore
from postrail.database import one, rows, transaction
from postrail.errors import TransientError
from postrail.outgoing import notices
from postrail.tracker.builtin.moves import move_issue
from postrail.tracker.builtin.search_text import PAGE_ROWS, write_issue_words
from postrail.tracker.builtin.tracker import BuiltinTracker
from services.handler.housekeeping import (
    CLEAN_SECONDS,
    FIRST_CLEAN_SECONDS,
    SEARCH_SECONDS,
    Housekeeping,
)
from tests.integration.handler.bench import Bench
from tests.makers.drafts import comment_draft, issue_draft
from tests.makers.records import NOON
from tests.servers.databases import until_lock_waits_in


async def test_unfinished_blobs_are_removed_with_the_daily_work(bench: Bench) -> None:
    folder = Path(urlsplit(bench.blobs.url).path)
    left = folder / "blobs" / "ab" / ("ab" * 32 + "#1")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"part")
    old = (bench.clock.now() - timedelta(days=2)).timestamp()
    os.utime(left, (old, old))
    housekeeping = Housekeeping(bench.process(), bench.pool, bench.blobs)
    await housekeeping._round()
    assert left.exists()
    bench.clock.move(FIRST_CLEAN_SECONDS)
    await housekeeping._round()
    assert not left.exists()


async def test_notices_are_forgotten_once_they_may_be_sent_again(bench: Bench) -> None:
    housekeeping = Housekeeping(bench.process(), bench.pool, bench.blobs)
    bench.clock.move(FIRST_CLEAN_SECONDS)
    async with transaction(bench.pool) as connection:
        now = bench.clock.now()
        await notices.due(connection, ["old"], now - timedelta(hours=1))
        await notices.due(connection, ["new"], now - timedelta(minutes=59))
    await housekeeping._round()
    assert await bench.rows("SELECT cause FROM notice") == [("new",)]


async def test_a_step_that_fails_keeps_no_other_and_waits_for_its_next_time(bench: Bench) -> None:
    await bench.blobs.archive(bench.clock.now().date() - timedelta(days=40), "m", "i", 1, [b"x"])
    blobs = WithoutTime(bench.blobs.url)
    kept = bench.settings.blobs.model_copy(update={"archive_days": 30})
    process = replace(bench.process(), settings=bench.settings.model_copy(update={"blobs": kept}))
    housekeeping = Housekeeping(process, bench.pool, blobs)
    bench.clock.move(FIRST_CLEAN_SECONDS)
    await housekeeping._round()
    assert not list(Path(urlsplit(bench.blobs.url).path).rglob("*.eml"))
    await housekeeping._round()
    assert blobs.asked == 1
    bench.clock.move(CLEAN_SECONDS)
    await housekeeping._round()
    assert blobs.asked == 2


async def test_issues_and_comments_older_than_the_search_get_their_words(bench: Bench) -> None:
    await old_issues(bench, PAGE_ROWS + 1)
    await Housekeeping(bench.process(), bench.pool, bench.blobs)._round()
    assert await found(bench, "fire") == PAGE_ROWS + 1
    assert await found(bench, "water") == PAGE_ROWS + 1
    # Parts of summaries and addresses are found, too.
    assert await found(bench, "':sfir' & ':r@ex'") == PAGE_ROWS + 1


async def test_search_words_are_added_for_a_time_only_and_then_once_a_day(bench: Bench) -> None:
    await old_issues(bench, PAGE_ROWS + 1)
    housekeeping = Housekeeping(
        bench.process(), cast(Any, PoolThatTakes(bench, SEARCH_SECONDS)), bench.blobs
    )
    await housekeeping._renew_search_words()
    assert 0 < await found(bench, "fire") < PAGE_ROWS + 1
    for _ in range(10):
        await housekeeping._round()
    assert await found(bench, "fire") == PAGE_ROWS + 1
    await execute(bench, "DELETE FROM issue_text")
    await housekeeping._round()
    assert await found(bench, "fire") == 0
    bench.clock.move(CLEAN_SECONDS)
    for _ in range(10):
        await housekeeping._round()
    assert await found(bench, "fire") == PAGE_ROWS + 1


async def test_words_that_a_change_writes_meanwhile_stay(bench: Bench) -> None:
    await old_issues(bench, 1)
    async with transaction(bench.pool) as changing:
        await changing.execute("UPDATE issue SET summary = 'Flood'")
        await write_issue_words(changing, ["HELP-1"])
        # It reads the summary as it was, and waits for the row of the change.
        adding = asyncio.create_task(
            Housekeeping(bench.process(), bench.pool, bench.blobs)._renew_search_words()
        )
        await until_lock_waits_in(bench.pool)
    await adding
    assert (await found(bench, "flood"), await found(bench, "fire")) == (1, 0)


async def test_issues_that_move_meanwhile_get_their_words_by_the_move(bench: Bench) -> None:
    await old_issues(bench, 2)
    housekeeping = Housekeeping(bench.process(), bench.pool, bench.blobs)
    async with transaction(bench.pool) as moving:
        await move_issue(moving, "HELP-1", "SALE", {"type": "Request", "status": "Open"})
        async with asyncio.timeout(20):
            await housekeeping._renew_search_words()
        assert (await found(bench, "fire"), await found(bench, "water")) == (1, 1)
    assert (await found(bench, "fire"), await found(bench, "water")) == (2, 2)


@pytest.mark.logs_errors("housekeeping failed")
async def test_a_step_with_an_unexpected_fault_keeps_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await old_issues(bench, 1)
    housekeeping = Housekeeping(bench.process(), bench.pool, bench.blobs)

    async def fail() -> None:
        raise ValueError("not expected")

    monkeypatch.setattr(housekeeping, "_count_unaccounted", fail)
    await housekeeping._round()
    assert await found(bench, "fire") == 1


async def test_words_follow_the_language_of_the_project(bench: Bench) -> None:
    await old_issues(bench, 3)
    housekeeping = Housekeeping(bench.process(), bench.pool, bench.blobs)
    await housekeeping._round()
    await execute(bench, "UPDATE issue SET summary = 'Brennende Drucker'")
    await execute(bench, "UPDATE comment SET body = 'Brennende Drucker'")
    await execute(bench, "UPDATE issue_text SET beginning = 'Feuer'")
    bench.clock.move(CLEAN_SECONDS)
    await housekeeping._round()
    # Rows of the language stay as they are.
    assert await found(bench, "brennend") == 0
    await execute(bench, "UPDATE project SET language = 'de' WHERE project_key = 'HELP'")
    await execute(bench, "UPDATE issue SET description_blob = 'd'")
    bench.clock.move(CLEAN_SECONDS)
    await housekeeping._round()
    assert await found(bench, "brennend") == 6
    # Beginnings of texts in blobs stay found.
    assert await found(bench, "feu") == 3


async def test_a_change_of_words_beside_a_change_of_the_language_stays(bench: Bench) -> None:
    await old_issues(bench, 2)
    housekeeping = Housekeeping(bench.process(), bench.pool, bench.blobs)
    await housekeeping._round()
    async with transaction(bench.pool) as changing:
        await changing.execute("UPDATE issue SET summary = 'Flood' WHERE issue_key = 'HELP-1'")
        # It writes by the language before.
        await write_issue_words(changing, ["HELP-1"])
        await execute(bench, "UPDATE project SET language = 'de' WHERE project_key = 'HELP'")
        async with asyncio.timeout(20):
            await housekeeping._renew_search_words()
        assert await languages(bench) == {"HELP-1": "en", "HELP-2": "de"}
    await housekeeping._renew_search_words()
    assert await languages(bench) == {"HELP-1": "de", "HELP-2": "de"}
    assert (await found(bench, "flood"), await found(bench, "fire")) == (1, 1)


async def test_merged_issues_get_no_words(bench: Bench) -> None:
    await old_issues(bench, 2)
    await execute(bench, "UPDATE issue SET merged_into = 'HELP-2' WHERE issue_key = 'HELP-1'")
    await Housekeeping(bench.process(), bench.pool, bench.blobs)._round()
    assert await found(bench, "fire") == 1


async def old_issues(bench: Bench, count: int) -> None:
    """Makes issues with a comment each, as they are before the search."""
    async with transaction(bench.pool) as connection:
        drafts = [issue_draft(summary="Fire", description="") for _ in range(count)]
        keys = await BuiltinTracker().create_issues(connection, drafts, NOON)
        comments = [comment_draft(key, body="Water") for key in keys]
        await BuiltinTracker().add_comments(connection, comments, NOON)
        await connection.execute("DELETE FROM issue_text")


async def execute(bench: Bench, statement: str) -> None:
    async with transaction(bench.pool) as connection:
        await connection.execute(statement.encode())


async def found(bench: Bench, words: str) -> int:
    async with transaction(bench.pool) as connection:
        row = await one(
            connection, "SELECT count(*) FROM issue_text WHERE words @@ %s::tsquery", [words]
        )
    return int(row[0]) if row else 0


async def languages(bench: Bench) -> dict[str, str]:
    """Returns the languages of the words of issues, by the issues' keys."""
    async with transaction(bench.pool) as connection:
        found = await rows(
            connection, "SELECT issue_key, language FROM issue_text WHERE comment_id IS NULL"
        )
    return dict(found)


class PoolThatTakes:
    """A pool with which each transaction takes some seconds."""

    def __init__(self, bench: Bench, seconds: float) -> None:
        self._bench = bench
        self._seconds = seconds

    def connection(self) -> Any:
        self._bench.clock.move(self._seconds + 0.1)
        return self._bench.pool.connection()


class WithoutTime(BlobStore):
    """A store whose collection fails."""

    asked = 0

    async def time(self) -> datetime:
        self.asked += 1
        raise TransientError("no time")
