"""The sender's story: take queued mails in; claim due ones, send them, record what became of them.

A round is one transaction: it records the results that have come since the last round, and claims
as many mails as there are free hands. So a mail is claimed right before it is sent, and what a
kill leaves in doubt is at most one mail for each hand; every outgoing connection has as many hands
as POSTRAIL_SENDER__CONNECTIONS says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postrail.blobs import BlobStore
from postrail.courier import Answer, CourierUnavailable, Envelope, TimeLimit
from postrail.database import Connection, Pool, transaction
from postrail.errors import PermanentError, TransientError
from postrail.observe.log import log
from postrail.outgoing import queue as outgoing
from postrail.outgoing.queue import AttemptResult, Claimed
from postrail.process import Process
from postrail.records import OutgoingQueued
from postrail.retry import backoff_seconds
from postrail.stream import outbox
from postrail.stream.intake import IntakeOffsets
from postrail.stream.received import Received, next_offsets
from postrail.tasks import set_within
from services.sender.announcer import Announcer, delivered
from services.sender.attempt_results import attempt_results, postponed, refused
from services.sender.channels import Channel, Channels

logger = log(__name__)

# Parts of the claim's time: until when a message may be completed, and its reply waited for.
DOT_SHARE = 0.7
END_SHARE = 0.9
PAUSE_BASE_SECONDS = 0.2
PAUSE_MAX_SECONDS = 10.0
# How long a free hand waits for others.
GATHER_SECONDS = 0.002
# How long SIGTERM waits for mails that are being sent; their claims expire if it is too short.
STOP_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A claimed mail on its way, with the line it takes and the time it has."""

    line: Channel
    claimed: Claimed
    limit: TimeLimit
    begun_at: datetime


