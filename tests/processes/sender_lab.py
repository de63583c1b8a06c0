"""Runs senders on topics and a database of their own, and waits for what they do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kafka import KafkaAdminClient

from postrail.database import Pool, open_pool
from postrail.embedded.process_ids import until as until_true
from postrail.records import OutgoingQueued
from postrail.settings import Settings
from postrail.stream.connection import client_options
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import OUTGOING_QUEUED, apply_topics, topic_name
from tests.makers.settings import settings_of
from tests.processes.senders import SenderProcess, delivery_rows, queued_entry, until

CLAIM_SECONDS = 3.0

QUICK = {
    "POSTRAIL_SENDER__POLL_SECONDS": "0.1",
    "POSTRAIL_SENDER__RETRY_PAUSES_SECONDS": "[0.3, 1]",
    "POSTRAIL_SENDER__CLAIM_SECONDS": str(CLAIM_SECONDS),
    "POSTRAIL_SENDER__UNKNOWN_PAUSE_SECONDS": "0.5",
    "POSTRAIL_OUTBOX__SWEEP_AFTER_SECONDS": "1",
}


class SenderLab:
    """Runs senders on topics and a database of their own."""

    def __init__(
        self, environment: dict[str, str], settings: Settings, pool: Pool, folder: Path
    ) -> None:
        self.settings = settings
        self.pool = pool
        self.senders: list[SenderProcess] = []
        self._others: list[SenderProcess] = []
        self._environment = environment
        self._folder = folder
        self._producer = Producer(settings.kafka)

    async def open(self) -> None:
        await asyncio.to_thread(apply_topics, self.settings.kafka)
        await self._producer.start()

    async def close(self) -> None:
        for sender in (*self.senders, *self._others):
            if sender.runs:
                sender.kill()
        await self._producer.close()

    def start(self, **environment: str) -> SenderProcess:
        sender = SenderProcess({**self._environment, **environment}, self._folder)
        self.senders.append(sender)
        return sender

    def start_as(self, *arguments: str) -> SenderProcess:
        """Starts a process of another kind."""
        process = SenderProcess(self._environment, self._folder, arguments)
        self._others.append(process)
        return process

    async def queue(self, *mails: OutgoingQueued) -> None:
        await self.send([queued_entry(mail) for mail in mails])

    async def send(self, entries: Sequence[Entry]) -> None:
        await self._producer.send(entries)

    async def lose_the_records(self) -> None:
        """Makes outgoing.queued anew, as when Kafka has lost its data."""
        await asyncio.to_thread(self._delete_topic)
        await asyncio.to_thread(apply_topics, self.settings.kafka)

    def _delete_topic(self) -> None:
        name = topic_name(OUTGOING_QUEUED, self.settings.kafka)
        admin = KafkaAdminClient(**client_options(self.settings.kafka))
        try:
            admin.delete_topics([name])
            assert until_true(lambda: name not in admin.list_topics(), 20)
        finally:
            admin.close()

    async def states(self) -> Counter[str]:
        return Counter(row["state"] for row in await delivery_rows(self.pool))

    async def until_states(self, **wanted: int) -> None:
        async def reached() -> bool:
            return await self.states() == Counter(wanted)

        try:
            await until(reached)
        except AssertionError:
            logs = "\n".join(sender.log for sender in self.senders)
            raise AssertionError(f"{await self.states()}\n{logs[-4000:]}") from None


async def make_lab(environment: dict[str, str], folder: Path) -> SenderLab:
    environment = {**environment, **QUICK}
    settings = settings_of(environment)
    lab = SenderLab(environment, settings, await open_pool(settings.database), folder)
    await lab.open()
    return lab
