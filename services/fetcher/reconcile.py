"""Compares a mailbox with the rows of its messages, and fetches those that have no row.

UIDs only grow, which finds every new message of a server that keeps to its protocol. But some
servers list a message late, below one that was read already, and a mailbox or a table may be
restored from a backup.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import date

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import ListedMail
from postrail.mailbox_state.reconciliation import BY_TIMER, Reconciliation, Round
from postrail.observe import metrics
from postrail.observe.log import log
from services.fetcher.opener import MailboxOpener, begin_session
from services.fetcher.reading.batch_read import Limits
from services.fetcher.resources import SharedResources
from services.fetcher.step import Fetch
from services.fetcher.store import Store

logger = log("fetcher")

ASKED_AT_ONCE = 1000


async def reconcile_when_due(
    fetch: Fetch,
    account: MailAccount,
    resources: SharedResources,
    opener: MailboxOpener,
    left: int,
) -> None:
    """Makes the comparison that is due by timer or by request, if there is one.

    It fetches at most `left` missing messages: what the poll may still fetch.
    """
    due = await resources.store.due_reconciliation(account.name) if left > 0 else None
    if due is None:
        return
    if due.since and account.only_after and due.since < account.only_after:
        found = await _backfill(fetch, account, resources, opener, due, left)
    else:
        found = await fetch_missed(fetch, resources.store, left, due.requested_by)
    await resources.store.note_reconciliation(due, found)
    _report(account.name, due, found)


async def _backfill(
    fetch: Fetch,
    account: MailAccount,
    resources: SharedResources,
    opener: MailboxOpener,
    due: Reconciliation,
    left: int,
) -> Round:
    """Compares over another connection, which lists messages from before `only_after`."""
    async with another_session(fetch, account, resources, opener, due.since) as backfill:
        found = await fetch_missed(backfill, resources.store, left, due.requested_by)
        await backfill.rest()
        return found


@contextlib.asynccontextmanager
async def another_session(
    fetch: Fetch,
    account: MailAccount,
    resources: SharedResources,
    opener: MailboxOpener,
    only_after: date | None,
) -> AsyncIterator[Fetch]:
    """Opens the mailbox once more, for messages that the account excludes by its `only_after`."""
    account = account.model_copy(update={"only_after": only_after})
    mailbox = opener.mailbox_for(account)
    try:
        uid_validity = await opener.open(mailbox, resources.threads)
        state = await begin_session(resources, mailbox, account, uid_validity)
        yield Fetch(resources, mailbox, state, fetch.suspects, Limits.of(account))
    finally:
        resources.threads.release(mailbox)


async def fetch_missed(
    fetch: Fetch, store: Store, most: int, requested_by: str = BY_TIMER
) -> Round:
    """Fetches at most `most` messages up to `last_uid` that have no row; later rounds the rest.

    Those that failed because their bytes could not be had are asked for again, as they are here.
    """
    held = await fetch.held()
    missing = await _without_row(fetch, store, held, requested_by)
    unaccounted, fetched = len(missing), 0
    async for wanted in listed_again(fetch, missing, most):
        await fetch.take(wanted)
        fetched += len(wanted)
    return Round(held=len(held), unaccounted=unaccounted, fetched=fetched, finished=not missing)


async def listed_again(fetch: Fetch, uids: set[int], most: int) -> AsyncIterator[list[ListedMail]]:
    """Yields at most `most` of these messages as the mailbox lists them, with their sizes.

    Removes from `uids` what it has yielded, and what is not listed any more.
    """
    while uids and most > 0:
        first = min(uids)
        if not (listed := await fetch.listed_after(first - 1)):
            # They were removed, or the server allows no session now: the next round will tell.
            return
        wanted = [message for message in listed if message.uid in uids][:most]
        yield wanted
        most -= len(wanted)
        # The first one goes in any case: it may have been removed, and is not listed then.
        uids -= {first, *(message.uid for message in wanted)}


async def _without_row(
    fetch: Fetch, store: Store, held: Sequence[ListedMail], requested_by: str
) -> set[int]:
    missing = set()
    for start in range(0, len(held), ASKED_AT_ONCE):
        messages = held[start : start + ASKED_AT_ONCE]
        ids = {fetch.mail_id(message): message.uid for message in messages}
        known = await store.known(list(ids))
        missing |= {uid for mail_id, uid in ids.items() if mail_id not in known}
        # The pauses of parked messages are for the timer; a person asks at once.
        at_once = requested_by != BY_TIMER
        await store.ask_for_failed(sorted(known), requested_by, at_once=at_once)
    return missing


def _report(mailbox: str, due: Reconciliation, found: Round) -> None:
    # A backfill mostly finds messages that the account excluded on purpose.
    alarming = found.unaccounted > 0 and not due.since
    if not due.since:
        metrics.set_mailbox_unaccounted(mailbox, found.unaccounted)
    logger.log(
        logging.WARNING if alarming else logging.INFO,
        "mailbox compared with what was read of it",
        mailbox=mailbox,
        since=due.since,
        requested_by=due.requested_by,
        held=found.held,
        unaccounted=found.unaccounted,
        fetched=found.fetched,
        finished=found.finished,
    )
