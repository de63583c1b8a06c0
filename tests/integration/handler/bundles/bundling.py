"""Tells people of an issue at set times, and reads what they were sent when."""

from __future__ import annotations

from datetime import UTC, datetime

from postrail.database import transaction
from postrail.effects.notify import Announcement, NotificationOptions, notify
from postrail.notifications.events import COMMENTED, Event
from postrail.timed_work.worker import TimedWork
from postrail.tracker import issues
from postrail.tracker.issues import Involvement, Watcher
from services.handler.timed_work import WORK
from tests.integration.handler.bench import Bench
from tests.makers.configuration import snapshot

WINDOW = 60
# When the events of a test begin.
BEGIN = datetime(2026, 1, 2, tzinfo=UTC)
OPTIONS = NotificationOptions(
    snapshot=snapshot(), message_id_key=b"key", excerpt_max_characters=1000, bundle_seconds=WINDOW
)
ANN = Watcher(address="ann@example.org", name="Ann")
AGENT = Watcher(address="agent@example.com", name="Agent")


async def watch(bench: Bench, issue_id: int, *people: Watcher) -> None:
    async with transaction(bench.pool) as connection:
        await issues.record_involvements(
            connection,
            [
                Involvement(issue_id=issue_id, watchers=people, participants=(), arrived_at=None),
            ],
        )


async def tell(
    bench: Bench,
    issue_id: int,
    cause: str,
    event: Event = COMMENTED,
    options: NotificationOptions = OPTIONS,
) -> None:
    """Tells all who watch the issue of a comment by Ada, who reported it."""
    told = Announcement(
        issue_id=issue_id,
        event=event,
        cause=cause,
        author=Watcher(address="ada@example.org", name="Ada"),
        body=f"{cause}.",
        internal=event.internal,
    )
    async with transaction(bench.pool) as connection:
        await notify(connection, [told], options, bench.clock.now())


async def to(bench: Bench, recipient: str) -> list[tuple[float, str]]:
    """Returns when messages to the recipient were queued, in seconds of the test, and of what."""
    found = await bench.rows(
        "SELECT queued_at, cause FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)"
        f" WHERE recipient = '{recipient}' ORDER BY mail.sequence"
    )
    return [((at - BEGIN).total_seconds(), cause) for at, cause in found]


async def left(bench: Bench) -> tuple[int, int, int]:
    """Returns the numbers of timers, of events that wait, and of people who wait for them."""
    ((timer, event, delivery),) = await bench.rows(
        "SELECT (SELECT count(*) FROM timer), (SELECT count(*) FROM pending_event),"
        " (SELECT count(*) FROM pending_delivery)"
    )
    return timer, event, delivery


def work_of(bench: Bench) -> TimedWork:
    return TimedWork(bench.process(), bench.pool, bench.key, WORK)
