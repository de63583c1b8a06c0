"""Tests on real processes that a sender that was suspended sends nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from postrail.database import Pool, open_pool
from postrail.stream.producer import Producer
from postrail.stream.topics import apply_topics
from tests.makers.settings import settings_of
from tests.processes.faulty.shifted_clock import Shift
from tests.processes.senders import (
    SenderProcess,
    configure,
    delivery_rows,
    queued_entry,
    queued_mail,
    until,
)
from tests.servers.paused_smtp import PausedSmtp

CLAIM_SECONDS = 3.0
HOUR = 3600.0


@dataclass
class Lab:
    """A database with a connection to an SMTP server, and a topic with one message."""

    pool: Pool
    environment: dict[str, str]
    folder: Path

    def start(self, *arguments: str) -> SenderProcess:
        return SenderProcess(self.environment, self.folder, arguments or ("-m", "services.sender"))

    async def until_sent(self) -> None:
        async def sent() -> bool:
            return [row["state"] for row in await delivery_rows(self.pool)] == ["sent"]

        await until(sent)


@pytest.fixture
async def lab(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Lab]:
    environment = {
        **environment,
        "POSTRAIL_SENDER__POLL_SECONDS": "0.1",
        "POSTRAIL_SENDER__CLAIM_SECONDS": str(CLAIM_SECONDS),
        "POSTRAIL_SENDER__UNKNOWN_PAUSE_SECONDS": "0.5",
    }
    settings = settings_of(environment)
    await asyncio.to_thread(apply_topics, settings.kafka)
    producer = Producer(settings.kafka)
    await producer.start()
    await producer.send([queued_entry(queued_mail())])
    await producer.close()
    pool = await open_pool(settings.database)
    yield Lab(pool, environment, tmp_path)
    await pool.close()


@pytest.mark.parametrize("set_seconds", [0.0, -HOUR, HOUR])
async def test_a_suspended_sender_does_not_write_the_dot(lab: Lab, set_seconds: float) -> None:
    shift = Shift(lab.folder / "shift")
    async with PausedSmtp() as server:
        await configure(lab.pool, server.port)
        suspended = lab.start(*shift.command("tests.processes.faulty.stopped_sender"))
        try:

            async def is_stopped() -> bool:
                return suspended.is_stopped

            await until(is_stopped)
            # Whatever the clock is set to meanwhile, as it often is when a machine wakes up.
            shift.set(set_seconds)
            successor = lab.start()
            try:
                await lab.until_sent()
                suspended.wake()
                await asyncio.wait_for(server.visits[0].gone.wait(), 20)
            finally:
                successor.kill()
            assert suspended.runs, suspended.log
        finally:
            suspended.kill()

    assert [visit.complete for visit in server.visits] == [0, 1]
    (row,) = await delivery_rows(lab.pool)
    # Its outcome was unknown to the successor, which repeated it once.
    assert (row["state"], row["maybe_twice"]) == ("sent", True)
