"""A handler with a real database, and a producer and a tracker that a test can make fail."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from postrail.blobs import BlobStore
from postrail.clock import SettableClock
from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.kinds import kind_of
from postrail.configuration.models.limit import Limit
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import Pool, rows, transaction
from postrail.observe.health import Health
from postrail.operate.issues.act import Desk
from postrail.process import Process
from postrail.records import MailParsed
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.intake import IntakeOffsets
from postrail.tracker.builtin.tracker import BuiltinTracker
from services.handler.step import Handler
from tests.fakes.streams import MemoryProducer
from tests.makers.acts import desk_at
from tests.makers.configuration import UNLIMITED, mail_account, outgoing_connection
from tests.makers.parsing import contents, made
from tests.makers.records import AUTHSERV_ID, NOON, received


class Bench:
    """A handler with a real database and a producer in memory."""

    def __init__(self, settings: Settings, pool: Pool, key: bytes = b"key") -> None:
        self.pool = pool
        # Signs the Message-IDs of this installation.
        self.key = key
        self.settings = settings
        self.clock = SettableClock()
        self.producer = MemoryProducer()
        self.tracker = FlakyTracker()
        self.blobs = BlobStore(settings.blobs.url)
        self._handlers: list[Handler] = []
        self.handler, self.offsets = self.another()
        self._offset = 0

    def another(self) -> tuple[Handler, IntakeOffsets]:
        process = self.process()
        offsets = IntakeOffsets("handler", "mail.parsed", self.pool)
        made = Handler(process, self.pool, self.tracker, offsets, self.blobs, self.key)
        self._handlers.append(made)
        return made, offsets

    def process(self) -> Process:
        return Process(
            name="handler",
            settings=self.settings,
            clock=self.clock,
            clock_sync=cast(Any, None),
            health=Health(),
            producer=cast(Any, self.producer),
            progress=cast(Any, NoProgress()),
            stop=asyncio.Event(),
        )

    @property
    def desk(self) -> Desk:
        """Returns a desk for acts of people beside the handler."""
        return desk_at(self.clock.now(), self.pool)

    async def close(self) -> None:
        """Disconnects the handlers."""
        for handler in self._handlers:
            await handler._batch.mark.close()

    async def arrive(self, raw: bytes) -> None:
        """Parses and handles a message as it was sent."""
        parsed = made(raw, mail_id=str(uuid.uuid4()))
        for content in contents(parsed):
            await self.blobs.put(content)
        now = self.clock.now()
        await self.handle(replace(parsed.record, received_at=now, fetched_at=now))

    async def take_in(self, *mails: MailParsed) -> None:
        batch = [received(mail, self._offset + n) for n, mail in enumerate(mails)]
        self._offset += len(mails)
        await self.handler.take_in(batch)

    async def work(self) -> None:
        while await self.handler.work_batch():
            pass

    async def handle(self, *mails: MailParsed) -> None:
        await self.take_in(*mails)
        await self.work()

    async def rows(self, statement: str) -> list[Any]:
        async with transaction(self.pool) as connection:
            return await rows(connection, statement)

    async def save(self, *things: Configured) -> None:
        """Changes the configuration."""
        async with transaction(self.pool) as connection:
            existing = await store.read_all(connection)
            for thing in things:
                before = existing.get((type(thing), kind_of(thing).identity_of(thing)))
                await store.save(connection, thing, before=before, author="test", now=NOON)

    async def outcomes(self) -> list[tuple[str, str, str | None]]:
        found = await self.rows(
            "SELECT state, outcome, issue_key FROM incoming_mail ORDER BY arrival"
        )
        return [(row[0], row[1], row[2]) for row in found]

    def sent(self, record_type: type[Any]) -> list[Any]:
        decoded = [avro.decode(entry.value) for entry in self.producer.sent]
        return [record for record in decoded if isinstance(record, record_type)]


class NoProgress:
    """Replaces the progress reports."""

    def count(self, *_: object, **__: object) -> None:
        """Drops the figures."""


class FlakyTracker(BuiltinTracker):
    """The built-in tracker, with faults that a test sets.

    Those of issues are by their summaries, those of comments by their mail_ids.
    """

    def __init__(self) -> None:
        self.faults: dict[str, Exception] = {}
        self.comment_faults: dict[str, Exception] = {}

    async def create_issues(self, connection: Any, drafts: Any, now: Any) -> list[str]:
        for draft in drafts:
            if draft.summary in self.faults:
                raise self.faults[draft.summary]
        return await super().create_issues(connection, drafts, now)

    async def add_comments(self, connection: Any, drafts: Any, now: Any) -> list[int]:
        for draft in drafts:
            if draft.mail_id in self.comment_faults:
                raise self.comment_faults[draft.mail_id]
        return await super().add_comments(connection, drafts, now)


async def configure(pool: Pool, limits: Sequence[Limit] = UNLIMITED) -> None:
    """Applies two projects, three mail accounts, an outgoing connection and a known person."""
    things = [
        Project(key="HELP", name="Help desk"),
        Project(key="SALE", name="Sales"),
        outgoing_connection(),
        Person(address="agent@example.com", name="Agent"),
        mail_account("support", authserv_ids=[AUTHSERV_ID]),
        mail_account("info", authserv_ids=[AUTHSERV_ID]),
        mail_account("sales", "SALE", authserv_ids=[AUTHSERV_ID]),
        *limits,
    ]
    async with transaction(pool) as connection:
        for thing in things:
            await store.save(connection, thing, before=None, author="test", now=NOON)
