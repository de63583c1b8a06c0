"""Senders that post what a test stores, at the times of its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from postrail.clock import SettableClock
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Pool, rows_as, transaction
from postrail.secrets import Secrets
from postrail.settings import SenderSettings
from postrail.webhooks import queue
from postrail.webhooks.claims import Claimed
from postrail.webhooks.post import Target
from postrail.webhooks.queue import NewPost, Purpose
from services.sender.webhooks.targets import Targets
from services.sender.webhooks.worker import Webhooks
from tests.servers.certificates import Certificates

CALLBACK_SECRET = "C4LLB4CK"


async def until(condition: Callable[[], object]) -> None:
    """Waits for what a thread brings about."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  There is no event to wait for.
            await asyncio.sleep(0.01)


class NamedTargets(Targets):
    """Posts to the address of each row, as for a setup that names localhost and 127.0.0.1."""

    def __init__(self, secrets: Secrets, certificates: Certificates) -> None:
        super().__init__(SenderSettings(), secrets)
        self._context = certificates.client_context()
        self._keys = secrets

    def find(self, post: Claimed, snapshot: ConfigurationSnapshot) -> Target:
        return Target(
            url=self._keys.reveal(post.url),
            secret=CALLBACK_SECRET,
            private_hosts=["localhost", "127.0.0.1"],
            context=self._context,
        )


class Row:
    """What the tests read of a row."""

    def __init__(self, **columns: Any) -> None:
        self.state: str = columns["state"]
        self.attempts: int = columns["attempts"]
        self.status: int | None = columns["last_status"]
        self.error: str = columns["last_error"]
        self.host: str = columns["host"]
        self.seconds: float = float(columns["seconds"])


class Scene:
    """Stores posts and works them."""

    def __init__(
        self, pool: Pool, clock: SettableClock, secrets: Secrets, certificates: Certificates
    ) -> None:
        self.pool = pool
        self.clock = clock
        self.secrets = secrets
        self._certificates = certificates
        self.senders: list[Webhooks] = []

    def sender(self) -> Webhooks:
        """Makes one more sender."""
        made = Webhooks(self.pool, self.clock, NamedTargets(self.secrets, self._certificates))
        self.senders.append(made)
        return made

    async def add(self, url: str, about: str = "A-12") -> str:
        """Stores a post; returns its id."""
        post = NewPost(
            purpose=Purpose.APPROVAL,
            content={"event": "approval.decided", "choice": "approve"},
            url=self.secrets.seal(url),
            setup="releases",
            about=about,
        )
        async with transaction(self.pool) as connection:
            return await queue.add(connection, post, self.clock.now())

    async def row(self, post_id: str) -> Row:
        async with transaction(self.pool) as connection:
            (found,) = await rows_as(
                connection,
                Row,
                "SELECT state, attempts, last_status, last_error, host,"
                " extract(epoch FROM next_at - %s) AS seconds"
                " FROM webhook_post WHERE post_id = %s",
                [self.clock.now(), post_id],
            )
        return found

    async def states(self, post_ids: Sequence[str]) -> list[str]:
        return [(await self.row(one)).state for one in post_ids]

    async def move_to_next(self, post_id: str) -> None:
        """Moves the clock to the next attempt."""
        self.clock.move((await self.row(post_id)).seconds + 0.001)

    async def pass_time(self, sender: Webhooks, wanted: timedelta, step: timedelta) -> None:
        """Lets the sender work at each step of the time."""
        end = self.clock.now() + wanted
        while self.clock.now() < end:
            await sender.work()
            self.clock.move(step.total_seconds())

    async def close(self) -> None:
        for sender in self.senders:
            await sender.close()
