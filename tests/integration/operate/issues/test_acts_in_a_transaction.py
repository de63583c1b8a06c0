"""Acts that are parts of a given transaction: they are committed and undone with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.database import Pool, transaction
from postrail.operate.issues.act import Desk
from postrail.operate.issues.comment import comment
from postrail.operate.issues.transition import transition
from postrail.workflow.transitions import TransitionNotAllowed
from tests.integration.operate.issues.scene import OPERATOR, query

FOUND = (
    "SELECT status, (SELECT count(*) FROM comment), (SELECT count(*) FROM issue_change),"
    " (SELECT count(*) FROM outbox WHERE topic = 'issue.changed') FROM issue"
)


class DeathError(Exception):
    """Ends a transaction as the death of its process would."""


async def test_acts_are_committed_with_the_transaction_that_they_are_parts_of(
    desk: Desk, pool: Pool, issue: str
) -> None:
    async with transaction(pool) as connection:
        within = replace(desk, connection=connection)
        await transition(within, OPERATOR, issue, "Done")
        await comment(within, OPERATOR, issue, "It is done.", internal=True)
        assert await query(pool, FOUND) == [("Open", 0, 0, 0)]
    assert await query(pool, FOUND) == [("Done", 1, 3, 2)]


async def transition_and_die(desk: Desk, issue: str) -> None:
    async with transaction(desk.pool) as connection:
        await transition(replace(desk, connection=connection), OPERATOR, issue, "Done")
        raise DeathError


async def test_acts_are_undone_with_the_transaction_that_they_are_parts_of(
    desk: Desk, pool: Pool, issue: str
) -> None:
    with pytest.raises(DeathError):
        await transition_and_die(desk, issue)
    assert await query(pool, FOUND) == [("Open", 0, 0, 0)]


async def test_an_act_that_fails_is_undone_alone(desk: Desk, pool: Pool, issue: str) -> None:
    async with transaction(pool) as connection:
        within = replace(desk, connection=connection)
        await transition(within, OPERATOR, issue, "Done")
        # In the project's workflow only Open follows Done.
        with pytest.raises(TransitionNotAllowed):
            await transition(within, OPERATOR, issue, "In Progress")
        await comment(within, OPERATOR, issue, "It stays done.", internal=True)
    assert await query(pool, FOUND) == [("Done", 1, 3, 2)]
