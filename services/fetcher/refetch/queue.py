"""The requests to publish messages again in PostgreSQL, and the publishing of what was found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.database import Transactions
from postrail.incoming import refetching
from postrail.incoming.refetching import MailboxRequests, Refetch
from postrail.mailbox import ReadMail
from postrail.observe.log import log
from postrail.settings import FetcherSettings
from postrail.stream.progress import Counts
from services.fetcher.reading.publish import NamedMail, Publisher
from services.fetcher.reading.report import asked_again_at, parked_reason, report_fetched

logger = log("fetcher")

# A part that does not serve one message may do so after this time.
DEFER_TIME = timedelta(minutes=10)

Content = tuple[Refetch, ReadMail]


class RefetchQueue:
    """Takes due requests, publishes their messages, and records what became of each.

    All calls raise TransientError while PostgreSQL is unavailable.
    """

    def __init__(
        self,
        *,
        transactions: Transactions,
        publisher: Publisher,
        progress: Counts,
        clock: Clock,
        settings: FetcherSettings,
    ) -> None:
        self._transactions = transactions
        self._publisher = publisher
        self._progress = progress
        self._clock = clock
        self._settings = settings

    async def mailboxes(self) -> list[MailboxRequests]:
        """Returns the mailboxes that have requests."""
        async with self._transactions() as connection:
            return await refetching.mailboxes(connection, self._clock.now())

    async def due(
        self,
        mailboxes: Sequence[str],
        *,
        only_in_mailbox: bool,
        most: int | None = None,
        but: Collection[str] = (),
    ) -> list[Refetch]:
        """Returns a batch of due requests, in the order in which their messages arrived.

        Those of the messages `but` are left out.
        """
        most = self._settings.batch_max_mails if most is None else most
        async with self._transactions() as connection:
            return await refetching.due(
                connection,
                mailboxes,
                self._clock.now(),
                only_in_mailbox=only_in_mailbox,
                limit=min(most, self._settings.batch_max_mails),
                max_bytes=self._settings.batch_max_bytes,
                but=but,
            )

    async def publish(self, found: Sequence[Content]) -> set[str]:
        """Publishes messages again, unless they are past `fetched` by now.

        Returns the ids of those that are published. Raises FatalError when Kafka did not
        acknowledge: the requests are served again.
        """
        if not found:
            return set()
        started = self._clock.now()
        requests = [request for request, _ in found]
        begun = await self._begin(requests, started)
        rows = await self._publisher.publish(
            [_named(each) for each in found if each[0].mail_id in begun]
        )
        async with self._transactions() as connection:
            await refetching.settle(connection, requests, rows)
        first_time = {request.mail_id for request in requests if _never_published(request)}
        report_fetched(
            self._progress,
            [row for row in rows if row.mail_id in first_time],
            started,
            self._clock.now(),
        )
        for row in rows:
            if row.mail_id not in first_time:
                logger.info(
                    "mail published again",
                    mailbox=row.mailbox,
                    mail_id=row.mail_id,
                    partition=row.raw_partition,
                    offset=row.raw_offset,
                )
        return begun

    async def _begin(self, requests: Sequence[Refetch], now: datetime) -> set[str]:
        async with self._transactions() as connection:
            return await refetching.begin(connection, requests, now)

    async def ask_mailbox(self, requests: Sequence[Refetch]) -> None:
        """Leaves requests to their mailbox, as nothing else has the bytes."""
        if not requests:
            return
        async with self._transactions() as connection:
            await refetching.only_in_mailbox(connection, requests)

    async def refused(self, request: Refetch, answer: str) -> None:
        """Parks a message again that its server refuses, or has its parsed form handled."""
        if request.has_parsed:
            await self._handle_parsed(request, answer)
        else:
            await self.put_off(request, answer)

    async def put_off(self, request: Refetch, problem: str) -> None:
        """Has a message asked for again later, with a longer pause each time."""
        now = self._clock.now()
        again_at = asked_again_at(now, request.attempts, self._settings)
        reason = parked_reason(problem, again_at)
        async with self._transactions() as connection:
            ours = await refetching.postpone(connection, request, reason, until=again_at, now=now)
        if ours:
            _log_error(request, "mail is still not delivered", reason)

    async def defer(self, request: Refetch, problem: str) -> None:
        """Has a message asked for again after a while that could not be published just now."""
        now = self._clock.now()
        async with self._transactions() as connection:
            until = now + DEFER_TIME
            await refetching.defer(connection, request, problem, until=until, now=now)
        logger.warning(
            "a mail waits to be published again",
            mailbox=request.mailbox,
            mail_id=request.mail_id,
            reason=problem,
            again_at=until,
        )

    async def lost(self, request: Refetch, reason: str) -> None:
        """Names a message as lost, or has its parsed form handled."""
        if request.has_parsed:
            await self._handle_parsed(request, reason)
            return
        async with self._transactions() as connection:
            ours = await refetching.give_up(connection, request, reason, self._clock.now())
        if ours:
            _log_error(request, "mail is lost", reason)

    async def _handle_parsed(self, request: Refetch, reason: str) -> None:
        async with self._transactions() as connection:
            ours = await refetching.handle_parsed(connection, request, self._clock.now())
        if ours:
            logger.warning(
                "mail is handled again without its bytes",
                mailbox=request.mailbox,
                mail_id=request.mail_id,
                reason=reason,
            )

    async def hold(self, mailbox: str, reason: str) -> None:
        """Has the requests wait that only this mailbox can serve, as its account is disabled."""
        left = await self.due([mailbox], only_in_mailbox=True)
        now = self._clock.now()
        for request in left:
            if request.has_parsed:
                await self._handle_parsed(request, reason)
        async with self._transactions() as connection:
            for request in left:
                if not request.has_parsed:
                    await refetching.hold(connection, request, reason, now)
            await refetching.hold_later(connection, mailbox, now)

    async def release(self, mailbox: str) -> None:
        """Makes requests due that waited until the account was enabled."""
        async with self._transactions() as connection:
            count = await refetching.release(connection, mailbox, self._clock.now())
        logger.info("mails are asked for again", mailbox=mailbox, count=count)


def _log_error(request: Refetch, event: str, reason: str) -> None:
    logger.error(
        event,
        mailbox=request.mailbox,
        mail_id=request.mail_id,
        source=request.source,
        reason=reason,
    )


def _named(found: Content) -> NamedMail:
    request, content = found
    return NamedMail(
        mail_id=request.mail_id,
        mailbox=request.mailbox,
        source=request.source,
        # As at first: its day is the message's place in the archive.
        fetched_at=request.fetched_at,
        content=content,
    )


def _never_published(request: Refetch) -> bool:
    return request.raw_offset is None
