"""The handler's loop: works due messages in batches, and message by message when a batch fails.

A message that fails alone is set to failed, and the other messages of its batch go on.
"""

from __future__ import annotations

from collections.abc import Sequence

from postrail.blobs import BlobStore
from postrail.database import Pool
from postrail.errors import FatalError, TransientError
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
        self._intake = Intake(pool, offsets, process.clock)
        self._batch = Batch(process, pool, tracker, blobs, message_id_key)
        self._retry = RetryLoop(
            event="work paused",
            part="work",
            health=process.health,
            pause=process.clock.sleep,
            base_seconds=PAUSE_BASE_SECONDS,
            max_seconds=PAUSE_MAX_SECONDS,
        )

    async def take_in(self, batch: Sequence[Received[MailParsed]]) -> None:
        """Brings parsed messages into the table."""
        await self._intake.take_in(batch)

    async def run(self) -> None:
        """Works due messages until the process stops; pauses while the database is unavailable."""
        stop = self._process.stop
        while not stop.is_set():
            self._intake.arrived.clear()
            if not await self._retry.run(self.work_batch, stop):
                # Messages that wait become due by the clock alone.
                await set_within(self._intake.arrived, self._settings.poll_seconds)

    async def work_batch(self) -> int:
        """Works one batch of due messages; returns how many were found."""
        try:
            return await self._batch.work(self._settings.batch_max_mails)
        except TrackerUnavailable as error:
            return await self._work_one_by_one(error)
        except (TransientError, FatalError):
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
        except TrackerUnavailable as error:
            await self._batch.postpone(error)
        except (TransientError, FatalError):
            raise
        except Exception as error:
            if not self._batch.in_flight:
                raise _beside_the_messages(error) from error
            mail_id = self._batch.in_flight[0].mail.mail_id
            logger.exception("a mail failed", mail_id=mail_id)
            await self._batch.fail(error)
        return 1


def _beside_the_messages(error: Exception) -> TransientError:
    """Returns a fault outside of the messages, which must neither fail one nor pass unnoticed."""
    return TransientError(f"messages cannot be processed: {type(error).__name__}: {error}")
