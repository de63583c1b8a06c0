"""The handler's loop: a message that fails alone does not stop the others, a fault beside does."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from typing import Any, Self, cast

import pytest

from postrail.clock import SettableClock
from postrail.database.faults import DatabaseUnavailable
from postrail.errors import FatalError, InstallationFault, LimitExceeded, TransientError
from postrail.incoming.queue import DueMail
from postrail.observe.health import Health
from postrail.process import Process
from postrail.settings import HandlerSettings, Settings
from postrail.tracker import TrackerUnavailable
from services.handler.batch import Batch
from services.handler.step import Handler
from tests.makers.records import mail_parsed


class Messages(Batch):
    """A batch over messages in memory; each may have a fault that meets it and its batch."""

    def __init__(self, *faults: Exception | None) -> None:
        self.due = [
            DueMail(
                mail=mail_parsed(subject=str(n)), conversation="", queue="", attempts=0, revision=0
            )
            for n in range(len(faults))
        ]
        self.faults = {due.mail.mail_id: fault for due, fault in zip(self.due, faults, strict=True)}
        # Raised before any message is in flight.
        self.beside: Exception | None = None
        # Raised by the check that every message needs.
        self.for_all: Exception | None = None
        self.ended: list[tuple[str, str]] = []
        self.in_flight = []
        self.mark = cast(Any, NoMark())

    async def work(self, limit: int) -> int:
        self.in_flight = []
        if self.beside:
            raise self.beside
        self.in_flight = self.due[:limit]
        for due in self.in_flight:
            if fault := self.faults[due.mail.mail_id]:
                raise fault
        done = len(self.in_flight)
        for due in list(self.in_flight):
            self._end(due, "done")
        return done

    async def check(self) -> None:
        if self.for_all:
            raise self.for_all

    async def fail(self, error: Exception) -> None:
        (due,) = self.in_flight
        self._end(due, f"failed: {error}")

    async def postpone(self, error: Exception) -> None:
        (due,) = self.in_flight
        self._end(due, "waiting")

    def _end(self, due: DueMail, state: str) -> None:
        self.due.remove(due)
        self.ended.append((due.mail.subject, state))


class NoMark:
    """Replaces the mark of messages in flight."""

    async def release(self) -> None:
        """Has nothing to clear."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Has nothing to remove."""


def handler(batch: Batch) -> tuple[Handler, Process]:
    process = Process(
        name="handler",
        settings=Settings(handler=HandlerSettings(poll_seconds=0.01, limit_tries=3)),
        clock=SettableClock(),
        clock_sync=cast(Any, None),
        health=Health(),
        producer=cast(Any, None),
        progress=cast(Any, None),
        stop=asyncio.Event(),
    )
    made = Handler(process, cast(Any, None), cast(Any, None), cast(Any, None), cast(Any, None), b"")
    made._batch = batch
    return made, process


async def test_a_batch_without_faults_is_one_transaction() -> None:
    messages = Messages(None, None)
    assert await handler(messages)[0].work_batch() == 2
    assert messages.ended == [("0", "done"), ("1", "done")]


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        pytest.param(
            ValueError("cannot be"),
            "failed: cannot be",
            marks=pytest.mark.logs_errors("a mail failed"),
        ),
        (TrackerUnavailable("unavailable"), "waiting"),
    ],
)
async def test_only_the_message_with_the_fault_is_set_apart(fault: Exception, state: str) -> None:
    messages = Messages(None, fault, None)
    assert await handler(messages)[0].work_batch() == 3
    assert messages.ended == [("0", "done"), ("1", state), ("2", "done")]


@pytest.mark.parametrize(
    "fault", [DatabaseUnavailable("PostgreSQL"), FatalError("Kafka"), MemoryError()]
)
async def test_a_fault_outside_of_the_messages_blames_none(fault: Exception) -> None:
    messages = Messages(None, fault)
    with pytest.raises(type(fault)):
        await handler(messages)[0].work_batch()
    assert messages.ended == []


@pytest.mark.parametrize(
    "fault",
    [
        InstallationFault("a right lacks"),
        LimitExceeded("too slow"),
        TransientError("the blob store"),
        OSError(errno.EMFILE, "Too many open files"),
    ],
)
async def test_a_fault_of_the_installation_that_one_message_meets_lets_only_that_wait(
    fault: Exception,
) -> None:
    messages = Messages(None, fault, None)
    assert await handler(messages)[0].work_batch() == 3
    assert messages.ended == [("0", "done"), ("1", "waiting"), ("2", "done")]


async def test_a_fault_of_the_installation_that_meets_all_pauses_the_work() -> None:
    messages = Messages(None, InstallationFault("a right lacks"), None)
    messages.for_all = InstallationFault("no space")
    with pytest.raises(InstallationFault, match="no space"):
        await handler(messages)[0].work_batch()
    assert messages.ended == [("0", "done")]


@pytest.mark.logs_errors("a mail failed")
async def test_a_limit_that_a_message_has_met_too_often_is_its_own() -> None:
    messages = Messages(LimitExceeded("too slow"))
    messages.due = [replace(messages.due[0], limit_tries=2)]
    await handler(messages)[0].work_batch()
    assert messages.ended == [("0", "failed: too slow.")]


async def test_a_fault_with_no_message_in_flight_is_transient() -> None:
    messages = Messages(None)
    messages.beside = RuntimeError("the producer is broken")
    with pytest.raises(TransientError, match="the producer is broken"):
        await handler(messages)[0].work_batch()
    assert messages.ended == []


async def test_the_loop_pauses_after_a_transient_fault_and_goes_on() -> None:
    class Once(Messages):
        async def work(self, limit: int) -> int:
            ready.append(process.health.ready)
            self.beside = TransientError("PostgreSQL") if len(ready) == 1 else None
            if len(ready) == 3:
                process.stop.set()
            return await super().work(limit)

    ready: list[bool] = []
    messages = Once(None)
    made, process = handler(messages)
    async with asyncio.timeout(10):
        await made.run()
    assert ready == [True, False, True]
    assert messages.ended == [("0", "done")]
    assert len(cast(SettableClock, process.clock).slept) == 1
