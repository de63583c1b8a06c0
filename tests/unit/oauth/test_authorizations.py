"""Token states are shown as metrics and wake what waits for an authorization."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from postrail.clock import SettableClock
from postrail.errors import TransientError
from postrail.oauth.authorizations import Authorizations
from postrail.oauth.token_table import State, TokenRow
from postrail.observe.metrics import forget_token
from tests.fakes.fetching import until

NEEDS = "postrail_account_needs_authorization"
AGE = "postrail_oauth_token_age_seconds"


class Scene:
    """A table of tokens, and the Authorizations that follow it."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.used = ["support", "sales"]
        self.woken: list[str] = []
        self.rows: dict[str, TokenRow] = {}
        self.faults: list[Exception] = []
        self.authorizations = Authorizations(
            rows=self._read,
            used=lambda: self.used,
            wake=self.woken.append,
            clock=self.clock,
            reload_seconds=0.001,
        )

    async def _read(self) -> list[TokenRow]:
        if self.faults:
            raise self.faults.pop()
        return list(self.rows.values())

    async def check(self, name: str, state: State, owners: str = "accounts") -> None:
        """Writes the row of an account or connection and lets it be checked."""
        now = self.clock.now()
        obtained = now - timedelta(seconds=90)
        self.rows[name] = TokenRow(
            owner=name, owners=owners, state=state, obtained_at=obtained, changed_at=now
        )
        await self.authorizations.check()


@pytest.fixture
def scene() -> Iterator[Scene]:
    yield Scene()
    for name in ("support", "sales", "elsewhere"):
        forget_token("accounts", name)
        forget_token("connections", name)


def shown(metric: str, account: str = "support") -> float | None:
    return REGISTRY.get_sample_value(metric, {"account": account})


async def test_state_and_age_are_shown(scene: Scene) -> None:
    await scene.check("support", "authorized")
    assert (shown(NEEDS), shown(AGE)) == (0, 90)
    await scene.check("support", "needs_authorization")
    assert shown(NEEDS) == 1
    assert shown(NEEDS, "sales") is None


async def test_connections_have_metrics_of_their_own(scene: Scene) -> None:
    await scene.check("support", "needs_authorization", "connections")
    labels = {"connection": "support"}
    needs, age = "postrail_connection_needs_authorization", "postrail_connection_token_age_seconds"
    assert [REGISTRY.get_sample_value(one, labels) for one in (needs, age)] == [1, 90]
    assert shown(NEEDS) is None
    scene.used = []
    await scene.authorizations.check()
    assert [REGISTRY.get_sample_value(one, labels) for one in (needs, age)] == [None, None]


async def test_mailboxes_of_other_processes_are_not_shown(scene: Scene) -> None:
    await scene.check("elsewhere", "needs_authorization")
    assert shown(NEEDS, "elsewhere") is None
    await scene.check("support", "needs_authorization")
    scene.used = ["sales"]
    await scene.authorizations.check()
    assert (shown(NEEDS), shown(AGE)) == (None, None)


async def test_a_sign_in_wakes_the_mailbox(scene: Scene) -> None:
    await scene.check("support", "authorized")
    await scene.check("support", "needs_authorization")
    await scene.check("support", "needs_authorization")
    assert scene.woken == []
    await scene.check("support", "authorized")
    await scene.check("support", "authorized")
    assert scene.woken == ["support"]


async def test_an_outage_of_postgresql_does_not_end_it(scene: Scene) -> None:
    scene.faults = [TransientError("unavailable")]
    stop = asyncio.Event()
    running = asyncio.create_task(scene.authorizations.run(stop))
    await until(lambda: not scene.faults)
    stop.set()
    await running
