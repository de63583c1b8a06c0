"""The handler's story: take parsed mails in, take due mails, decide, and write what follows.

One transaction holds the effects, the outcome with its reasons, and the outbox rows, so a mail
either had all of its effects or none. A batch that fails is done again mail by mail; a mail that
fails alone is set to failed and its neighbours go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from postrail.blobs import BlobStore
from postrail.configuration.load import CachedSnapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, transaction
from postrail.decision.decide import Decision, decide
from postrail.effects import gather as facts
from postrail.effects.comment_text import comment_text
from postrail.effects.drafts import (
    Decided,
    comment_draft,
    involvement,
    issue_draft,
    notifications,
)
from postrail.errors import FatalError, TransientError
from postrail.incoming import conversations
from postrail.incoming import queue as incoming
from postrail.incoming.queue import DueMail, Outcome
from postrail.notifications.compose import entries as outgoing_entries
from postrail.notifications.compose import index_outgoing
from postrail.observe.log import log
from postrail.process import Process
from postrail.records import MailHandled, MailParsed, OutgoingQueued
from postrail.retry import backoff_seconds
from postrail.stream import avro, outbox
from postrail.stream.intake import IntakeOffsets
from postrail.stream.producer import Entry
from postrail.stream.received import Received, next_offsets
from postrail.stream.topics import MAIL_HANDLED
from postrail.tasks import set_within
from postrail.tracker import TrackerUnavailable, TransactionalTracker, issues

logger = log(__name__)


class Handler:
    """Works from the table of incoming mail."""

    def __init__(
        self,
        process: Process,
        pool: Pool,
        tracker: TransactionalTracker,
        offsets: IntakeOffsets,
        blobs: BlobStore,
        message_id_key: bytes,
    ) -> None:
        self._process = process
        self._settings = process.settings.handler
        self._pool = pool
        self._tracker = tracker
        self._offsets = offsets
        self._blobs = blobs
        self._key = message_id_key
        self._snapshot = CachedSnapshot(process.clock)
        self._arrived = asyncio.Event()
        self._in_hand: list[DueMail] = []

    async def take_in(self, batch: Sequence[Received[MailParsed]]) -> None:
        """Brings parsed mails into the table, with their offsets, in one transaction."""
        async with transaction(self._pool) as connection:
            await self._offsets.advance(connection, batch)
            await incoming.take_in(connection, batch, self._process.clock.now())
        self._offsets.expect(next_offsets(batch))
        self._arrived.set()

    async def run(self) -> None:
        """Works due mails until the process stops; a database that is away is waited for."""
        attempt = 0
        while not self._process.stop.is_set():
            self._process.health.beat()
            self._arrived.clear()
            try:
                worked = await self.work_batch()
            except TransientError as error:
                attempt += 1
                self._process.health.down("work", str(error))
                logger.warning("work paused", reason=str(error), attempt=attempt)
                await self._process.clock.sleep(backoff_seconds(attempt, 0.5, 30.0))
                continue
            attempt = 0
            self._process.health.up("work")
            if not worked:
                await self._wait()

    async def _wait(self) -> None:
        """Until mails arrive, or the time comes to look for those that wait."""
        await set_within(self._arrived, self._settings.poll_seconds)

    async def work_batch(self) -> int:
        """Works one batch of due mails; returns how many were found."""
        try:
            return await self._work(self._settings.batch_max_mails)
        except TransientError as error:
            if not isinstance(error, TrackerUnavailable):
                raise
            return await self._work_one_by_one(error)
        except FatalError:
            raise
        # Whatever else it is, it must not stop the mails beside the one that brought it about.
        except Exception as error:
            if not self._in_hand:
                raise _no_mails_fault(error) from error
            return await self._work_one_by_one(error)

    async def _work_one_by_one(self, error: Exception) -> int:
        logger.warning("a batch failed: working its mails one by one", error=repr(error))
        worked = 0
        for _ in range(len(self._in_hand)):
            worked += await self._work_alone()
        return worked

    async def _work_alone(self) -> int:
        try:
            return await self._work(1)
        except TrackerUnavailable as error:
            await self._postpone(error)
        except (TransientError, FatalError):
            raise
        except Exception as error:
            if not self._in_hand:
                raise _no_mails_fault(error) from error
            logger.exception("a mail failed", mail_id=self._in_hand[0].mail.mail_id)
            await self._fail(error)
        return 1

    async def _postpone(self, error: Exception) -> None:
        (due,) = self._in_hand
        seconds = backoff_seconds(
            due.attempts + 1, self._settings.retry_base_seconds, self._settings.retry_max_seconds
        )
        until = self._process.clock.now() + timedelta(seconds=seconds)
        async with transaction(self._pool) as connection:
            await incoming.postpone(connection, due, str(error), until)
        self._process.progress.count(due.mail.mailbox, "waiting")

    async def _fail(self, error: Exception) -> None:
        (due,) = self._in_hand
        now = self._process.clock.now()
        decision = Decision(outcome="failed", reason=f"{type(error).__name__}: {error}")
        done = [Decided(due=due, decision=decision)]
        sent = self._facts(done, now)
        async with transaction(self._pool) as connection:
            if not await incoming.finish(connection, [_outcome(one) for one in done], now):
                # Another handler had no such trouble with it.
                return
            added = await outbox.add(connection, sent, now)
        self._count(done, now)
        await outbox.flush(self._pool, self._process.producer, added)

    async def _work(self, limit: int) -> int:
        now = self._process.clock.now()
        self._in_hand = []
        async with transaction(self._pool) as connection:
            due = await incoming.take_due(connection, now, limit)
            if not due:
                return 0
            self._in_hand = distinct(due)
            await incoming.lock_work(connection, self._in_hand)
            snapshot = await self._snapshot.current(connection)
            decided = await self._decide(connection, snapshot)
            done, mails = await self._take_effect(connection, decided, snapshot, now)
            sent = [*self._facts(done, now), *outgoing_entries(mails)]
            await incoming.finish(connection, [_outcome(one) for one in done], now)
            added = await outbox.add(connection, sent, now)
        # They are committed: what goes wrong from here on is none of their faults.
        self._in_hand = []
        self._count(done, self._process.clock.now())
        await outbox.flush(self._pool, self._process.producer, added)
        return len(done)

    async def _decide(
        self, connection: Connection, snapshot: ConfigurationSnapshot
    ) -> list[Decided]:
        known = await facts.gather(connection, self._in_hand)
        return [
            Decided(due=due, decision=decide(due.mail, snapshot.accounts, found), facts=found)
            for due in self._in_hand
            for found in [known[due.mail.mail_id]]
        ]

    async def _take_effect(
        self,
        connection: Connection,
        decided: list[Decided],
        snapshot: ConfigurationSnapshot,
        now: datetime,
    ) -> tuple[list[Decided], list[OutgoingQueued]]:
        """Issues, comments and noted addresses, and the mails that tell of them."""
        created = await self._create_issues(connection, decided, snapshot, now)
        comments = await self._add_comments(connection, decided, snapshot, now)
        involved = [involvement(one, snapshot) for one in [*created, *comments]]
        await issues.record_involvements(connection, involved)
        others = [
            replace(one, issue_key=one.decision.issue_key)
            for one in decided
            if one.decision.outcome not in ("issue", "comment")
        ]
        await self._note_addresses(connection, others, snapshot)
        mails = await self._notify(connection, [*created, *comments], snapshot, now)
        return [*created, *comments, *others], mails

    async def _create_issues(
        self,
        connection: Connection,
        decided: list[Decided],
        snapshot: ConfigurationSnapshot,
        now: datetime,
    ) -> list[Decided]:
        wanted = [one for one in decided if one.decision.outcome == "issue"]
        drafts = [issue_draft(one, snapshot) for one in wanted]
        keys = await self._tracker.create_issues(connection, drafts, now)
        triples = [
            (draft.conversation, draft.project, key)
            for draft, key in zip(drafts, keys, strict=True)
        ]
        await conversations.map_issues(connection, triples)
        return [replace(one, issue_key=key) for one, key in zip(wanted, keys, strict=True)]

    async def _add_comments(
        self,
        connection: Connection,
        decided: list[Decided],
        snapshot: ConfigurationSnapshot,
        now: datetime,
    ) -> list[Decided]:
        comments = [one for one in decided if one.decision.outcome == "comment"]
        # Large texts are read at once: the transaction must not stand idle for their sum.
        wanted = await asyncio.gather(*(self._with_text(one, snapshot) for one in comments))
        drafts = [comment_draft(one) for one in wanted]
        ids = await self._tracker.add_comments(connection, drafts, now)
        await conversations.map_issues(connection, _joined_by_key(wanted))
        return [
            replace(one, issue_key=draft.issue_key, comment_id=comment_id)
            for one, draft, comment_id in zip(wanted, drafts, ids, strict=True)
        ]

    async def _with_text(self, one: Decided, snapshot: ConfigurationSnapshot) -> Decided:
        mail = one.due.mail
        account = snapshot.accounts[mail.mailbox]
        return replace(one, text=await comment_text(mail, account, self._blobs))

    async def _note_addresses(
        self, connection: Connection, decided: list[Decided], snapshot: ConfigurationSnapshot
    ) -> None:
        noted = [
            (one.issue_key, snapshot.accounts[one.due.mail.mailbox].address)
            for one in decided
            if one.decision.outcome == "noted" and one.issue_key
        ]
        await issues.note_addresses(connection, noted)

    async def _notify(
        self,
        connection: Connection,
        done: list[Decided],
        snapshot: ConfigurationSnapshot,
        now: datetime,
    ) -> list[OutgoingQueued]:
        keys = [one.issue_key for one in done if one.issue_key and one.decision.answers]
        audiences = await issues.audiences(connection, keys) if keys else {}
        mails = [
            mail
            for one in done
            if one.issue_key in audiences
            for mail in notifications(one, audiences[one.issue_key], snapshot, self._key, now)
        ]
        await index_outgoing(connection, mails)
        return mails

    def _facts(self, done: list[Decided], now: datetime) -> list[Entry]:
        return [
            Entry(MAIL_HANDLED, one.due.mail.mailbox, avro.encode(_handled(one, now)))
            for one in done
        ]

    def _count(self, done: list[Decided], now: datetime) -> None:
        for one in done:
            mail = one.due.mail
            received_at = mail.received_at or mail.fetched_at
            self._process.progress.count(
                mail.mailbox,
                one.decision.outcome,
                age_seconds=max(0.0, (now - received_at).total_seconds()),
                # From the parser's hands to the outcome: the time in the queue counts.
                seconds=max(0.0, (now - mail.parsed_at).total_seconds()),
            )
            logger.info(
                "mail handled",
                mailbox=mail.mailbox,
                mail_id=mail.mail_id,
                outcome=one.decision.outcome,
                reason=one.decision.reason,
                issue_key=one.issue_key,
            )


def project_of(issue_key: str) -> str:
    """HELP of HELP-1."""
    return issue_key.rpartition("-")[0]


def distinct(due: Sequence[DueMail]) -> list[DueMail]:
    """Of mails with the same content only the first: the others are decided once it is stored."""
    first: dict[str, DueMail] = {}
    for mail in due:
        first.setdefault(mail.mail.fingerprint, mail)
    return list(first.values())


def _no_mails_fault(error: Exception) -> TransientError:
    """A fault beside the mails, which must neither fail one of them nor pass unnoticed."""
    return TransientError(f"mails cannot be worked: {type(error).__name__}: {error}")


def _joined_by_key(comments: Sequence[Decided]) -> list[tuple[str, str, str]]:
    """The conversations that an accepted key brought to an issue: what follows them is its too.

    A conversation that has an issue in that project already stays with it.
    """
    return [
        (one.due.conversation, project_of(issue_key), issue_key)
        for one in comments
        if one.decision.by_key and (issue_key := one.decision.issue_key)
        if one.facts and project_of(issue_key) not in one.facts.conversation_issues
    ]


def _outcome(one: Decided) -> Outcome:
    return Outcome(
        mail_id=one.due.mail.mail_id,
        state="failed" if one.decision.outcome == "failed" else "done",
        outcome=one.decision.outcome,
        reason=one.decision.reason,
        issue_key=one.issue_key,
        comment_id=one.comment_id,
        trace={
            "kind": one.due.mail.kind,
            "kind_reason": one.due.mail.kind_reason,
            "facts": asdict(one.facts) if one.facts else None,
        },
    )


def _handled(one: Decided, now: datetime) -> MailHandled:
    mail = one.due.mail
    return MailHandled(
        mail_id=mail.mail_id,
        mailbox=mail.mailbox,
        revision=one.due.revision + 1,
        outcome=one.decision.outcome,
        reason=one.decision.reason,
        project=project_of(one.issue_key) if one.issue_key else None,
        issue_key=one.issue_key,
        comment_id=one.comment_id,
        handled_at=now,
    )
