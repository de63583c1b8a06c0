"""Contexts that no issue can have are found, and issues that have none."""

from __future__ import annotations

from postrail.database import transaction
from postrail.views.contexts.check import ContextsCheck, check_contexts
from tests.integration.handler.bench import Bench
from tests.integration.handler.contexts.test_contexts import context, queued
from tests.makers.records import NOON


async def checked(bench: Bench) -> ContextsCheck:
    async with transaction(bench.pool) as connection:
        return await check_contexts(connection, NOON)


async def test_contexts_that_no_issue_can_have(bench: Bench) -> None:
    await bench.save(
        context("a", scope="project = HELP AND created > -30d"),
        context("b", scope="created > -7d AND project = HELP AND labels = vip"),
        # As long as -30d is before that day, which ends one day.
        context("c", scope="created > 2026-02-27 AND project = HELP"),
        context("d", scope="project = HELP AND project = SALE"),
        context("e", scope="project = SALE"),
        context("f", scope="status = Vanished"),
        context("g", enabled=False),
        context("h", scope="created > -1d AND project IN (HELP, SALE)"),
        context("i"),
        context("j", scope="labels = vip"),
    )
    found = await checked(bench)
    reasons = {one.context: one.reason for one in found.never}
    assert "its scope is not valid" in reasons.pop("f")
    assert reasons == {
        "b": "all issues of its scope have context a, which is asked before",
        "d": "its scope contradicts itself",
        "h": "all issues of its scope have one of the contexts before: a, c, e",
        "j": "all issues of its scope have context i, which is asked before",
    }
    assert found.contexts == 9
    assert found.without == ()


async def test_issues_without_context(bench: Bench) -> None:
    assert await checked(bench) == ContextsCheck(contexts=0, never=(), without=())
    await bench.save(context("fire", scope="summary ~ fire"), context("rain", scope="labels = wet"))
    for number in range(7):
        await queued(bench, f"Rain {number}")
    await queued(bench, "A fire")
    await queued(bench, "Wind", mailbox="sales")
    found = await checked(bench)
    assert [(one.project, one.issues, list(one.latest)) for one in found.without] == [
        ("HELP", 7, ["HELP-7", "HELP-6", "HELP-5", "HELP-4", "HELP-3"]),
        ("SALE", 1, ["SALE-1"]),
    ]
    await bench.save(context("rest", order=500))
    assert (await checked(bench)).without == ()
