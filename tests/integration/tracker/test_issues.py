"""What we record about issues of any tracker, on real PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postrail.database import Pool, rows, transaction
from postrail.tracker import issues
from postrail.tracker.issues import (
    IndexedIssue,
    Involvement,
    NewIssue,
    Watcher,
)
from postrail.tracker.successors import record_merge
from postrail.tracker.taking_part import participants_of, taking_part
from tests.makers.drafts import CONVERSATION
from tests.makers.records import NOON
from tests.servers.databases import until_lock_waits_in

ADA = Watcher(address="ada@example.org", name="Ada")
BO = Watcher(address="bo@example.org", name="Bo")


def new_issue(key: str, project: str = "HELP", **fields: Any) -> NewIssue:
    return NewIssue(
        **{
            "tracker": "builtin",
            "issue_key": key,
            "project": project,
            "conversation": CONVERSATION,
            "summary": "Printer on fire",
            "first_message_id": None,
            **fields,
        }
    )


async def add(pool: Pool, *new: NewIssue) -> list[int]:
    async with transaction(pool) as connection:
        return await issues.add(connection, new, NOON)


@pytest.fixture
async def ids(pool: Pool) -> list[int]:
    """Returns the ids of HELP-1 and SALE-1."""
    return await add(
        pool,
        new_issue("HELP-1", first_message_id="<first@x>"),
        new_issue("SALE-1", "SALE", summary="Offer"),
    )


async def involve(pool: Pool, *involved: Involvement) -> None:
    async with transaction(pool) as connection:
        await issues.record_involvements(connection, involved)


async def read(pool: Pool, statement: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as connection:
        return await rows(connection, statement)


def involvement(issue_id: int, watcher: Watcher | None = None, **fields: Any) -> Involvement:
    return Involvement(
        **{
            "issue_id": issue_id,
            "watchers": (watcher,) if watcher else (),
            "participants": (),
            "arrived_at": None,
            **fields,
        }
    )


async def test_people_and_addresses_are_recorded_once(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    one = involvement(
        first,
        ADA,
        participants=("ada@example.org", "cy@example.org"),
        arrived_at="help@example.com",
    )
    await involve(pool, one, involvement(second, BO), one)
    await involve(pool, one)
    assert await read(pool, "SELECT issue_id, address, name FROM watcher ORDER BY issue_id") == [
        (first, ADA.address, "Ada"),
        (second, BO.address, "Bo"),
    ]
    assert await read(pool, "SELECT issue_id, address FROM participant ORDER BY address") == [
        (first, "ada@example.org"),
        (first, "cy@example.org"),
    ]
    assert await read(pool, "SELECT issue_id, address FROM issue_address") == [
        (first, "help@example.com")
    ]


async def test_a_watcher_is_the_same_one_in_capitals(pool: Pool, ids: list[int]) -> None:
    await involve(pool, involvement(ids[0], ADA))
    await involve(pool, involvement(ids[0], Watcher(address="Ada@Example.org", name="A.")))
    assert await read(pool, "SELECT address, name FROM watcher") == [(ADA.address, "Ada")]


async def test_a_further_address_is_noted(pool: Pool, ids: list[int]) -> None:
    await involve(pool, involvement(ids[0], arrived_at="help@example.com"))
    async with transaction(pool) as connection:
        for _ in range(2):
            await issues.note_addresses(connection, [(ids[0], "info@example.com")])
    assert await read(pool, "SELECT address FROM issue_address ORDER BY 1") == [
        ("help@example.com",),
        ("info@example.com",),
    ]


async def test_audiences_are_those_of_existing_issues(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    await involve(pool, involvement(first, BO), involvement(first, ADA))
    async with transaction(pool) as connection:
        found = await issues.lock_audiences(connection, [second, first, 999, first])
    assert set(found) == {first, second}
    assert found[first].watchers == (ADA, BO)
    assert (found[first].project, found[first].summary) == ("HELP", "Printer on fire")
    assert (found[second].project, found[second].summary) == ("SALE", "Offer")
    assert (found[second].watchers, found[second].conversation) == ((), CONVERSATION)
    assert (found[first].first_message_id, found[second].first_message_id) == ("<first@x>", None)
    assert (found[first].issue_key, found[second].issue_key) == ("HELP-1", "SALE-1")


async def test_participants_and_watchers_take_part(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    await involve(pool, involvement(first, participants=(ADA.address,)), involvement(second, BO))
    pairs = {(issue_id, who.address) for issue_id in (first, second) for who in (ADA, BO)}
    async with transaction(pool) as connection:
        assert await taking_part(connection, pairs) == {
            (first, ADA.address),
            (second, BO.address),
        }
        assert await taking_part(connection, []) == set()


async def test_who_sends_automatic_messages_alone_is_known(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    robots = ("cron@example.org", "nagios@example.org")
    for robot in robots:
        await involve(pool, involvement(first, participants=(robot, BO.address), robot=robot))
    await involve(pool, involvement(first, participants=(ADA.address,)))
    # Also written to, or a person's.
    await involve(
        pool, involvement(first, participants=(robots[0], ADA.address), robot=ADA.address)
    )
    expected = {ADA.address: False, BO.address: False, robots[0]: False, robots[1]: True}
    async with transaction(pool) as connection:
        assert await participants_of(connection, first) == expected
        found = await issues.lock(connection, ids)
        await record_merge(connection, found[first], found[second])
        assert await participants_of(connection, second) == expected


def indexed(issue_id: int, key: str, project: str = "HELP", **fields: Any) -> IndexedIssue:
    return IndexedIssue(
        issue_id=issue_id, issue_key=key, project=project, conversation=CONVERSATION, **fields
    )


async def test_issues_are_found_by_id_and_by_key(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    async with transaction(pool) as connection:
        assert await issues.by_id(connection, [second, 999]) == {
            second: indexed(second, "SALE-1", "SALE")
        }
        assert await issues.by_key(connection, ["HELP-1", "HELP-9"]) == {
            "HELP-1": indexed(first, "HELP-1")
        }
        assert await issues.by_id(connection, []) == {}
        assert await issues.by_key(connection, []) == {}


async def test_ids_come_in_the_order_of_the_issues(pool: Pool) -> None:
    keys = [f"HELP-{number}" for number in range(50, 0, -1)]
    ids = await add(pool, *map(new_issue, keys))
    async with transaction(pool) as connection:
        found = await issues.by_id(connection, ids)
    assert [found[issue_id].issue_key for issue_id in sorted(ids)] == keys
    assert ids == sorted(ids)


async def test_a_former_key_leads_to_the_issue_that_moved(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    async with transaction(pool) as connection:
        await issues.add_alias(connection, "builtin", "OLD-7", "OLD", first)
        assert await issues.by_key(connection, ["OLD-7"]) == {
            "OLD-7": indexed(first, "HELP-1", former_projects=("OLD",))
        }
        # It moved again, by a merge.
        await issues.add_alias(connection, "builtin", "OLD-7", "OLD", second)
        assert (await issues.by_key(connection, ["OLD-7"]))["OLD-7"].issue_id == second
        found = (await issues.by_key(connection, ["OLD-7"]))["OLD-7"]
    assert found == indexed(second, "SALE-1", "SALE", former_projects=("OLD",))


async def test_a_present_key_comes_before_a_former_one(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    async with transaction(pool) as connection:
        await issues.add_alias(connection, "builtin", "SALE-1", "SALE", first)
        assert (await issues.by_key(connection, ["SALE-1"]))["SALE-1"].issue_id == second


async def test_two_trackers_may_have_one_key(pool: Pool, ids: list[int]) -> None:
    (other,) = await add(pool, new_issue("HELP-1", tracker="jira"))
    assert other not in ids
    async with transaction(pool) as connection:
        found = await issues.by_key(connection, ["HELP-1"])
    assert found["HELP-1"].issue_id == ids[0]
    with pytest.raises(Exception, match="issue_index_issue_key_tracker_key"):
        await add(pool, new_issue("HELP-1", tracker="jira"))


@pytest.mark.parametrize("watching", [True, False])
async def test_a_handler_that_waits_for_a_person_holds_no_later_one(
    pool: Pool, ids: list[int], watching: bool
) -> None:
    """Two handlers that added the same people in other orders would wait for each other."""
    ada, bo = [
        involvement(ids[0], one if watching else None, participants=() if watching else (one.name,))
        for one in (ADA, BO)
    ]
    async with transaction(pool) as connection:
        await issues.record_involvements(connection, [ada])
        waiting = asyncio.create_task(involve(pool, bo, ada))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(10):
            await involve(pool, bo)
        assert not waiting.done()
    await waiting
    table = "watcher" if watching else "participant"
    assert await read(pool, f"SELECT count(*) FROM {table}") == [(2,)]


async def merge(pool: Pool, old: int, new: int) -> None:
    async with transaction(pool) as connection:
        await connection.execute(
            "UPDATE issue_index SET merged_into = %s WHERE issue_id = %s", [new, old]
        )


async def test_a_merged_issue_is_the_one_that_it_is_now(pool: Pool, ids: list[int]) -> None:
    first, second = ids
    await merge(pool, first, second)
    now = indexed(second, "SALE-1", "SALE")
    async with transaction(pool) as connection:
        assert await issues.by_id(connection, ids) == {first: now, second: now}
        assert await issues.by_key(connection, ["HELP-1"]) == {"HELP-1": now}
        assert await issues.lock(connection, ids) == {first: now, second: now}
        assert await issues.lock(connection, [first, 999]) == {first: now}
        assert await issues.lock_by_key(connection, ["HELP-1", "X-1"]) == {"HELP-1": now}
        assert await issues.lock(connection, []) == {}
        assert await issues.with_merged(connection, [second]) == {first: second, second: second}
        assert await issues.with_merged(connection, [first]) == {first: second}


async def test_a_lock_that_waited_for_a_merge_holds_the_issues_as_they_are_then(
    pool: Pool, ids: list[int]
) -> None:
    first, second = ids
    async with transaction(pool) as merging:
        await issues.lock(merging, [first, second])
        waiting = asyncio.create_task(locked_and_free(pool, second))
        await until_lock_waits_in(pool, 1)
        await merging.execute(
            "UPDATE issue_index SET merged_into = %s WHERE issue_id = %s", [first, second]
        )
    # The record is held with its successor: a merge of that changes both.
    assert await waiting == ({second: indexed(first, "HELP-1")}, [])


async def locked_and_free(pool: Pool, issue_id: int) -> tuple[dict[int, IndexedIssue], list[int]]:
    """Locks an issue; returns it, and the ids that others can lock meanwhile."""
    async with transaction(pool) as connection:
        locked = await issues.lock(connection, [issue_id])
        async with transaction(pool) as other:
            free = await rows(
                other, "SELECT issue_id FROM issue_index FOR NO KEY UPDATE SKIP LOCKED"
            )
    return locked, [one for (one,) in free]


async def test_locks_of_merged_issues_never_wait_for_each_other(pool: Pool, ids: list[int]) -> None:
    """While the first is merged into the second, one waits for both, and one merges the second."""
    first, second = ids
    (third,) = await add(pool, new_issue("HELP-3"))

    async def batch() -> dict[int, IndexedIssue]:
        async with transaction(pool) as connection:
            return await issues.lock(connection, [first, second])

    async def next_merge() -> None:
        async with transaction(pool) as connection:
            locked = await issues.lock(connection, [second, third])
            await record_merge(connection, locked[second], locked[third])

    async with transaction(pool) as merging:
        locked = await issues.lock(merging, [first, second])
        waiting = asyncio.create_task(batch())
        await until_lock_waits_in(pool, 1)
        following = asyncio.create_task(next_merge())
        await until_lock_waits_in(pool, 2)
        await record_merge(merging, locked[first], locked[second])
    async with asyncio.timeout(20):
        await following
        assert (await waiting).keys() == {first, second}
    async with transaction(pool) as connection:
        by_id = await issues.by_id(connection, [first, second, third])
    assert {one.issue_id for one in by_id.values()} == {third}
