"""Does periodic work: counts unaccounted messages, expires the archive and notices, collects blobs.

It also writes the search words of issues that are older than the search, or of projects whose
language has changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.errors import FatalError, TransientError
from postrail.incoming import queue as incoming
from postrail.observe import metrics
from postrail.observe.log import log
from postrail.operate.blob_collector import collect, keep_for
from postrail.operate.unfinished_blobs import remove_unfinished
from postrail.outgoing import notices, suppressions
from postrail.process import Process
from postrail.tasks import set_within
from postrail.tracker.builtin.search_text import Place, renew

logger = log(__name__)

COUNT_SECONDS = 15.0
CLEAN_SECONDS = 24 * 3600.0
# Earlier than a day: a process may never live that long.
FIRST_CLEAN_SECONDS = 600.0
# The longest time that a round writes search words, page by page.
SEARCH_SECONDS = 5.0


class Housekeeping:
    """Runs beside the work; a step that fails keeps no other, and is repeated at its next time."""

    def __init__(self, process: Process, pool: Pool, blobs: BlobStore) -> None:
        self._process = process
        self._settings = process.settings
        self._pool = pool
        self._blobs = blobs
        # In steady seconds.
        self._clean_at = process.clock.steady() + FIRST_CLEAN_SECONDS
        self._search_at = process.clock.steady()
        self._search_place = Place()

    async def run(self) -> None:
        """Works until the process stops."""
        while not self._process.stop.is_set():
            await self._round()
            await set_within(self._process.stop, COUNT_SECONDS)

    async def _round(self) -> None:
        await self._try(self._count_unaccounted, "count")
        await self._try(self._hold_suppressed, "suppressed")
        if self._process.clock.steady() >= self._search_at:
            await self._try(self._renew_search_words, "search words")
        if self._process.clock.steady() >= self._clean_at:
            self._clean_at = self._process.clock.steady() + CLEAN_SECONDS
            await self._try(self._collect_blobs, "blobs")
            await self._try(self._remove_unfinished, "unfinished blobs")
            await self._try(self._expire_archive, "archive")
            await self._try(self._forget_notices, "notices")

    async def _try(self, step: Callable[[], Awaitable[None]], part: str) -> None:
        try:
            await step()
        except TransientError as error:
            logger.warning("housekeeping waits", part=part, reason=str(error))
        except FatalError:
            raise
        except Exception:
            # It must not end the process, which handles messages.
            logger.exception("housekeeping failed", part=part)

    async def _count_unaccounted(self) -> None:
        after_seconds = self._settings.handler.unaccounted_after_seconds
        async with transaction(self._pool) as connection:
            count = await incoming.unaccounted(connection, self._process.clock.now(), after_seconds)
        metrics.set_unaccounted(count)
        if count:
            logger.error("mails without an outcome", count=count, after_seconds=after_seconds)

    async def _hold_suppressed(self) -> None:
        """Holds what was stored while its address was being suppressed."""
        async with transaction(self._pool) as connection:
            await suppressions.hold(connection, self._process.clock.now())

    async def _renew_search_words(self) -> None:
        """Writes words of issues and comments that are older than the search, or were restored.

        Those of projects whose language has changed are written again.
        """
        end = self._process.clock.steady() + SEARCH_SECONDS
        while not self._search_place.at_end:
            if self._process.stop.is_set() or self._process.clock.steady() > end:
                return
            async with transaction(self._pool) as connection:
                self._search_place = await renew(connection, self._search_place)
        self._search_place = Place()
        self._search_at = self._process.clock.steady() + CLEAN_SECONDS

    async def _collect_blobs(self) -> None:
        keep = keep_for(self._settings.kafka)
        now = self._process.clock.now()
        report = await collect(self._pool, self._blobs, now=now, keep=keep)
        logger.info("blobs collected", report=str(report))

    async def _remove_unfinished(self) -> None:
        now = self._process.clock.now()
        if unfinished := await remove_unfinished(self._settings.blobs.url, now):
            logger.info("unfinished blobs removed", count=unfinished)

    async def _expire_archive(self) -> None:
        if self._settings.blobs.archive_days:
            today = self._process.clock.now().date()
            await self._blobs.expire_archive(self._settings.blobs.archive_days, today)

    async def _forget_notices(self) -> None:
        async with transaction(self._pool) as connection:
            await notices.forget(connection, self._process.clock.now())
