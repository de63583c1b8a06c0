"""Who answers for whom, in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from postrail.approvals import delegations, store
from postrail.approvals.delegations import Delegation
from postrail.approvals.request import NewAssignment
from postrail.database import Connection, open_pool, transaction
from postrail.settings import DatabaseSettings
from tests.makers.approvals.requests import ANA, BEN, CHO, new_request
from tests.makers.records import NOON

HOUR = timedelta(hours=1)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    pool = await open_pool(DatabaseSettings.model_validate({"url": database_url}))
    async with transaction(pool) as opened:
        yield opened
    await pool.close()


async def delegate(connection: Connection, delegator: str, to: str) -> Delegation:
    return await delegations.add(
        connection,
        delegator,
        to,
        begins_at=NOON,
        ends_at=NOON + 2 * HOUR,
        made_by=CHO,
        now=NOON - HOUR,
    )


async def test_a_delegation_holds_between_its_times(connection: Connection) -> None:
    made = await delegate(connection, ANA.upper(), BEN)
    assert (made.delegator, made.delegate, made.made_by) == (ANA, BEN, CHO)
    for at, holds in (
        (NOON - HOUR, False),
        (NOON, True),
        (NOON + HOUR, True),
        (NOON + 2 * HOUR, False),
    ):
        assert made.holds(at) == holds, at
        assert await delegations.active(connection, [ANA], at) == ([made] if holds else []), at
    assert await delegations.active(connection, [BEN, CHO], NOON) == []


async def test_the_same_delegation_is_made_once(connection: Connection) -> None:
    made = await delegate(connection, ANA, BEN)
    assert await delegate(connection, ANA, BEN) == made
    other = await delegate(connection, ANA, CHO)
    assert await delegations.listed(connection) == [made, other]
    assert await delegations.active(connection, [ANA], NOON) == [made, other]


async def test_a_delegation_is_made_longer(connection: Connection) -> None:
    made = await delegate(connection, ANA, BEN)
    for begin, end, known in (
        (NOON + HOUR, NOON + 9 * HOUR, True),
        (NOON - HOUR, NOON + HOUR, True),
        (NOON + 10 * HOUR, NOON + 11 * HOUR, False),
    ):
        again = await delegations.add(
            connection, ANA, BEN, begins_at=begin, ends_at=end, made_by=CHO, now=NOON
        )
        assert (again.delegation_id == made.delegation_id) is known
    found = (await delegations.by_id(connection, [made.delegation_id]))[made.delegation_id]
    assert (found.begins_at, found.ends_at) == (NOON - HOUR, NOON + 9 * HOUR)


async def test_a_delegation_ends_before_its_time(connection: Connection) -> None:
    made = await delegate(connection, ANA, BEN)
    ended = await delegations.end(connection, made.delegation_id, NOON + HOUR)
    assert ended is not None
    assert ended.ended_at == NOON + HOUR
    assert (ended.holds(NOON), ended.holds(NOON + HOUR)) == (True, False)
    assert await delegations.end(connection, made.delegation_id, NOON + HOUR) is None
    assert await delegations.active(connection, [ANA], NOON + HOUR) == []
    assert await delegations.by_id(connection, [made.delegation_id, 99]) == {
        made.delegation_id: ended
    }
    # It may be made again.
    again = await delegate(connection, ANA, BEN)
    assert again.delegation_id != made.delegation_id
    assert await delegations.end(connection, again.delegation_id, NOON + 3 * HOUR) is None


async def test_the_open_assignments_of_a_delegation_are_found(connection: Connection) -> None:
    made = await delegate(connection, ANA, BEN)
    request = await store.insert(connection, new_request())
    [_, own] = await store.add_assignments(
        connection,
        request.request_id,
        [
            NewAssignment(place=1, address=ANA),
            NewAssignment(place=1, address=BEN, answers_for=ANA, delegation_id=made.delegation_id),
        ],
    )
    assert await store.open_assignments_by(connection, made.delegation_id) == [own]
    assert (own.answers_for, own.delegation_id) == (ANA, made.delegation_id)
