"""The life of one mailbox here: connect, look, wait, look again; after a fault, start over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, FatalError, PipelineError, TransientError
from postrail.mailbox import Mailbox, MailboxUnavailable
from postrail.mailbox_state.reconciliation import Round
from postrail.oauth import NeedsAuthorization
from postrail.observe import metrics
from postrail.observe.log import log
from postrail.retry import backoff_seconds
from postrail.tasks import set_within
from services.fetcher.batch_read import Suspects
from services.fetcher.reconcile import fetch_missed
from services.fetcher.step import Fetch, Limits, SharedResources
from services.fetcher.waiting import Wait, wait_idling

logger = log("fetcher")

PAUSE_BASE_SECONDS = 0.5
PAUSE_MAX_SECONDS = 60.0
# Many servers lock accounts after failed logins, and only a person can mend a wrong password.
MISCONFIGURED_BASE_SECONDS = 15.0
MISCONFIGURED_MAX_SECONDS = 300.0
# Whoever authorizes an account wakes its mailbox; this is for a wake that was missed.
AUTHORIZATION_SECONDS = 60.0
# What all mailboxes need (PostgreSQL, the blob store) comes back for all of them at once.
SHARED_MAX_SECONDS = 5.0
# People see from it that the mailbox is looked at; each time would be a write for each new mail.
CONTACT_NOTED_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class MailboxOpener:
    """How mailboxes are opened: what makes one for an account, and how many connect at once."""

    mailbox_for: Callable[[MailAccount], Mailbox]
    # Fewer than there are threads, so that servers that do not answer leave some to the others.
    slots: asyncio.Semaphore


class MailboxWatch:
    """Watches one mailbox until it is cancelled."""

    def __init__(
        self,
        account: MailAccount,
        parts: SharedResources,
        entrance: MailboxOpener,
        wait: Wait = set_within,
    ) -> None:
        self.account = account
        self._parts = parts
        self._entrance = entrance
        self._wait = wait
        self._attention = asyncio.Event()
        self._suspects = Suspects()
        self._uid_validity = 0
        self._failures = 0
        self._contact_noted_at = datetime.min.replace(tzinfo=UTC)
        # The need for an authorization that was told; it is told once.
        self._told = ""

    def look_now(self) -> None:
        """Somebody wants the mailbox looked at without waiting for the timer."""
        self._attention.set()

    async def run(self) -> None:
        """Fetches for ever. Raises FatalError when Kafka did not acknowledge."""
        while True:
            try:
                await self._session()
            except (TransientError, ConfigurationError) as error:
                await self._recover(error)
            except FatalError:
                raise
            # What one server answers that nobody foresaw must not stop the other mailboxes.
            except Exception as error:
                logger.exception("mailbox failed", mailbox=self.account.name)
                await self._recover(PipelineError(f"{type(error).__name__}: {error}"))

    async def _session(self) -> None:
        """From opening the mailbox to the first fault."""
        mailbox = self._entrance.mailbox_for(self.account)
        try:
            fetch = await self._open(mailbox)
            await fetch.finish_what_was_left()
            already = await self._already_fetched()
            while True:
                self._attention.clear()
                # In the same session: a server may allow no other one soon (POP3's LOGIN-DELAY).
                left = await fetch.take_new(already)
                await self._reconcile(fetch, left)
                await fetch.rest()
                already = 0
                await self._reached()
                if not await self._news(mailbox):
                    await fetch.save_finished()
                await self._come_back(mailbox)
        finally:
            self._parts.threads.release(mailbox)

    async def _open(self, mailbox: Mailbox) -> Fetch:
        async with self._entrance.slots:
            uid_validity = await self._parts.threads.run(mailbox.open)
        if uid_validity != self._uid_validity:
            self._uid_validity, self._suspects = uid_validity, Suspects()
        fetch = await self._fetch(mailbox, uid_validity)
        logger.info(
            "mailbox open",
            mailbox=self.account.name,
            folder=self.account.folder,
            uid_validity=uid_validity,
            last_uid=fetch.state.last_uid,
        )
        return fetch

    async def _fetch(self, mailbox: Mailbox, uid_validity: int) -> Fetch:
        state = await self._parts.store.begin(self.account.name, self.account.folder, uid_validity)
        limits = Limits(
            max_mails_per_poll=self.account.max_mails_per_poll,
            max_message_bytes=self.account.max_message_bytes,
        )
        return Fetch(self._parts, mailbox, state, self._suspects, limits)

    async def _already_fetched(self) -> int:
        """What a predecessor, here or elsewhere, has had of the mails that a poll may fetch."""
        if not self.account.max_mails_per_poll:
            return 0
        since = self._parts.clock.now() - timedelta(seconds=self.account.poll_seconds)
        return await self._parts.store.fetched_since(self.account.name, since)

    async def _come_back(self, mailbox: Mailbox) -> None:
        """Connects again where the rest between two looks has let the mailbox go."""
        # A POP3 session locks the mailbox, so that its looks are sessions of their own.
        if self.account.protocol == "pop3":
            async with self._entrance.slots:
                await self._parts.threads.run(mailbox.open)

    async def _reconcile(self, fetch: Fetch, left: int) -> None:
        """Compares mailbox and rows when it is time for it, or when somebody asked for it.

        What is missing is fetched as far as the poll may still fetch so many mails.
        """
        due = await self._parts.store.due_reconciliation(self.account.name) if left > 0 else None
        if due is None:
            return
        if due.since and self.account.only_after and due.since < self.account.only_after:
            found = await self._reach_back(due.since, left)
        else:
            found = await fetch_missed(fetch, self._parts.store, left)
        await self._parts.store.note_reconciliation(due, found)
        if not due.since:
            # Else most of them were left alone on purpose.
            metrics.set_mailbox_unaccounted(self.account.name, found.unaccounted)
        logger.log(
            logging.WARNING if found.unaccounted and not due.since else logging.INFO,
            "mailbox compared with what was read of it",
            mailbox=self.account.name,
            since=due.since,
            requested_by=due.requested_by,
            held=found.held,
            unaccounted=found.unaccounted,
            fetched=found.fetched,
            finished=found.finished,
        )

    async def _reach_back(self, since: date, left: int) -> Round:
        """Compares over a connection of its own, which sees mail from before `only_after`."""
        account = self.account.model_copy(update={"only_after": since})
        mailbox = self._entrance.mailbox_for(account)
        try:
            async with self._entrance.slots:
                uid_validity = await self._parts.threads.run(mailbox.open)
            fetch = await self._fetch(mailbox, uid_validity)
            found = await fetch_missed(fetch, self._parts.store, left)
            await fetch.rest()
            return found
        finally:
            self._parts.threads.release(mailbox)

    async def _reached(self) -> None:
        self._parts.progress.contact(self.account.name)
        now = self._parts.clock.now()
        if self._failures or self._told or self._contact_noted_at + CONTACT_NOTED_EVERY <= now:
            self._contact_noted_at = now
            await self._parts.store.contact(self.account.name, None)
        self._failures, self._told = 0, ""

    async def _news(self, mailbox: Mailbox) -> bool:
        """Waits until it is time to look again; False when nothing but the poll timer says so."""
        # A limit for each poll would be none if new mail made the next one.
        idles = self.account.idle and not self.account.max_mails_per_poll
        if idles and mailbox.can_idle:
            return await wait_idling(
                mailbox, self._parts.threads, self._attention, self.account.poll_seconds
            )
        return await self._wait(self._attention, self.account.poll_seconds)

    async def _recover(self, error: PipelineError) -> None:
        """Tells what is wrong and waits, longer each time, or until somebody asks for a look.

        Nobody's wish shortens a pause that the server has asked for.
        """
        if isinstance(error, NeedsAuthorization):
            await self._wait_for_authorization(error)
            return
        self._failures += 1
        wrong = isinstance(error, ConfigurationError)
        asked_for = error.after_seconds if isinstance(error, MailboxUnavailable) else 0.0
        seconds = max(asked_for, _pause_seconds(error, self._failures))
        logger.log(
            logging.ERROR if wrong else logging.WARNING,
            "mailbox away",
            mailbox=self.account.name,
            reason=str(error),
            attempt=self._failures,
            again_in_seconds=round(seconds, 1),
        )
        if not _is_shared(error):
            await self._parts.store.contact(self.account.name, error)
        self._attention.clear()
        await self._wait(asyncio.Event() if asked_for else self._attention, seconds)

    async def _wait_for_authorization(self, error: NeedsAuthorization) -> None:
        """Only a person can help, so neither the log nor the provider is bothered again."""
        if self._told != error.reason:
            logger.error(
                "mailbox needs authorization", mailbox=self.account.name, reason=str(error)
            )
            await self._parts.store.contact(self.account.name, error)
        self._told = error.reason
        self._attention.clear()
        await self._wait(self._attention, AUTHORIZATION_SECONDS)


def _pause_seconds(error: PipelineError, failures: int) -> float:
    """How long to wait after so many failures in a row, by whose fault it was."""
    if isinstance(error, ConfigurationError):
        return backoff_seconds(failures, MISCONFIGURED_BASE_SECONDS, MISCONFIGURED_MAX_SECONDS)
    return backoff_seconds(
        failures, PAUSE_BASE_SECONDS, SHARED_MAX_SECONDS if _is_shared(error) else PAUSE_MAX_SECONDS
    )


def _is_shared(error: PipelineError) -> bool:
    """Whether the fault is no matter of this mailbox: PostgreSQL or the blob store is away."""
    return isinstance(error, TransientError) and not isinstance(error, MailboxUnavailable)