class Sender:
    """Works from the tables of outgoing mail."""

    def __init__(
        self,
        process: Process,
        pool: Pool,
        offsets: IntakeOffsets,
        lines: Channels,
        blobs: BlobStore,
        announcer: Announcer,
    ) -> None:
        self._process = process
        self._settings = process.settings.sender
        self._clock = process.clock
        self._pool = pool
        self._offsets = offsets
        self._lines = lines
        self._blobs = blobs
        self._announcer = announcer
        # Set when there may be something to do: mail came in, or a hand is free.
        self._news = asyncio.Event()
        self._results: list[AttemptResult] = []
        self._attempts: set[asyncio.Task[None]] = set()

    async def take_in(self, batch: Sequence[Received[OutgoingQueued]]) -> None:
        """Brings queued mails into the tables, with their offsets, in one transaction."""
        async with transaction(self._pool) as connection:
            await self._offsets.advance(connection, batch)
            await outgoing.intake(connection, [item.record for item in batch])
        self._offsets.expect(next_offsets(batch))
        self._news.set()

    async def run(self) -> None:
        """Sends until the process stops; a database that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            await self._until_stopped(tasks)
            await self._wind_up()
        await self._lines.close()

    async def _until_stopped(self, tasks: asyncio.TaskGroup) -> None:
        attempt = 0
        while not self._process.stop.is_set():
            self._process.health.beat()
            self._news.clear()
            try:
                await self.round(tasks)
            except TransientError as error:
                attempt += 1
                self._process.health.down("work", str(error))
                logger.warning("sending paused", reason=str(error), attempt=attempt)
                seconds = backoff_seconds(attempt, PAUSE_BASE_SECONDS, PAUSE_MAX_SECONDS)
                await self._clock.sleep(seconds)
                continue
            attempt = 0
            self._process.health.up("work")
            await self._wait()

    async def _wait(self) -> None:
        """Until there is news, or the time comes to look for mail that is due."""
        if await set_within(self._news, self._settings.poll_seconds) and self._attempts:
            # Other hands are about to be free too: one transaction does for all of them.
            await asyncio.sleep(GATHER_SECONDS)

    async def round(self, tasks: asyncio.TaskGroup) -> None:
        """Records results, claims due mails and sets out with them."""
        results, self._results = self._results, []
        try:
            if await self._lines.refresh():
                await self._put_strays_off()
            # Read before PostgreSQL reads its clock, so that our time ends before the claim does.
            now = self._clock.now()
            async with transaction(self._pool) as connection:
                recorded = await outgoing.finish(connection, now, results)
                entries = [delivered(item, now) for item in recorded]
                added = await outbox.add(connection, entries, now)
                attempts = await self._claim(connection, now)
        except BaseException:
            self._results = results + self._results
            raise
        for attempt in attempts:
            attempt.line.busy += 1
            task = tasks.create_task(self._run_attempt(attempt))
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)
        self._announcer.announce(added)
        self._count(recorded, now)
        self._show_lines()

    async def _claim(self, connection: Connection, now: datetime) -> list[Attempt]:
        """As many due mails of each line as it may have under way."""
        attempts = []
        for line in self._lines.usable:
            room = line.breaker.allowed(now, line.busy, self._settings.connections)
            if room:
                claimed = await outgoing.claim_due(
                    connection,
                    now,
                    self._settings.claim_seconds,
                    room,
                    outgoing_connection=line.connection.name,
                )
                attempts += [self._attempt(line, mail, now) for mail in claimed]
        return attempts

    def _attempt(self, line: Channel, claimed: Claimed, now: datetime) -> Attempt:
        claim_seconds = self._settings.claim_seconds
        limit = TimeLimit(
            dot_before=now + timedelta(seconds=claim_seconds * DOT_SHARE),
            end_before=now + timedelta(seconds=claim_seconds * END_SHARE),
        )
        return Attempt(line=line, claimed=claimed, limit=limit, begun_at=now)

    async def _run_attempt(self, attempt: Attempt) -> None:
        """Sends one mail; whatever comes of it is a result."""
        try:
            # In two steps: another list may be there when the mail has been sent.
            result = await self._send(attempt)
            self._results.append(result)
        finally:
            attempt.line.busy -= 1
            self._news.set()

    async def _send(self, attempt: Attempt) -> AttemptResult:
        line, claimed = attempt.line, attempt.claimed
        try:
            parcel = await self._parcel(claimed)
            answers = await line.courier.send(parcel, attempt.limit)
        except CourierUnavailable as error:
            retry_at = line.breaker.failed(self._clock.now(), str(error))
            logger.warning("mail server away", connection=line.connection.name, reason=str(error))
            return self._judged(attempt, postponed(claimed, str(error)), retry_at)
        except PermanentError as error:
            return self._judged(attempt, refused(claimed, str(error)))
        except TransientError as error:
            return self._judged(attempt, postponed(claimed, str(error)))
        # A fault of ours that one mail brings about must not stop the mails beside it; nothing is
        # known of how far it came.
        except Exception as error:
            logger.exception("sending failed", outgoing_id=claimed.outgoing_id)
            reason = f"{type(error).__name__}: {error}"
            return self._judged(attempt, postponed(claimed, reason, state="unknown"))
        line.breaker.succeeded()
        return self._judged(attempt, answers)

    async def _parcel(self, claimed: Claimed) -> Envelope:
        content = claimed.message
        if content is None:
            if claimed.message_blob is None:
                raise PermanentError("the queued mail has neither a message nor a blob")
            content = await self._blobs.get(claimed.message_blob)
        recipients = tuple(recipient.address for recipient in claimed.recipients)
        return Envelope(envelope_from=claimed.envelope_from, recipients=recipients, content=content)

    def _judged(
        self, attempt: Attempt, answers: list[Answer], retry_at: datetime | None = None
    ) -> AttemptResult:
        now = self._clock.now()
        return attempt_results(attempt.claimed, answers, now, self._settings, retry_at=retry_at)

    async def _put_strays_off(self) -> None:
        """Mails of connections that nobody has configured, or no more: they say so and wait."""
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            strays = await outgoing.claim_stray(
                connection,
                now,
                self._settings.claim_seconds,
                self._settings.batch_max_mails,
                known=self._lines.known,
            )
        for mail in strays:
            reason = (
                f"There is no outgoing connection named {mail.connection!r}."
                " Add it with postrail apply."
            )
            self._results.append(
                attempt_results(mail, postponed(mail, reason), now, self._settings)
            )

    def _count(self, recorded: Sequence[AttemptResult], now: datetime) -> None:
        for item in recorded:
            claimed = item.claimed
            age = (now - claimed.received_at).total_seconds() if claimed.received_at else None
            for result in item.results:
                self._process.progress.count(
                    claimed.mailbox or "-",
                    result.state,
                    age_seconds=age if result.state == "sent" else None,
                )
                logger.info(
                    "delivery",
                    outgoing_id=claimed.outgoing_id,
                    issue=claimed.issue_key,
                    connection=claimed.connection,
                    state=result.state,
                    reply=result.reply,
                    maybe_twice=result.maybe_twice,
                )

    def _show_lines(self) -> None:
        """One server that is away is in the log and on its mails; all of them make us not ready."""
        lines = self._lines.usable
        reasons = [line.breaker.reason for line in lines if line.breaker.is_open]
        if lines and len(reasons) == len(lines):
            self._process.health.down("smtp", "; ".join(reasons))
        else:
            self._process.health.up("smtp")

    async def _wind_up(self) -> None:
        """Lets mails under way arrive, and records what became of them."""
        if self._attempts:
            _, late = await asyncio.wait(self._attempts, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
        if not self._results:
            return
        now = self._clock.now()
        try:
            async with transaction(self._pool) as connection:
                recorded = await outgoing.finish(connection, now, self._results)
                await outbox.add(connection, [delivered(item, now) for item in recorded], now)
        except TransientError as error:
            logger.warning("results not recorded: their claims expire", reason=str(error))
