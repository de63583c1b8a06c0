"""Makes the rows of unreadable messages; counts and logs what became of each message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from postrail.incoming.fetched import FetchedRow, UnreadableRow
from postrail.mailbox_state.sync_state import SyncState
from postrail.observe.log import log
from postrail.settings import FetcherSettings
from postrail.stream.progress import Counts
from services.fetcher.reading.batch_read import Unreadable
from services.fetcher.reading.identity import mail_id_of, source_of

logger = log("fetcher")


def asked_again_at(now: datetime, refusals: int, settings: FetcherSettings) -> datetime:
    """Returns when a message is asked for again; `refusals` counts those before this one.

    The pauses grow; the last one repeats.
    """
    hours = settings.parked_pause_hours
    return now + timedelta(hours=hours[min(refusals, len(hours) - 1)])


def parked_reason(answer: str, again_at: datetime) -> str:
    """Returns the reason of a parked message: the server's answer, and the next attempt."""
    return f"could not be fetched: {answer}; it is asked for again at {again_at:%Y-%m-%d %H:%M} UTC"


def unreadable_rows(
    state: SyncState, unreadable: Iterable[Unreadable], now: datetime, settings: FetcherSettings
) -> list[UnreadableRow]:
    """Makes a row for each unreadable message, which is parked: it is asked for again later."""
    again_at = asked_again_at(now, 0, settings)
    return [
        UnreadableRow(
            mail_id=mail_id_of(state, each.message.uid, each.message.key),
            mailbox=state.mailbox,
            source=source_of(state, each.message.uid, each.message.key),
            size=each.message.size or 0,
            reason=parked_reason(each.reason, again_at),
            tried_at=now,
            again_at=again_at,
            subject=each.known.subject,
            sender=each.known.sender,
            message_id=each.known.message_id,
            received_at=each.known.received_at,
        )
        for each in unreadable
    ]


def report_unreadable(progress: Counts, rows: Sequence[UnreadableRow]) -> None:
    """Counts and logs unreadable messages whose rows are saved."""
    for row in rows:
        progress.count(row.mailbox, "failed")
        logger.error(
            "mail cannot be read",
            mailbox=row.mailbox,
            mail_id=row.mail_id,
            source=row.source,
            reason=row.reason,
            again_at=row.again_at,
        )


def report_fetched(
    progress: Counts, rows: Sequence[FetchedRow], started: datetime, now: datetime
) -> None:
    """Counts and logs the messages of a finished batch."""
    seconds = (now - started).total_seconds()
    for row in rows:
        age = (now - row.received_at).total_seconds() if row.received_at else None
        progress.count(row.mailbox, "fetched", age_seconds=age, seconds=seconds)
        logger.info(
            "mail fetched",
            mailbox=row.mailbox,
            mail_id=row.mail_id,
            source=row.source,
            size=row.size,
            partition=row.raw_partition,
            offset=row.raw_offset,
        )
