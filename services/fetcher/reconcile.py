"""Compares what a mailbox holds with the rows of incoming_mail, and fetches what no row tells of.

Numbers that only grow find every new mail as long as servers keep to their rules. Some show a mail
late, below one that was read already; and somebody may restore a mailbox or a table from a backup.
"""

from __future__ import annotations

from collections.abc import Sequence

from postrail.mailbox import ListedMail
from postrail.mailbox_state.reconciliation import Round
from services.fetcher.step import Fetch
from services.fetcher.store import Store

ASKED_AT_ONCE = 1000


async def fetch_missed(fetch: Fetch, store: Store, most: int) -> Round:
    """Fetches at most so many mails up to `last_uid` that have no row; the rest is for later."""
    held = await fetch.held()
    missing = await _without_row(fetch, store, held)
    unaccounted, fetched = len(missing), 0
    while missing and fetched < most:
        first = min(missing)
        if not (listed := await fetch.listed_after(first - 1)):
            # They were removed, or there is no session to ask in: the next round will see.
            break
        wanted = [mail for mail in listed if mail.uid in missing][: most - fetched]
        await fetch.take(wanted)
        fetched += len(wanted)
        # Without the first one, even if it was removed meanwhile and is not listed any more.
        missing -= {first, *(mail.uid for mail in wanted)}
    return Round(held=len(held), unaccounted=unaccounted, fetched=fetched, finished=not missing)


async def _without_row(fetch: Fetch, store: Store, held: Sequence[ListedMail]) -> set[int]:
    missing = set()
    for start in range(0, len(held), ASKED_AT_ONCE):
        ids = {fetch.mail_id(mail): mail.uid for mail in held[start : start + ASKED_AT_ONCE]}
        known = await store.known(list(ids))
        missing |= {uid for mail_id, uid in ids.items() if mail_id not in known}
    return missing
