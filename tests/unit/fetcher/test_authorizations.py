"""What the table of tokens says is shown as metrics, and wakes mailboxes that wait for a person."""

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
from services.fetcher.assignment import Shares
from services.fetcher.authorizations import Authorizations
from tests.fakes.fetching import until

NEEDS = "postrail_account_needs_authorization"
AGE = "postrail_oauth_token_age_seconds"


class Mailboxes:
    """Stands for the Shares of a process."""

    def __init__(self) -> None:
        self.mailboxes = ["support", "sales"]
        self.woken: list[str] = []

    def wake(self, mailbox: str) -> None:
        self.woken.append(mailbox)


class Scene:
    """A table of tokens, and who follows it."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.shares = Mailboxes()
        self.rows: dict[str, TokenRow] = {}
        self.faults: list[Exception] = []
        self.authorizations = Authorizations(
            rows=self._read,
            shares=cast(Shares, self.shares),
            clock=self.clock,
            reload_seconds=0.001,
        )

    async def _read(self) -> list[TokenRow]:
        if self.faults:
            raise self.faults.pop()
        return list(self.rows.values())

    async def look(self, name: str, state: State) -> None:
        """The row of an account as it is now, and a look at it."""
        now = self.clock.now()
        obtained = now - timedelta(seconds=90)
        self.rows[name] = TokenRow(
            mail_account=name, state=state, obtained_at=obtained, changed_at=now
        )
        await self.authorizations.look()


@pytest.fixture
def scene() -> Iterator[Scene]:
    yield Scene()
    for name in ("support", "sales", "elsewhere"):
        forget_token(name)


def shown(metric: str, account: str = "support") -> float | None:
    return REGISTRY.get_sample_value(metric, {"account": account})


async def test_state_and_age_are_shown(scene: Scene) -> None:
    await scene.look("support", "authorized")
    assert (shown(NEEDS), shown(AGE)) == (0, 90)
    await scene.look("support", "needs_authorization")
    assert shown(NEEDS) == 1
    assert shown(NEEDS, "sales") is None


async def test_mailboxes_of_other_processes_are_not_shown(scene: Scene) -> None:
    await scene.look("elsewhere", "needs_authorization")
    assert shown(NEEDS, "elsewhere") is None
    await scene.look("support", "needs_authorization")
    scene.shares.mailboxes = ["sales"]
    await scene.authorizations.look()
    assert (shown(NEEDS), shown(AGE)) == (None, None)


async def test_a_mailbox_is_woken_when_somebody_has_signed_in(scene: Scene) -> None:
    await scene.look("support", "authorized")
    await scene.look("support", "needs_authorization")
    await scene.look("support", "needs_authorization")
    assert scene.shares.woken == []
    await scene.look("support", "authorized")
    await scene.look("support", "authorized")
    assert scene.shares.woken == ["support"]


async def test_postgresql_that_is_away_ends_nothing(scene: Scene) -> None:
    scene.faults = [TransientError("away")]
    stop = asyncio.Event()
    running = asyncio.create_task(scene.authorizations.run(stop))
    await until(lambda: not scene.faults)
    stop.set()
    await running
