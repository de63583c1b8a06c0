"""The mailboxes that a process watches follow the accounts and the assigned partitions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from postrail import tasks
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import FatalError, TransientError
from postrail.records import MailboxCheckRequested
from postrail.stream.producer import partition_of
from postrail.stream.received import Received
from services.fetcher.assignment import MailboxAssignment
from tests.fakes.fetching import MemoryStore, account_named, until

PARTITIONS = 4


class Watch:
    """Replaces a MailboxWatch."""

    def __init__(self, account: MailAccount) -> None:
        self.account = account
        self.running = False
        self.polls = 0
        # The number of cancellations it ignores, as asyncio.wait_for does until Python 3.12.
        self.ignores = 0
        self.fault = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        self.running = True
        try:
            while True:
                try:
                    await asyncio.shield(self.fault)
                except asyncio.CancelledError:
                    self.ignores -= 1
                    if self.ignores < 0:
                        raise
        finally:
            self.running = False

    def poll_now(self) -> None:
        self.polls += 1


class Scene:
    """Accounts, assigned partitions, and the watches that were started for them."""

    def __init__(self, reload_seconds: float = 0.01) -> None:
        self.store = MemoryStore()
        self.assigned = frozenset(range(PARTITIONS))
        self.watches: list[Watch] = []
        self.assignment = MailboxAssignment(
            store=self.store,
            assigned=lambda: self.assigned,
            partitions=PARTITIONS,
            reload_seconds=reload_seconds,
            watch_for=self._watch,  # type: ignore[arg-type]
        )
        self.stop = asyncio.Event()

    def _watch(self, account: MailAccount) -> Watch:
        self.watches.append(Watch(account))
        return self.watches[-1]

    def enabled(self) -> frozenset[str] | None:
        return self.assignment.enabled

    @property
    def running(self) -> list[str]:
        return sorted(watch.account.name for watch in self.watches if watch.running)

    async def until_running(self, *names: str) -> None:
        await until(lambda: self.running == sorted(names))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    found = Scene()
    task = asyncio.create_task(found.assignment.run(found.stop))
    yield found
    found.stop.set()
    with contextlib.suppress(FatalError):
        await task
    assert found.running == []


async def test_accounts_come_change_and_go(scene: Scene) -> None:
    scene.store.all_accounts = [account_named("a"), account_named("b", enabled=False)]
    await scene.until_running("a")
    scene.store.all_accounts = [account_named("a"), account_named("b")]
    await scene.until_running("a", "b")
    scene.store.all_accounts = [account_named("a", folder="Other"), account_named("b")]
    await until(lambda: len(scene.watches) == 3)
    await scene.until_running("a", "b")
    assert scene.watches[2].account.folder == "Other"
    scene.store.all_accounts = [account_named("b")]
    await scene.until_running("b")
    assert scene.assignment.mailboxes == ["b"]


async def test_the_enabled_accounts_are_unknown_until_they_were_read() -> None:
    scene = Scene()
    assert scene.enabled() is None
    scene.store.all_accounts = [account_named("a"), account_named("b", enabled=False)]
    scene.store.faults = [TransientError("unavailable")]
    task = asyncio.create_task(scene.assignment.run(scene.stop))
    await until(lambda: scene.enabled() is not None)
    assert scene.enabled() == frozenset({"a"})
    scene.stop.set()
    await task


async def test_mailboxes_follow_their_partitions(scene: Scene) -> None:
    names = [f"mailbox-{number}" for number in range(12)]
    scene.store.all_accounts = [account_named(name) for name in names]
    await scene.until_running(*names)
    scene.assigned = frozenset({1, 2})
    ours = [name for name in names if partition_of(name, PARTITIONS) in {1, 2}]
    assert 0 < len(ours) < 12
    await scene.until_running(*ours)
    scene.assigned = frozenset()
    await scene.until_running()


async def test_a_watch_that_ignores_a_cancellation_does_not_hold_up_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.01)
    scene.store.all_accounts = [account_named("a")]
    await scene.until_running("a")
    scene.watches[0].ignores = 1
    scene.store.all_accounts = [account_named("b")]
    await scene.until_running("b")


async def test_known_accounts_are_kept_while_postgresql_is_unavailable(scene: Scene) -> None:
    scene.store.all_accounts = [account_named("a")]
    await scene.until_running("a")
    scene.store.faults = [TransientError("unavailable")] * 3
    await until(lambda: not scene.store.faults)
    assert scene.running == ["a"]
    assert len(scene.watches) == 1


async def test_a_request_reaches_the_mailbox_it_names(scene: Scene) -> None:
    scene.store.all_accounts = [account_named("a"), account_named("b")]
    await scene.until_running("a", "b")
    await scene.assignment.pass_on_requests([requested("a"), requested("elsewhere")])
    assert {watch.account.name: watch.polls for watch in scene.watches} == {"a": 1, "b": 0}


@pytest.mark.parametrize("before", [[], [account_named("new", enabled=False)]])
async def test_a_request_for_an_account_that_is_new_or_enabled_again_reads_the_accounts(
    before: list[MailAccount],
) -> None:
    scene = Scene(reload_seconds=3600.0)
    scene.store.all_accounts = [account_named("a"), *before]
    task = asyncio.create_task(scene.assignment.run(scene.stop))
    await scene.until_running("a")
    scene.store.all_accounts = [account_named("a"), account_named("new")]
    await scene.assignment.pass_on_requests([requested("new")])
    await scene.until_running("a", "new")
    scene.stop.set()
    await task


def requested(mailbox: str) -> Received[MailboxCheckRequested]:
    record = MailboxCheckRequested(
        mailbox=mailbox, requested_at=datetime(2026, 1, 1, tzinfo=UTC), requested_by="test"
    )
    return Received(
        topic="mailbox.check_requested",
        partition=0,
        offset=0,
        key=mailbox,
        timestamp_ms=0,
        size=1,
        record=record,
    )


async def test_the_fault_that_ends_a_watch_ends_all() -> None:
    scene = Scene()
    scene.store.all_accounts = [account_named("a"), account_named("b")]
    task = asyncio.create_task(scene.assignment.run(scene.stop))
    await scene.until_running("a", "b")
    scene.watches[0].fault.set_exception(FatalError("no acknowledgement"))
    with pytest.raises(FatalError):
        await task
    assert scene.running == []
