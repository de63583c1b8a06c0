"""Does periodic work: counts unaccounted messages, expires the archive, collects blobs."""

from __future__ import annotations

from datetime import timedelta

from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.errors import TransientError
from postrail.incoming import queue as incoming
from postrail.observe import metrics
from postrail.observe.log import log
from postrail.operate.blob_collector import collect, keep_for
from postrail.operate.unfinished_blobs import remove_unfinished
from postrail.process import Process
from postrail.tasks import set_within

logger = log(__name__)

COUNT_SECONDS = 15.0
CLEAN_SECONDS = 24 * 3600.0
# Earlier than a day: a process may never live that long.
FIRST_CLEAN_SECONDS = 600.0


class Housekeeping:
    """Runs beside the work; a round that fails is repeated at the next one."""

    def __init__(self, process: Process, pool: Pool, blobs: BlobStore) -> None:
        self._process = process
        self._settings = process.settings
        self._pool = pool
        self._blobs = blobs
        self._clean_at = process.clock.now() + timedelta(seconds=FIRST_CLEAN_SECONDS)

    async def run(self) -> None:
        """Works until the process stops."""
        while not self._process.stop.is_set():
            try:
                await self._round()
            except TransientError as error:
                logger.warning("housekeeping waits", reason=str(error))
            await set_within(self._process.stop, COUNT_SECONDS)

    async def _round(self) -> None:
        await self._count_unaccounted()
        if self._process.clock.now() >= self._clean_at:
            await self._clean()
            self._clean_at = self._process.clock.now() + timedelta(seconds=CLEAN_SECONDS)

    async def _count_unaccounted(self) -> None:
        after_seconds = self._settings.handler.unaccounted_after_seconds
        async with transaction(self._pool) as connection:
            count = await incoming.unaccounted(connection, self._process.clock.now(), after_seconds)
        metrics.set_unaccounted(count)
        if count:
            logger.error("mails without an outcome", count=count, after_seconds=after_seconds)

    async def _clean(self) -> None:
        now = self._process.clock.now()
        keep = keep_for(self._settings.kafka)
        report = await collect(self._pool, self._blobs, now=now, keep=keep)
        logger.info("blobs collected", report=str(report))
        if unfinished := await remove_unfinished(self._settings.blobs.url, now):
            logger.info("unfinished blobs removed", count=unfinished)
        if self._settings.blobs.archive_days:
            await self._blobs.expire_archive(self._settings.blobs.archive_days, now.date())
