"""Compares mailboxes with the messages that were read from them, by the fetcher."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from postrail.clock import Clock
from postrail.database import Transactions
from postrail.incoming import lost
from postrail.mailbox_state import reconciliation
from postrail.mailbox_state.reconciliation import Reconciliation
from postrail.operate.check_mailbox import enabled_accounts, request_checks
from postrail.settings import KafkaSettings
from postrail.stream.offsets import topics_seen
from postrail.stream.topics import MAIL_FETCHED

POLL_SECONDS = 0.5


async def request_reconciliations(
    transactions: Transactions,
    kafka: KafkaSettings,
    names: Sequence[str],
    *,
    since: date | None,
    author: str,
    clock: Clock,
) -> list[int]:
    """Requests a comparison of these mailboxes, or of all; returns the ids of the comparisons.

    With `since` it reaches back to that day, before the account's `only_after`.
    """
    async with transactions() as connection:
        mailboxes = await enabled_accounts(connection, names)
        ids = [
            await reconciliation.request(
                connection, name, since=since, author=author, now=clock.now()
            )
            for name in mailboxes
        ]
    await request_checks(kafka, mailboxes, author=author, clock=clock)
    return ids


async def lost_records(transactions: Transactions) -> dict[str, int]:
    """Counts, by mailbox, the messages that Kafka has lost and that are not published again yet."""
    async with transactions() as connection:
        made_anew = (await topics_seen.made_anew(connection)).get(MAIL_FETCHED.name)
        return await lost.waiting(connection, made_anew.first_seen_at if made_anew else None)


async def wait_for_reconciliations(
    transactions: Transactions, ids: Sequence[int], *, wait_seconds: float, clock: Clock
) -> list[Reconciliation]:
    """Returns the comparisons once all are finished, or as they are when the time is over."""
    deadline = clock.now() + timedelta(seconds=wait_seconds)
    while True:
        async with transactions() as connection:
            found = await reconciliation.found_by_ids(connection, ids)
        if all(one.finished_at for one in found) or clock.now() >= deadline:
            return found
        await clock.sleep(POLL_SECONDS)
