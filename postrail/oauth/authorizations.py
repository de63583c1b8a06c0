"""Follows the states of the tokens that a process uses: shows metrics, wakes what waits for them.

An account or connection that needs authorization goes on by itself once a person has signed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from postrail.clock import Clock
from postrail.errors import TransientError
from postrail.oauth.token_table import TokenRow
from postrail.observe.log import log
from postrail.observe.metrics import forget_token, show_token
from postrail.tasks import set_within

logger = log(__name__)


class Authorizations:
    """Follows the states of the accounts, or of the connections, that this process uses."""

    def __init__(
        self,
        *,
        rows: Callable[[], Awaitable[Sequence[TokenRow]]],
        used: Callable[[], Collection[str]],
        wake: Callable[[str], None],
        clock: Clock,
        reload_seconds: float,
    ) -> None:
        """`rows` reads all rows of the kind, of which this process uses those named by `used`."""
        self._rows = rows
        self._used = used
        self._wake = wake
        self._clock = clock
        self._reload_seconds = reload_seconds
        self._waiting: set[str] = set()
        # The rows whose metrics are shown, by owner.
        self._shown: dict[str, TokenRow] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Checks every few seconds until `stop` is set."""
        while not await set_within(stop, self._reload_seconds):
            try:
                await self.check()
            except TransientError as error:
                logger.warning("states of tokens not read", reason=str(error))

    async def check(self) -> None:
        """Shows each state; wakes those that are authorized again."""
        used = set(self._used())
        rows = [row for row in await self._rows() if row.owner in used]
        waiting = {row.owner for row in rows if row.state == "needs_authorization"}
        for name in (self._waiting & used) - waiting:
            logger.info("authorized again", name=name)
            self._wake(name)
        self._waiting = waiting
        self._show(rows)

    def _show(self, rows: Sequence[TokenRow]) -> None:
        now = self._clock.now()
        for row in rows:
            age = (now - row.obtained_at).total_seconds() if row.obtained_at else None
            show_token(row.owners, row.owner, row.state == "needs_authorization", age)
        shown = {row.owner: row for row in rows}
        for name in self._shown.keys() - shown.keys():
            forget_token(self._shown[name].owners, name)
        self._shown = shown
