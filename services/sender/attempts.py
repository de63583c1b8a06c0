"""Attempts claimed deliveries, each as a task of its own, and collects the results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postrail.blobs import BlobStore
from postrail.clock import Clock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import (
    Answer,
    BeforeDot,
    CourierUnavailable,
    Envelope,
    MessageTooLarge,
    State,
    TimeLimit,
    require_bytes,
)
from postrail.database import Pool, transaction
from postrail.errors import PermanentError, TransientError
from postrail.incoming.originals import Originals
from postrail.notifications.assemble import assemble, without_original
from postrail.notifications.mime.parts import encoded_size
from postrail.notifications.return_path import return_path
from postrail.observe.log import log
from postrail.outgoing.queue import Claimed
from postrail.outgoing.results import AttemptResult
from postrail.settings import KafkaSettings, SenderSettings
from services.sender.attempt_results import attempt_result, postponed, refused
from services.sender.begun import Begun
from services.sender.breaker import PROBE_MAX_SECONDS
from services.sender.channels import Channel, to_try
from services.sender.message_size import is_mailbox_size_refusal, is_size_refusal

logger = log(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A claimed delivery, with the channel that it takes and the time that it has."""

    channel: Channel
    claimed: Claimed
    limit: TimeLimit
    # The connection in the dress of the message's context.
    sender: OutgoingConnection
    # The channels that take over on faults of connection, login and size, the first one first.
    fallbacks: tuple[Channel, ...] = ()
    # The channel of its own connection, whose server is unavailable; None: it takes that one.
    stands_in_for: Channel | None = None


