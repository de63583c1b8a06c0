"""One batch of due messages: takes them, decides them, applies the decisions in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from postrail.blobs import BlobStore
from postrail.configuration.load import CachedSnapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, transaction
from postrail.decision.decide import decide
from postrail.decision.decision import Decision, Outcome
from postrail.effects.apply import Applied, Handled, apply
from postrail.effects.batch import Context, Decided
from postrail.effects.gather import gather
from postrail.incoming import queue as incoming
from postrail.incoming.queue import DueMail
from postrail.observe.log import log
from postrail.process import Process
from postrail.retry import backoff_seconds
from postrail.stream import outbox
from postrail.tracker import TransactionalTracker
from services.handler.absent_accounts import set_aside

logger = log(__name__)


class Batch:
    """Processes a batch at a time, so that each message has all of its effects or none."""

    def __init__(
        self,
        process: Process,
        pool: Pool,
        tracker: TransactionalTracker,
        blobs: BlobStore,
        message_id_key: bytes,
    ) -> None:
        self._process = process
        self._settings = process.settings.handler
        self._pool = pool
        self._tracker = tracker
        self._blobs = blobs
        self._key = message_id_key
        self._snapshots = CachedSnapshot(process.clock)
        # The messages of the batch whose transaction has begun and is not committed.
        self.in_flight: list[DueMail] = []

    async def work(self, limit: int) -> int:
        """Processes up to `limit` due messages; returns how many were due."""
        self.in_flight = []
        now = self._process.clock.now()
        async with transaction(self._pool) as connection:
            due = await incoming.take_due(connection, now, limit)
            if not due:
                return 0
            self.in_flight = distinct(due)
            await incoming.lock_work(connection, self.in_flight)
            mailboxes = {due.mail.mailbox for due in self.in_flight}
            snapshot = await self._snapshots.current(connection, mailboxes)
            decidable = await set_aside(
                connection, self.in_flight, snapshot, now, self._settings.missing_account_wait
            )
            decided = await self._decide(connection, snapshot, decidable)
            applied = await apply(self._context(connection, snapshot, now), decided)
            worked = len(self.in_flight) - len(decidable) + len(applied.handled)
        # They are committed: a later fault is not theirs.
        self.in_flight = []
        await self._committed(applied, self._process.clock.now())
        return worked

    async def fail(self, error: Exception) -> None:
        """Sets the one message in flight to failed, with the error as the reason."""
        (due,) = self.in_flight
        now = self._process.clock.now()
        decision = Decision(outcome=Outcome.FAILED, reason=f"{type(error).__name__}: {error}")
        async with transaction(self._pool) as connection:
            context = self._context(connection, ConfigurationSnapshot(), now)
            applied = await apply(context, [Decided(due, decision)])
        await self._committed(applied, now)

    async def postpone(self, error: Exception) -> None:
        """Sets the one message in flight to waiting, until its next attempt."""
        (due,) = self.in_flight
        seconds = backoff_seconds(
            due.attempts + 1, self._settings.retry_base_seconds, self._settings.retry_max_seconds
        )
        until = self._process.clock.now() + timedelta(seconds=seconds)
        async with transaction(self._pool) as connection:
            await incoming.postpone(connection, due, str(error), until)
        self._process.progress.count(due.mail.mailbox, "waiting")

    async def _decide(
        self, connection: Connection, snapshot: ConfigurationSnapshot, mails: Sequence[DueMail]
    ) -> list[Decided]:
        facts = await gather(connection, mails)
        return [Decided(due, decide(due.mail, snapshot, facts[due.mail.mail_id])) for due in mails]

    def _context(
        self, connection: Connection, snapshot: ConfigurationSnapshot, now: datetime
    ) -> Context:
        return Context(
            connection=connection,
            tracker=self._tracker,
            blobs=self._blobs,
            snapshot=snapshot,
            message_id_key=self._key,
            excerpt_max_characters=self._process.settings.notifications.excerpt_max_characters,
            now=now,
        )

    async def _committed(self, applied: Applied, now: datetime) -> None:
        """Counts and logs what was committed, and sends the outbox rows."""
        for one in applied.handled:
            self._count(one, now)
        await outbox.flush(self._pool, self._process.producer, applied.outbox)

    def _count(self, one: Handled, now: datetime) -> None:
        mail, decision = one.decided.due.mail, one.decided.decision
        received_at = mail.received_at or mail.fetched_at
        self._process.progress.count(
            mail.mailbox,
            decision.outcome,
            age_seconds=max(0.0, (now - received_at).total_seconds()),
            # Between the parser and the outcome: the time in the queue counts.
            seconds=max(0.0, (now - mail.parsed_at).total_seconds()),
        )
        logger.info(
            "mail handled",
            mailbox=mail.mailbox,
            mail_id=mail.mail_id,
            outcome=decision.outcome,
            reason=decision.reason,
            issue_key=one.issue_key,
        )


def distinct(due: Sequence[DueMail]) -> list[DueMail]:
    """Keeps the first of several messages with equal content: the others need its outcome first."""
    first: dict[str, DueMail] = {}
    for mail in due:
        first.setdefault(mail.mail.fingerprint, mail)
    return list(first.values())
