"""One batch of due messages: takes them, decides them, applies the decisions in one transaction."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta

from postrail.blobs import BlobStore
from postrail.configuration.load import CachedSnapshot, load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, transaction
from postrail.database.faults import DatabaseUnavailable
from postrail.decision.decide import decide
from postrail.decision.decision import Decision, Outcome
from postrail.decision.facts import Facts
from postrail.decision.question import Question
from postrail.decision.sending.forwarding import forwarded_failure
from postrail.effects.apply import Applied, apply
from postrail.effects.batch import Context, Decided
from postrail.effects.facts.answered_letters import forwarded_without_facts
from postrail.effects.gather import Gathered, gather
from postrail.effects.records.handled import Handled
from postrail.errors import FatalError, LimitExceeded, TransientError
from postrail.in_flight.mark import Deaths, Mark, forget
from postrail.incoming import queue as incoming
from postrail.incoming.queue import DueMail, DueRow
from postrail.observe.log import log
from postrail.process import Process
from postrail.retry import backoff_seconds
from postrail.secrets import Secrets
from postrail.stream import outbox
from postrail.stream.producer import Entry
from postrail.stream.topics import MAIL_HANDLED
from postrail.tracker import TrackerUnavailable, TransactionalTracker
from services.handler.absent_accounts import set_aside
from services.handler.selection import Selection, bounded
from services.handler.split_conversations import follow

logger = log(__name__)

SERVICE = "handler"
DIED = (
    "the handler died {} times while processing this mail. Look for the reason in its log and its"
    " memory limit; then retry it with: postrail mail retry"
)
BROKE = "PostgreSQL broke the connection {} times while this mail was handled"
# The longest pause of a message that waits for a fault of the installation.
FAULT_RETRY_MAX_SECONDS = 300.0
# Enough that a full disk of PostgreSQL is noticed.
CHECK_BYTES = 64 * 1024


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
        self._secrets = Secrets(process.settings.secrets)
        self._snapshots = CachedSnapshot(process.clock)
        self._selection = Selection()
        # The deaths of those in flight, by mail_id.
        self._deaths: dict[str, Deaths] = {}
        # The connections to PostgreSQL that were lost with a message in flight, by mail_id.
        self._losses: dict[str, Deaths] = {}
        self.mark = Mark(process.settings.database, SERVICE)
        # The messages of the batch whose transaction has begun and is not committed.
        self.in_flight: list[DueMail] = []

    async def work(self, limit: int) -> int:
        """Processes up to `limit` due messages; returns how many were due.

        A message with which PostgreSQL breaks the connection again and again meets a LimitExceeded.
        """
        try:
            return await self._work(limit)
        except DatabaseUnavailable:
            for due in self.in_flight:
                lost = self._losses.setdefault(due.mail.mail_id, Deaths())
                lost.alone += len(self.in_flight) == 1
                lost.together += len(self.in_flight) > 1
            raise

    async def _work(self, limit: int) -> int:
        self.in_flight = []
        now = self._process.clock.now()
        async with transaction(self._pool) as connection:
            rows = await incoming.take_due(connection, now, limit, self._settings.batch_max_bytes)
            if not rows:
                return 0
            self._require_harmless(rows)
            self.in_flight = distinct([row.decoded() for row in await self._taken(rows)])
            await incoming.lock_work(connection, self.in_flight)
            mailboxes = {due.mail.mailbox for due in self.in_flight}
            snapshot = await self._snapshots.current(connection, mailboxes)
            in_place = await follow(connection, self.in_flight, snapshot)
            decidable = await set_aside(
                connection, in_place, snapshot, now, self._settings.missing_account_wait
            )
            decided = await self._decide(connection, snapshot, decidable, now)
            applied = await apply(self._context(connection, snapshot, now), decided)
            await self._forget_deaths(connection, applied)
            worked = len(self.in_flight) - len(decidable) + len(applied.handled)
        # They are committed: a later fault is not theirs.
        self.in_flight = []
        await self._committed(applied, self._process.clock.now())
        return worked

    async def check(self) -> None:
        """Does what every message needs, without any; raises the fault that meets all of them."""
        now = self._process.clock.now()
        entry = Entry(MAIL_HANDLED, "check", os.urandom(CHECK_BYTES))
        async with (
            transaction(self._pool) as connection,
            connection.transaction(force_rollback=True),
        ):
            await gather(connection, [], await load_snapshot(connection), self._key, now)
            await incoming.finish(connection, [], now)
            await outbox.add(connection, [entry], now)

    async def fail(self, error: Exception) -> None:
        """Sets the one message in flight to failed, with the error as the reason."""
        (due,) = self.in_flight
        now = self._process.clock.now()
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, LimitExceeded):
            reason = f"given up after {due.limit_tries + 1} tries: {error}"
        decision = Decision(outcome=Outcome.FAILED, reason=reason)
        try:
            applied = await self._apply_failure(due, decision, now, forwards=True)
        except Exception as another:
            of_all = isinstance(another, FatalError | TransientError)
            if of_all and not isinstance(another, LimitExceeded):
                raise
            logger.exception("a failed mail is not forwarded", mail_id=due.mail.mail_id)
            applied = await self._apply_failure(due, decision, now, forwards=False)
        self._losses.pop(due.mail.mail_id, None)
        await self._committed(applied, now)

    async def _apply_failure(
        self, due: DueMail, decision: Decision, now: datetime, *, forwards: bool
    ) -> Applied:
        async with transaction(self._pool) as connection:
            # The transaction in which it failed has ended, and with it the lock.
            if not await incoming.lock_unhandled(connection, due):
                return Applied(handled=[], outbox=outbox.Added())
            snapshot = ConfigurationSnapshot()
            if forwards:
                snapshot = await self._snapshots.current(connection, {due.mail.mailbox})
                decision = await forwarded_without_facts(connection, due.mail, snapshot, decision)
            context = self._context(connection, snapshot, now)
            applied = await apply(context, [Decided(due, decision)])
            # All of them: the message may have failed before its deaths were read.
            await forget(connection, SERVICE, _handled_ids(applied))
        return applied

    async def postpone(self, error: Exception) -> None:
        """Sets the one message in flight to waiting, until its next attempt."""
        (due,) = self.in_flight
        limited = isinstance(error, LimitExceeded)
        longest = self._settings.retry_max_seconds
        if not isinstance(error, LimitExceeded | TrackerUnavailable):
            # The message is to resume soon after the fault is gone.
            longest = min(longest, FAULT_RETRY_MAX_SECONDS)
        tries = due.limit_tries if limited else due.attempts
        seconds = backoff_seconds(tries + 1, self._settings.retry_base_seconds, longest)
        until = self._process.clock.now() + timedelta(seconds=seconds)
        async with transaction(self._pool) as connection:
            await incoming.postpone(connection, due, str(error), until, limited=limited)
        self._losses.pop(due.mail.mail_id, None)
        self._process.progress.count(due.mail.mailbox, "waiting")

    def _require_harmless(self, due: Sequence[DueRow]) -> None:
        """Raises LimitExceeded for a message that has cost too many connections alone."""
        for row in due:
            lost = self._losses.get(row.mail_id)
            if lost and lost.too_many:
                self.in_flight = [row.decoded()]
                raise LimitExceeded(BROKE.format(lost.alone), remedy="Its log says more")

    async def _taken(self, due: Sequence[DueRow]) -> list[DueRow]:
        """Marks the messages of this batch as in flight, before anything of them is read."""
        self._deaths = await self.mark.take([row.mail_id for row in due])
        chosen = self._selection.of(due, {**self._losses, **self._deaths})
        if len(chosen) < len(due):
            await self.mark.take([row.mail_id for row in chosen])
        return chosen

    async def _forget_deaths(self, connection: Connection, applied: Applied) -> None:
        handled = _handled_ids(applied)
        for mail_id in handled:
            self._losses.pop(mail_id, None)
        if self._deaths:
            await forget(connection, SERVICE, [one for one in handled if one in self._deaths])

    async def _decide(
        self,
        connection: Connection,
        snapshot: ConfigurationSnapshot,
        mails: Sequence[DueMail],
        now: datetime,
    ) -> Sequence[Decided]:
        gathered = await gather(connection, mails, snapshot, self._key, now)
        decided = []
        for due in one_of_each_request(mails, gathered):
            facts = gathered.facts_of(due)
            decision = self._decision(due, snapshot, facts)
            gathered.counts.add(due, decision)
            decided.append(Decided(due, decision))
        return bounded(decided, gathered.watchers, gathered.named, self._settings.batch_max_bytes)

    def _decision(self, due: DueMail, snapshot: ConfigurationSnapshot, facts: Facts) -> Decision:
        deaths = self._deaths.get(due.mail.mail_id)
        if deaths and deaths.too_many:
            died = Decision(outcome=Outcome.FAILED, reason=DIED.format(deaths.alone))
            return forwarded_failure(Question(mail=due.mail, snapshot=snapshot, facts=facts), died)
        return decide(due.mail, snapshot, facts)

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
            bundle_seconds=self._process.settings.notifications.bundle_seconds,
            seal=self._secrets.seal,
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


def _handled_ids(applied: Applied) -> list[str]:
    return [one.decided.due.mail.mail_id for one in applied.handled]


def distinct(due: Sequence[DueMail]) -> list[DueMail]:
    """Keeps the first of several messages with equal content: the others need its outcome first."""
    first: dict[str, DueMail] = {}
    for mail in due:
        first.setdefault(mail.mail.fingerprint, mail)
    return list(first.values())


def one_of_each_request(mails: Sequence[DueMail], gathered: Gathered) -> list[DueMail]:
    """Keeps the first of several messages that are about one approval request: it may decide it.

    Anybody may write tokens that we did not make, and these hold nobody up.
    """
    kept: dict[str, DueMail] = {}
    for due in mails:
        fact = gathered.facts[due.mail.mail_id].approval
        kept.setdefault(fact.request_id if fact and fact.genuine else due.mail.mail_id, due)
    return list(kept.values())
