"""Reports the faults of one mailbox and waits before the next attempt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from postrail.errors import ConfigurationError, PipelineError, TransientError
from postrail.mailbox import MailboxUnavailable
from postrail.oauth import NeedsAuthorization
from postrail.observe.log import log
from postrail.retry import backoff_seconds
from postrail.temporary_files import NoTemporaryFile
from services.fetcher.resources import SharedResources

logger = log("fetcher")

PAUSE_BASE_SECONDS = 0.5
PAUSE_MAX_SECONDS = 60.0
# Many servers lock accounts after failed logins, and only a person can correct a wrong password.
MISCONFIGURED_BASE_SECONDS = 15.0
MISCONFIGURED_MAX_SECONDS = 300.0
# An authorization wakes the mailbox at once; this poll is for a wake-up that was missed.
AUTHORIZATION_SECONDS = 60.0
# PostgreSQL and the blob store, which all mailboxes need, come back for all of them at once.
SHARED_MAX_SECONDS = 5.0
# The status views show the last contact; saving each one would be a write for each new message.
CONTACT_NOTED_EVERY = timedelta(seconds=60)

# Waits until the event is set or the seconds have passed; returns whether the event is set.
Wait = Callable[[asyncio.Event, float], Awaitable[bool]]


class Recovery:
    """Counts the failed attempts of one mailbox in a row; `attention` cuts its pauses short."""

    def __init__(
        self, mailbox: str, resources: SharedResources, attention: asyncio.Event, wait: Wait
    ) -> None:
        self._mailbox = mailbox
        self._resources = resources
        self._attention = attention
        self._wait = wait
        self._failures = 0
        self._contact_noted_at = datetime.min.replace(tzinfo=UTC)
        # The need for an authorization that was reported, so that it is reported once.
        self._reported = ""

    async def reached(self, read_until: datetime | None) -> None:
        """Notes that a poll has succeeded, and when it began if it left no message behind."""
        self._resources.progress.contact(self._mailbox)
        now = self._resources.clock.now()
        recovered = self._failures or self._reported
        if recovered or self._contact_noted_at + CONTACT_NOTED_EVERY <= now:
            self._contact_noted_at = now
            await self._resources.store.contact(self._mailbox, None, read_until)
        self._failures, self._reported = 0, ""

    async def recover(self, error: PipelineError) -> None:
        """Reports the fault and waits, longer each time, or until a poll is requested.

        A request does not shorten a pause that the server has asked for.
        """
        if isinstance(error, NeedsAuthorization):
            await self._wait_for_authorization(error)
            return
        self._failures += 1
        asked_for = error.after_seconds if isinstance(error, MailboxUnavailable) else 0.0
        seconds = max(asked_for, _pause_seconds(error, self._failures))
        logger.log(
            logging.ERROR if isinstance(error, ConfigurationError) else logging.WARNING,
            "mailbox unavailable",
            mailbox=self._mailbox,
            reason=str(error),
            attempt=self._failures,
            again_in_seconds=round(seconds, 1),
        )
        if not _is_shared(error):
            await self._resources.store.contact(self._mailbox, error)
        self._attention.clear()
        await self._wait(asyncio.Event() if asked_for else self._attention, seconds)

    async def _wait_for_authorization(self, error: NeedsAuthorization) -> None:
        # Only a person can help, so this neither logs nor asks the provider again.
        if self._reported != error.reason:
            logger.error("mailbox needs authorization", mailbox=self._mailbox, reason=str(error))
            await self._resources.store.contact(self._mailbox, error)
        self._reported = error.reason
        self._attention.clear()
        await self._wait(self._attention, AUTHORIZATION_SECONDS)


def _pause_seconds(error: PipelineError, failures: int) -> float:
    """Returns the pause after `failures` failures in a row; it depends on the kind of fault."""
    if isinstance(error, ConfigurationError):
        return backoff_seconds(failures, MISCONFIGURED_BASE_SECONDS, MISCONFIGURED_MAX_SECONDS)
    return backoff_seconds(
        failures, PAUSE_BASE_SECONDS, SHARED_MAX_SECONDS if _is_shared(error) else PAUSE_MAX_SECONDS
    )


def _is_shared(error: PipelineError) -> bool:
    """Tells whether the fault concerns all mailboxes: PostgreSQL or the blob store."""
    own = MailboxUnavailable | NoTemporaryFile
    return isinstance(error, TransientError) and not isinstance(error, own)
