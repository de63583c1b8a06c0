"""The handler's loop: works due messages in batches, and message by message when a batch fails.

A message that fails alone is set to failed, one that alone meets a fault of the installation waits,
and the other messages of its batch go on. A fault that meets all messages pauses the work.
"""

from __future__ import annotations

from collections.abc import Sequence

from postrail.blobs import BlobStore
from postrail.database import Pool
from postrail.database.faults import DatabaseUnavailable
from postrail.errors import FatalError, LimitExceeded, PipelineError, TransientError, os_fault
from postrail.incoming.queue import DueMail
from postrail.observe.log import log
from postrail.process import Process
from postrail.records import MailParsed
from postrail.retry_loop import RetryLoop
from postrail.stream.intake import IntakeOffsets
from postrail.stream.received import Received
from postrail.tasks import set_within
from postrail.tracker import TrackerUnavailable, TransactionalTracker
from services.handler.batch import Batch
from services.handler.intake import Intake

logger = log(__name__)

PAUSE_BASE_SECONDS = 0.5
PAUSE_MAX_SECONDS = 30.0
# After a MemoryError the process ends, and its successor works the messages one by one.
NOT_OF_A_MESSAGE = (DatabaseUnavailable, FatalError, MemoryError)


class Handler:
    """Works from the table of incoming messages."""

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
        self._intake = Intake(pool, offsets, process.clock, message_id_key)
        self._batch = Batch(process, pool, tracker, blobs, message_id_key)
        self._retry = RetryLoop(
            event="work paused",
            part="work",
            health=process.health,
            pause=self._pause,
            base_seconds=PAUSE_BASE_SECONDS,
            max_seconds=PAUSE_MAX_SECONDS,
        )

    async def take_in(self, batch: Sequence[Received[MailParsed]]) -> None:
        """Brings parsed messages into the table."""
        await self._intake.take_in(batch)

    async def run(self) -> None:
        """Works due messages until the process stops; pauses while the database is unavailable."""
        stop = self._process.stop
        async with self._batch.mark:
            while not stop.is_set():
                self._intake.arrived.clear()
                if not await self._retry.run(self.work_batch, stop):
                    await self._batch.mark.release()
                    # Messages that wait become due by the clock alone.
                    await set_within(self._intake.arrived, self._settings.poll_seconds)

    async def _pause(self, seconds: float) -> None:
        await self._batch.mark.release()
        await self._process.clock.sleep(seconds)

    async def work_batch(self) -> int:
        """Works one batch of due messages; returns how many were found."""
        try:
            return await self._batch.work(self._settings.batch_max_mails)
        except NOT_OF_A_MESSAGE:
            raise
        # One message's fault must not stop the others of its batch, whatever the fault is.
        except Exception as error:
            if not self._batch.in_flight:
                raise _beside_the_messages(error) from error
            return await self._work_one_by_one(error)

    async def _work_one_by_one(self, error: Exception) -> int:
        logger.warning("a batch failed: working its mails one by one", error=repr(error))
        worked = 0
        for _ in range(len(self._batch.in_flight)):
            worked += await self._work_alone()
        return worked

    async def _work_alone(self) -> int:
        try:
            return await self._batch.work(1)
        except NOT_OF_A_MESSAGE:
            raise
        except Exception as error:
            if not self._batch.in_flight:
                raise _beside_the_messages(error) from error
            await self._set_apart(os_fault(error) if isinstance(error, OSError) else error)
        return 1

    async def _set_apart(self, error: Exception) -> None:
        """Lets the message in flight fail or wait; raises a fault that meets all messages."""
        (due,) = self._batch.in_flight
        if isinstance(error, TransientError) and not isinstance(error, TrackerUnavailable):
            await self._batch.check()
            # The check passes: only this message meets the fault.
        if isinstance(error, TransientError) and not self._is_final(error, due):
            logger.warning("a mail waits", mail_id=due.mail.mail_id, reason=str(error))
            await self._batch.postpone(error)
            return
        logger.error("a mail failed", mail_id=due.mail.mail_id, exc_info=error)
        await self._batch.fail(error)

    def _is_final(self, error: TransientError, due: DueMail) -> bool:
        """Tells whether the message has met a limit so often that the limit is its own."""
        tries = due.limit_tries + 1
        return isinstance(error, LimitExceeded) and tries >= self._settings.limit_tries


def _beside_the_messages(error: Exception) -> TransientError:
    """Returns a fault outside of the messages, which must neither fail one nor pass unnoticed."""
    if isinstance(error, PipelineError):
        return TransientError(error.problem, setting=error.setting, remedy=error.remedy)
    if isinstance(error, OSError):
        return os_fault(error)
    return TransientError(f"messages cannot be processed: {type(error).__name__}: {error}")
