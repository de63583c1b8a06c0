"""Compares a mailbox with the rows of its messages, and fetches those that have no row.

UIDs only grow, which finds every new message of a server that keeps to its protocol. But some
servers list a message late, below one that was read already, and a mailbox or a table may be
restored from a backup.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import ListedMail
from postrail.mailbox_state.reconciliation import Reconciliation, Round
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
        found = await _backfill(fetch, account, resources, opener, due.since, left)
    else:
        found = await fetch_missed(fetch, resources.store, left)
    await resources.store.note_reconciliation(due, found)
    _report(account.name, due, found)


async def _backfill(
    fetch: Fetch,
    account: MailAccount,
    resources: SharedResources,
    opener: MailboxOpener,
    since: date,
    left: int,
) -> Round:
    """Compares over another connection, which lists messages from before `only_after`."""
    account = account.model_copy(update={"only_after": since})
    mailbox = opener.mailbox_for(account)
    try:
        uid_validity = await opener.open(mailbox, resources.threads)
        state = await begin_session(resources, mailbox, account, uid_validity)
        backfill = Fetch(resources, mailbox, state, fetch.suspects, Limits.of(account))
        found = await fetch_missed(backfill, resources.store, left)
        await backfill.rest()
        return found
    finally:
        resources.threads.release(mailbox)


async def fetch_missed(fetch: Fetch, store: Store, most: int) -> Round:
    """Fetches at most `most` messages up to `last_uid` that have no row; later rounds the rest."""
    held = await fetch.held()
    missing = await _without_row(fetch, store, held)
    unaccounted, fetched = len(missing), 0
    while missing and fetched < most:
        first = min(missing)
        if not (listed := await fetch.listed_after(first - 1)):
            # They were removed, or the server allows no session now: the next round will tell.
            break
        wanted = [message for message in listed if message.uid in missing][: most - fetched]
        await fetch.take(wanted)
        fetched += len(wanted)
        # The first one goes in any case: it may have been removed, and is not listed then.
        missing -= {first, *(message.uid for message in wanted)}
    return Round(held=len(held), unaccounted=unaccounted, fetched=fetched, finished=not missing)


async def _without_row(fetch: Fetch, store: Store, held: Sequence[ListedMail]) -> set[int]:
    missing = set()
    for start in range(0, len(held), ASKED_AT_ONCE):
        messages = held[start : start + ASKED_AT_ONCE]
        ids = {fetch.mail_id(message): message.uid for message in messages}
        known = await store.known(list(ids))
        missing |= {uid for mail_id, uid in ids.items() if mail_id not in known}
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
