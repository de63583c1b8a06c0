"""Follows the token states of the mailboxes here: shows metrics, wakes authorized mailboxes.

A mailbox whose account needs authorization resumes by itself once a person has signed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from postrail.clock import Clock
from postrail.errors import TransientError
from postrail.oauth.token_table import TokenRow
from postrail.observe.log import log
from postrail.observe.metrics import forget_token, show_token
from postrail.tasks import set_within
from services.fetcher.assignment import MailboxAssignment

logger = log("fetcher")


class Authorizations:
    """Follows the states of the accounts whose mailboxes this process watches."""

    def __init__(
        self,
        *,
        rows: Callable[[], Awaitable[Sequence[TokenRow]]],
        assignment: MailboxAssignment,
        clock: Clock,
        reload_seconds: float,
    ) -> None:
        self._rows = rows
        self._assignment = assignment
        self._clock = clock
        self._reload_seconds = reload_seconds
        self._waiting: set[str] = set()
        self._shown: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Checks every few seconds until `stop` is set."""
        while not await set_within(stop, self._reload_seconds):
            try:
                await self.check()
            except TransientError as error:
                logger.warning("states of tokens not read", reason=str(error))

    async def check(self) -> None:
        """Shows each state; wakes the mailboxes whose accounts are authorized again."""
        ours = set(self._assignment.mailboxes)
        rows = [row for row in await self._rows() if row.owner in ours]
        waiting = {row.owner for row in rows if row.state == "needs_authorization"}
        for name in (self._waiting & ours) - waiting:
            logger.info("mailbox is authorized again", mailbox=name)
            self._assignment.wake(name)
        self._waiting = waiting
        self._show(rows)

    def _show(self, rows: Sequence[TokenRow]) -> None:
        now = self._clock.now()
        for row in rows:
            age = (now - row.obtained_at).total_seconds() if row.obtained_at else None
            show_token(row.owner, row.state == "needs_authorization", age)
        shown = {row.owner for row in rows}
        for name in self._shown - shown:
            forget_token(name)
        self._shown = shown
