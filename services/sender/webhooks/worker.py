"""Posts what is due: claims posts, posts them side by side, and records each answer.

No transaction is open while something is posted. A sender that is killed leaves its claims to
expire; then another one posts again, under the same id.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.configuration.load import CachedSnapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, Pool, transaction
from postrail.errors import ConfigurationError, TransientError
from postrail.observe import metrics
from postrail.observe.log import log
from postrail.tasks import end_tasks, set_within
from postrail.webhooks import claims
from postrail.webhooks.claims import Claimed
from postrail.webhooks.counts import counts
from postrail.webhooks.post import SECONDS, Answer, Poster
from postrail.webhooks.queue import PostState
from services.sender.webhooks.targets import Targets

logger = log(__name__)

POLL_SECONDS = 1.0
AT_ONCE = 32
FORGET_EVERY = timedelta(hours=1)
COUNT_EVERY = timedelta(seconds=15)
# A claim that PostgreSQL has answered later than this is left to expire: it might do so while the
# post is under way.
LATE_SECONDS = claims.CLAIM.total_seconds() - 2 * SECONDS


class Webhooks:
    """Posts what is due until the process stops; one receiver that is slow delays no other."""

    def __init__(self, pool: Pool, clock: Clock, targets: Targets) -> None:
        self._pool = pool
        self._clock = clock
        self._targets = targets
        self._poster = Poster(at_once=AT_ONCE)
        self._snapshots = CachedSnapshot(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        # Another one may be due as soon as its host has answered.
        self._ended = asyncio.Event()
        # When to do so again; None: at once.
        self._forget_at: datetime | None = None
        self._count_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Posts until `stop` is set; then waits for the answers, a few seconds at most."""
        try:
            while not stop.is_set():
                try:
                    await self.begin()
                except TransientError as error:
                    logger.warning("webhooks wait", reason=str(error))
                await self._pause(stop)
            await self.finish()
        finally:
            await self.close()

    async def close(self) -> None:
        """Ends what is being posted; its claims expire."""
        await end_tasks(self._tasks)
        self._poster.close()

    async def work(self) -> int:
        """Posts all that is due and waits for the answers; returns how many posts there were."""
        worked = 0
        while begun := await self.begin():
            worked += begun
            await self.finish()
        return worked

    async def begin(self) -> int:
        """Begins what is due, as far as there is room; returns how many posts it has begun."""
        room = AT_ONCE - len(self._tasks)
        if not room:
            return 0
        requested, now = self._clock.steady(), self._clock.now()
        async with transaction(self._pool) as connection:
            await claims.name_hosts(connection, self._targets.host_of)
            claimed = await claims.claim_due(connection, room, now)
            snapshot = await self._snapshots.current(connection)
            await self._keep_house(connection, now)
        if self._clock.steady() - requested > LATE_SECONDS:
            return 0
        for one in claimed:
            task = asyncio.create_task(self._post(one, snapshot))
            self._tasks.add(task)
            task.add_done_callback(self._end)
        return len(claimed)

    async def _keep_house(self, connection: Connection, now: datetime) -> None:
        if self._forget_at is None or now >= self._forget_at:
            await claims.forget_old(connection, now)
            self._forget_at = now + FORGET_EVERY
        if self._count_at is None or now >= self._count_at:
            found = await counts(connection)
            metrics.set_webhook_posts(
                {"waiting": found.waiting, "failing": found.failing, "failed": found.failed}
            )
            self._count_at = now + COUNT_EVERY

    async def finish(self) -> None:
        """Waits for the answers to what is being posted."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._ended.set()
        if not task.cancelled() and (error := task.exception()):
            logger.error("the answer to a post was not recorded", exc_info=error)

    async def _pause(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(set_within(stop, POLL_SECONDS))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks([stopped, ended])
        self._ended.clear()

    async def _post(self, post: Claimed, snapshot: ConfigurationSnapshot) -> None:
        answer = await self._answer(post, snapshot)
        async with transaction(self._pool) as connection:
            state = await claims.record(connection, post, answer, self._clock.now())
        metrics.count_webhook_attempt(state or "lost")
        told = {"post": post.post_id, "purpose": post.purpose, "about": post.about}
        if state == PostState.FAILED:
            logger.warning("a post was given up", **told, reason=answer.error)
        elif state == PostState.WAITING:
            logger.info("a post waits", **told, attempts=post.attempts, reason=answer.error)

    async def _answer(self, post: Claimed, snapshot: ConfigurationSnapshot) -> Answer:
        try:
            target = self._targets.find(post, snapshot)
            return await self._poster.post(target, post.post_id, post.body, self._clock.now())
        except ConfigurationError as error:
            return Answer(error=str(error))
        except Exception as error:  # noqa: BLE001  One post must not stop the others.
            # Its text may hold the address.
            kind = type(error).__name__
            logger.error("a post failed", post=post.post_id, fault=kind)
            return Answer(error=f"an unexpected fault ({kind}); the sender's log names it")
