"""A project says how its people are told, and how long events are bundled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.load import load_snapshot
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import transaction
from postrail.effects.notify import NotificationOptions
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import (
    AGENT,
    ANN,
    OPTIONS,
    WINDOW,
    left,
    tell,
    to,
    work_of,
)

DAY = 24 * 3600


async def with_project(bench: Bench, **fields: Any) -> NotificationOptions:
    """Returns the options of notifications after the project has got these fields."""
    await bench.save(Project(key="HELP", name="Help desk", **fields))
    async with transaction(bench.pool) as connection:
        return replace(OPTIONS, snapshot=await load_snapshot(connection))


@pytest.mark.parametrize(
    ("project", "person", "daily"),
    [
        ("digest", "", True),
        ("digest", "at_once", False),
        ("at_once", "", False),
        ("at_once", "digest", True),
    ],
)
async def test_a_person_who_says_nothing_is_told_as_the_project_says(
    bench: Bench, issue: int, project: str, person: str, daily: bool
) -> None:
    await bench.save(Person.model_validate({"address": AGENT.address, "messages": person}))
    options = await with_project(bench, messages=project)
    await tell(bench, issue, "a", options=options)
    # Ann is a customer.
    assert await to(bench, ANN.address) == [(0, "a")]
    assert await to(bench, AGENT.address) == ([] if daily else [(0, "a")])
    bench.clock.move(DAY)
    await work_of(bench).work()
    assert len(await to(bench, AGENT.address)) == 1
    assert await left(bench) == (0, 0, 0)


async def test_a_known_customer_is_told_at_once(bench: Bench, issue: int) -> None:
    await bench.save(Person(address=ANN.address))
    options = await with_project(bench, messages="digest", outsiders=[ANN.address])
    await tell(bench, issue, "a", options=options)
    assert await to(bench, ANN.address) == [(0, "a")]
    assert await to(bench, AGENT.address) == []


@pytest.mark.parametrize(
    ("own", "messages"),
    [
        (None, [(0, "a"), (WINDOW, "b")]),
        (0, [(0, "a"), (1, "b")]),
        (300, [(0, "a"), (300, "b")]),
    ],
)
async def test_events_are_bundled_as_long_as_the_project_says(
    bench: Bench, issue: int, own: int | None, messages: list[tuple[float, str]]
) -> None:
    options = await with_project(bench, bundle_seconds=own)
    await tell(bench, issue, "a", options=options)
    bench.clock.move(1)
    await tell(bench, issue, "b", options=options)
    bench.clock.move(WINDOW - 1)
    await work_of(bench).work()
    bench.clock.move(300 - WINDOW)
    await work_of(bench).work()
    assert await to(bench, ANN.address) == messages