class Attempts:
    """The attempts in flight, and the results that are not recorded yet."""

    def __init__(
        self,
        *,
        pool: Pool,
        kafka: KafkaSettings,
        blobs: BlobStore,
        settings: SenderSettings,
        clock: Clock,
        on_end: Callable[[], None],
    ) -> None:
        self._blobs = blobs
        self._originals = Originals(lambda: transaction(pool), kafka, blobs)
        self._begun = Begun(pool)
        self._settings = settings
        self._clock = clock
        self._on_end = on_end
        self._results: list[AttemptResult] = []
        # The ids of the messages that each one sends.
        self._tasks: dict[asyncio.Task[None], str] = {}

    @property
    def in_flight(self) -> int:
        """Returns the number of attempts that have not ended."""
        return len(self._tasks)

    @property
    def outgoing_ids(self) -> set[str]:
        """Returns the ids of the messages whose attempts have not ended."""
        return set(self._tasks.values())

    def take_results(self) -> list[AttemptResult]:
        """Returns the results so far; they are the caller's to record, or to put back."""
        results, self._results = self._results, []
        return results

    def put_back(self, results: Sequence[AttemptResult]) -> None:
        """Keeps results that could not be recorded, before those that have come since."""
        self._results = [*results, *self._results]

    def postpone(self, claimed: Claimed, reason: str, state: State, now: datetime) -> None:
        """Adds the result of a delivery that cannot be tried now."""
        answer = postponed(claimed, reason, state=state)
        self._results.append(attempt_result(claimed, answer, now, self._settings))

    def start(self, attempts: Sequence[Attempt], tasks: asyncio.TaskGroup) -> None:
        """Starts a task for each attempt."""
        for attempt in attempts:
            attempt.channel.busy += 1
            task = tasks.create_task(self._run(attempt))
            self._tasks[task] = attempt.claimed.outgoing_id
            task.add_done_callback(self._tasks.pop)

    async def finish(self, seconds: float) -> None:
        """Waits for the attempts in flight, and cancels those that take longer than that."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()

    async def _run(self, attempt: Attempt) -> None:
        try:
            # In two steps: `_results` may be another list by the time the message is sent.
            result = await self._send(attempt)
            self._results.append(result)
        finally:
            attempt.channel.busy -= 1
            self._on_end()

    async def _send(self, attempt: Attempt) -> AttemptResult:
        """Sends one message; every fault becomes a result."""
        channel, claimed = attempt.channel, attempt.claimed
        dotted = False

        async def before_dot(draft: str = "") -> None:
            nonlocal claimed, dotted
            await self._begun.record(claimed, draft)
            claimed = replace(claimed, draft=draft)
            dotted = True

        try:
            answer = await self._answer(attempt, before_dot)
        except CourierUnavailable as error:
            answer = postponed(claimed, str(error))
            return self._unavailable(attempt, claimed, answer, after_seconds=error.after_seconds)
        except MessageTooLarge as error:
            return self._too_large(attempt, claimed, refused(claimed, str(error)))
        except PermanentError as error:
            return self._result(claimed, refused(claimed, str(error)))
        except TransientError as error:
            return self._result(claimed, postponed(claimed, str(error)))
        # A fault of ours that one message brings about must not stop the others; after the dot the
        # message may have been sent.
        except Exception as error:
            logger.exception("sending failed", outgoing_id=claimed.outgoing_id)
            reason = f"{type(error).__name__}: {error}"
            state: State = "unknown" if dotted else "deferred"
            return self._result(claimed, postponed(claimed, reason, state=state))
        if answer.connection_lost:
            return self._unavailable(attempt, claimed, answer)
        if answer.state != "unknown":
            channel.breaker.succeeded()
        if is_size_refusal(answer):
            return self._too_large(attempt, claimed, answer)
        result = self._result(claimed, answer)
        return replace(result, sent_over="" if channel.name == claimed.connection else channel.name)

    def _unavailable(
        self, attempt: Attempt, claimed: Claimed, answer: Answer, *, after_seconds: float = 0.0
    ) -> AttemptResult:
        """Returns the result after a fault of the connection, which pauses it.

        The message goes over a fallback at once. Else it probes the server, unless the fault may be
        the message's own: the connection was lost within it, or the server took others meanwhile.
        """
        breaker, now = attempt.channel.breaker, self._clock.now()
        may_be_its_own = answer.connection_lost or (claimed.attempts > 1 and not breaker.is_open)
        probe_at = breaker.failed(now, answer.reply, after_seconds)
        name = attempt.channel.name
        logger.warning("mail server unavailable", connection=name, reason=answer.reply)
        if to_try(attempt.fallbacks, now):
            return self._result(claimed, answer, now)
        return self._result(claimed, answer, None if may_be_its_own else probe_at)

    def _too_large(self, attempt: Attempt, claimed: Claimed, answer: Answer) -> AttemptResult:
        """Returns the result of a message that is too large for the attempt's connection."""
        if own := attempt.stands_in_for:
            # Its own connection may take it, once its server answers.
            words = f"{answer.reply.rstrip('.')}. It waits for {own.name}."
            later = self._clock.now() + timedelta(seconds=PROBE_MAX_SECONDS)
            return self._result(claimed, postponed(claimed, words), later)
        if not attempt.fallbacks:
            return self._result(claimed, answer)
        now, fallback = self._clock.now(), attempt.fallbacks[0]
        words = f"{answer.reply.rstrip('.')}. It goes over {fallback.name}."
        moved = self._result(claimed, postponed(claimed, words), now)
        return replace(moved, moved_to=fallback.name)

    async def _answer(self, attempt: Attempt, before_dot: BeforeDot) -> Answer:
        """Returns the server's answer to the message.

        A forward that is too large for its recipient, or for the last connection that could take
        it, goes without its original.
        """
        claimed = attempt.claimed
        last = not attempt.fallbacks and attempt.stands_in_for is None
        try:
            answer = await self._sent(attempt, claimed, before_dot)
        except MessageTooLarge:
            if claimed.forwards is None or not last:
                raise
        else:
            too_large = is_mailbox_size_refusal(answer) or (last and is_size_refusal(answer))
            if claimed.forwards is None or not too_large:
                return answer
        logger.warning("a forward goes without its original", outgoing_id=claimed.outgoing_id)
        return await self._sent(attempt, without_original(claimed), before_dot)

    async def _sent(self, attempt: Attempt, claimed: Claimed, before_dot: BeforeDot) -> Answer:
        channel = attempt.channel
        envelope = await self._envelope(claimed, channel.connection, attempt.sender)
        (answer,) = await channel.courier.send(envelope, attempt.limit, before_dot)
        return answer

    def _result(
        self, claimed: Claimed, answer: Answer, retry_at: datetime | None = None
    ) -> AttemptResult:
        now = self._clock.now()
        return attempt_result(claimed, answer, now, self._settings, retry_at=retry_at)

    async def _envelope(
        self, claimed: Claimed, connection: OutgoingConnection, sender: OutgoingConnection
    ) -> Envelope:
        # Before they are read: a file that is too large for the connection need not be in memory.
        files = sum(encoded_size(file.size) for file in claimed.files)
        require_bytes(files, connection.max_bytes, connection.title)
        envelope_from = connection.from_address
        if connection.bounce_address:
            envelope_from = return_path(connection.bounce_address, claimed.message_id)
        return Envelope(
            envelope_from=envelope_from,
            recipients=(claimed.recipient,),
            content=await assemble(claimed, sender, self._blobs, self._originals.read),
            is_repeated=claimed.attempts > 1,
            draft=claimed.draft,
        )
