"""The ledger of keys in PostgreSQL: numbers only grow, so that no message is skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postrail.database import Pool, open_pool, rows, transaction
from postrail.mailbox_state import ledger as mailbox_ledger
from postrail.mailbox_state import sync_state
from postrail.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    found = await open_pool(settings.database)
    yield found
    await found.close()


async def numbered(
    pool: Pool,
    *keys: str,
    mailbox: str = "support",
    whole: bool = True,
    now: datetime = NOW,
) -> dict[str, int]:
    async with transaction(pool) as connection:
        return await mailbox_ledger.number(connection, mailbox, "INBOX", keys, whole=whole, now=now)


async def read_up_to(pool: Pool, number: int, *recorded: str) -> None:
    """Records a batch that ended with this number and had these keys."""
    async with transaction(pool) as connection:
        state = await sync_state.begin(connection, "support", "INBOX", 0, NOW)
        await mailbox_ledger.mark_recorded(connection, "support", "INBOX", recorded)
        await sync_state.advance(connection, replace(state, last_uid=number), NOW)


async def test_numbers_grow_in_the_order_listed_and_stay(pool: Pool) -> None:
    first = await numbered(pool, "c", "a", "b")
    assert sorted(first, key=first.__getitem__) == ["c", "a", "b"]
    later = await numbered(pool, "new", "b", "a", "c")
    assert later.pop("new") > max(first.values())
    assert later == first


async def test_each_mailbox_has_its_own(pool: Pool) -> None:
    mine = await numbered(pool, "a")
    assert (await numbered(pool, "a", mailbox="sales"))["a"] != mine["a"]
    assert await numbered(pool, "a") == mine


async def test_a_key_that_had_gone_when_its_turn_came_gets_a_new_number(pool: Pool) -> None:
    numbers = await numbered(pool, "a", "b", "c")
    # Only b could still be read.
    await read_up_to(pool, numbers["b"], "b")
    again = await numbered(pool, "a", "b", "c")
    assert again["b"] == numbers["b"]
    assert again["c"] == numbers["c"]
    assert again["a"] > numbers["c"]


async def test_the_state_of_another_uidvalidity_is_ignored(pool: Pool) -> None:
    numbers = await numbered(pool, "a")
    async with transaction(pool) as connection:
        state = await sync_state.begin(connection, "support", "INBOX", 7, NOW)
        await sync_state.advance(connection, replace(state, last_uid=2**31), NOW)
    assert await numbered(pool, "a") == numbers


@pytest.mark.parametrize(("days", "known"), [(29, True), (31, False)])
async def test_a_missing_key_is_forgotten_after_30_days(pool: Pool, days: int, known: bool) -> None:
    numbers = await numbered(pool, "a", "b")
    await read_up_to(pool, numbers["b"], "a", "b")
    await numbered(pool, "b")
    later = NOW + timedelta(days=days)
    await numbered(pool, "b", now=later)
    assert ((await numbered(pool, "a", "b", now=later))["a"] == numbers["a"]) is known


async def test_a_partial_listing_forgets_nothing(pool: Pool) -> None:
    await numbered(pool, "a", "b")
    await numbered(pool, "c", whole=False)
    async with transaction(pool) as connection:
        gone = await rows(connection, "SELECT key FROM mailbox_ledger WHERE gone_since IS NOT NULL")
    assert gone == []


async def test_an_empty_listing_counts_as_a_listing(pool: Pool) -> None:
    await numbered(pool, "a")
    assert await numbered(pool) == {}
    async with transaction(pool) as connection:
        gone = await rows(connection, "SELECT key FROM mailbox_ledger WHERE gone_since IS NOT NULL")
    assert gone == [("a",)]
