"""Marks of what is in flight, on a real PostgreSQL: what is a death, and what is none."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from postrail.database import migrate, one_connection, rows
from postrail.database.faults import DatabaseUnavailable
from postrail.embedded.postgres import Postgres
from postrail.in_flight.mark import DEATHS_MAX, Deaths, Mark, forget
from postrail.settings import DatabaseSettings, Settings


class Processes:
    """The marks of several processes of one service, one for each."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings
        self._made: list[Mark] = []

    def start(self, service: str = "handler") -> Mark:
        """Returns the mark of a new process."""
        self._made.append(Mark(self.settings, service))
        return self._made[-1]

    async def kill(self, mark: Mark) -> None:
        """Closes the connection of a process, as the kernel does when it ends."""
        await mark.leave()
        await self.until_ended(mark)

    async def until_ended(self, mark: Mark) -> None:
        """Waits until PostgreSQL has released the lock."""
        free = "SELECT pg_try_advisory_xact_lock(hashtextextended('in flight ' || %s::text, 0))"
        async with asyncio.timeout(10):
            while await self.query(free, [mark._holder]) != [(True,)]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def query(self, statement: str, parameters: list[object]) -> list[tuple[object, ...]]:
        async with one_connection(self.settings) as connection:
            return await rows(connection, statement, parameters)

    async def lose_connection(self, mark: Mark) -> None:
        """Ends the session of a process that lives."""
        assert mark._connection is not None
        pid = mark._connection.info.backend_pid
        await self.query("SELECT pg_terminate_backend(%s)", [pid])
        await self.until_ended(mark)

    async def close(self) -> None:
        for mark in self._made:
            await mark.leave()


@pytest.fixture
async def processes(settings: Settings) -> AsyncIterator[Processes]:
    made = Processes(settings.database)
    yield made
    await made.close()


def ids(number: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(number)]


async def test_a_death_with_several_messages_and_deaths_alone_are_told_apart(
    processes: Processes,
) -> None:
    first, second = ids(2)
    mark = processes.start()
    assert await mark.take([first, second]) == {}
    await processes.kill(mark)
    for alone in range(DEATHS_MAX):
        mark = processes.start()
        assert await mark.take([first]) == {first: Deaths(together=1, alone=alone)}
        await processes.kill(mark)
    found = await processes.start().take([first, second])
    assert found == {first: Deaths(together=1, alone=3), second: Deaths(together=1, alone=0)}
    assert [found[one].too_many for one in (first, second)] == [True, False]


async def test_only_what_was_marked_last_is_counted(processes: Processes) -> None:
    earlier, last = ids(2)
    mark = processes.start()
    await mark.take([earlier])
    await mark.take([last])
    await processes.kill(mark)
    assert await processes.start().take([earlier, last]) == {last: Deaths(alone=1)}


async def test_stops_pauses_and_other_services_are_no_deaths(processes: Processes) -> None:
    (one,) = ids(1)
    stopped, pausing, other = processes.start(), processes.start(), processes.start("sender")
    for mark in (stopped, pausing, other):
        await mark.take([one])
    await stopped.close()
    await pausing.release()
    await processes.kill(pausing)
    await processes.kill(other)
    assert await processes.start().take([one]) == {}


async def test_a_process_that_lives_is_not_dead_however_long_it_takes(processes: Processes) -> None:
    (one,) = ids(1)
    frozen = processes.start()
    await frozen.take([one])
    assert await processes.start().take([one]) == {}
    # It wakes up and goes on.
    assert await frozen.take([one]) == {}
    await processes.kill(frozen)
    assert await processes.start().take([one]) == {one: Deaths(alone=1)}


async def test_a_lost_connection_is_taken_back(processes: Processes) -> None:
    (one,) = ids(1)
    mark, other = processes.start(), processes.start()
    await mark.take([one])
    await processes.lose_connection(mark)
    assert await other.take([one]) == {one: Deaths(alone=1)}
    with pytest.raises(DatabaseUnavailable):
        await mark.take([one])
    assert await mark.take([one]) == {}
    assert await other.take([one]) == {}


async def test_a_restart_of_postgresql_is_no_death(own_postgres: Postgres) -> None:
    await migrate(own_postgres.url)
    made = Processes(DatabaseSettings.model_validate({"url": own_postgres.url}))
    (one,), (other,) = ids(1), ids(1)
    marks = [made.start(), made.start()]
    await marks[0].take([one])
    await marks[1].take([other])
    own_postgres.kill()
    own_postgres.start()
    for mark in marks:
        with pytest.raises(DatabaseUnavailable):
            await mark.take([one])
        await mark.take([one])
    assert await made.query("SELECT work_id FROM death", []) == []
    await made.close()


async def test_a_clean_stop_in_an_outage_of_the_connection_removes_the_mark(
    processes: Processes,
) -> None:
    (one,) = ids(1)
    mark = processes.start()
    await mark.take([one])
    await processes.lose_connection(mark)
    await mark.release()
    await mark.close()
    assert await processes.start().take([one]) == {}


async def test_a_message_with_an_outcome_is_forgotten(processes: Processes) -> None:
    (one,) = ids(1)
    mark = processes.start()
    await mark.take([one])
    await processes.kill(mark)
    successor = processes.start()
    assert await successor.take([one]) == {one: Deaths(alone=1)}
    async with one_connection(processes.settings) as connection:
        await forget(connection, "handler", [one])
    assert await successor.take([one]) == {}


async def test_a_mark_costs_one_statement(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = processes.start()
    await mark.take(ids(50))
    connection = mark._connection
    assert connection is not None
    executed: list[Any] = []
    execute = type(connection).execute

    async def counting(*arguments: Any, **named: Any) -> Any:
        executed.append(arguments[1])
        return await execute(*arguments, **named)

    monkeypatch.setattr(type(connection), "execute", counting)
    await mark.take(ids(50))
    assert len(executed) == 1
