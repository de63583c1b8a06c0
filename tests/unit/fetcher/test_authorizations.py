"""Token states are shown as metrics and wake mailboxes that wait for an authorization."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest
from prometheus_client import REGISTRY

from postrail.clock import SettableClock
from postrail.errors import TransientError
from postrail.oauth.token_table import State, TokenRow
from postrail.observe.metrics import forget_token
from services.fetcher.assignment import MailboxAssignment
from services.fetcher.authorizations import Authorizations
from tests.fakes.fetching import until

NEEDS = "postrail_account_needs_authorization"
AGE = "postrail_oauth_token_age_seconds"


class Mailboxes:
    """Replaces the MailboxAssignment of a process."""

    def __init__(self) -> None:
        self.mailboxes = ["support", "sales"]
        self.woken: list[str] = []

    def wake(self, mailbox: str) -> None:
        self.woken.append(mailbox)


class Scene:
    """A table of tokens, and the Authorizations that follow it."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.assignment = Mailboxes()
        self.rows: dict[str, TokenRow] = {}
        self.faults: list[Exception] = []
        self.authorizations = Authorizations(
            rows=self._read,
            assignment=cast(MailboxAssignment, self.assignment),
            clock=self.clock,
            reload_seconds=0.001,
        )

    async def _read(self) -> list[TokenRow]:
        if self.faults:
            raise self.faults.pop()
        return list(self.rows.values())

    async def check(self, name: str, state: State) -> None:
        """Writes the row of an account and lets it be checked."""
        now = self.clock.now()
        obtained = now - timedelta(seconds=90)
        self.rows[name] = TokenRow(owner=name, state=state, obtained_at=obtained, changed_at=now)
        await self.authorizations.check()


@pytest.fixture
def scene() -> Iterator[Scene]:
    yield Scene()
    for name in ("support", "sales", "elsewhere"):
        forget_token(name)


def shown(metric: str, account: str = "support") -> float | None:
    return REGISTRY.get_sample_value(metric, {"account": account})


async def test_state_and_age_are_shown(scene: Scene) -> None:
    await scene.check("support", "authorized")
    assert (shown(NEEDS), shown(AGE)) == (0, 90)
    await scene.check("support", "needs_authorization")
    assert shown(NEEDS) == 1
    assert shown(NEEDS, "sales") is None


async def test_mailboxes_of_other_processes_are_not_shown(scene: Scene) -> None:
    await scene.check("elsewhere", "needs_authorization")
    assert shown(NEEDS, "elsewhere") is None
    await scene.check("support", "needs_authorization")
    scene.assignment.mailboxes = ["sales"]
    await scene.authorizations.check()
    assert (shown(NEEDS), shown(AGE)) == (None, None)


async def test_a_sign_in_wakes_the_mailbox(scene: Scene) -> None:
    await scene.check("support", "authorized")
    await scene.check("support", "needs_authorization")
    await scene.check("support", "needs_authorization")
    assert scene.assignment.woken == []
    await scene.check("support", "authorized")
    await scene.check("support", "authorized")
    assert scene.assignment.woken == ["support"]


async def test_an_outage_of_postgresql_does_not_end_it(scene: Scene) -> None:
    scene.faults = [TransientError("unavailable")]
    stop = asyncio.Event()
    running = asyncio.create_task(scene.authorizations.run(stop))
    await until(lambda: not scene.faults)
    stop.set()
    await running
