"""Prints a line for each outcome and each notification, for `postrail up`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.database import Pool, transaction
from postrail.errors import TransientError
from postrail.incoming import queue as incoming
from postrail.views.activity import HandledMail, Notified, handled_since, notified_since
from services.cli.local.children import SERVICES, LocalServices
from services.cli.local.display import Display
from services.cli.local.readiness_log import ReadinessLog

POLL_SECONDS = 1.0
# A row becomes visible when its transaction ends, which is after the time in the row.
OVERLAP_SECONDS = 30.0


class ActivityLog:
    """Prints each outcome of a message and each state of a notification once."""

    def __init__(self, pool: Pool, display: Display, services: LocalServices, clock: Clock) -> None:
        self._pool = pool
        self._display = display
        self._services = services
        self._clock = clock
        self._printed: dict[tuple[str, ...], datetime] = {}
        self._readiness = ReadinessLog(lambda line: display.print(line, "yellow"))

    async def follow(self) -> None:
        """Polls each second until it is cancelled; events before its start are not printed."""
        start = self._clock.now()
        await self._poll(start, show=False)
        while True:
            await self._clock.sleep(POLL_SECONDS)
            await self._poll(start, show=True)
            await self._show_status()

    async def _poll(self, start: datetime, *, show: bool) -> None:
        since = max(start, self._clock.now()) - timedelta(seconds=OVERLAP_SECONDS)
        try:
            async with transaction(self._pool) as connection:
                handled = await handled_since(connection, since)
                notified = await notified_since(connection, since)
        except TransientError as error:
            self._display.status(str(error))
            return
        self._forget(since)
        for line, identity, moment in lines(handled, notified):
            if identity not in self._printed and show:
                self._display.print(line)
            self._printed[identity] = moment

    def _forget(self, since: datetime) -> None:
        self._printed = {key: moment for key, moment in self._printed.items() if moment > since}

    async def _show_status(self) -> None:
        problems = await asyncio.to_thread(self._services.problems)
        self._readiness.note(problems)
        try:
            async with transaction(self._pool) as connection:
                counts = await incoming.counts(connection)
        except TransientError as error:
            self._display.status(str(error))
            return
        services = "  ".join(
            f"{name} {'not ready' if name in problems else 'ok'}" for name in SERVICES
        )
        states = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        self._display.status(f"{services}   messages: {states or 'all done'}   Ctrl-C stops")


def lines(
    handled: Sequence[HandledMail], notified: Sequence[Notified]
) -> list[tuple[str, tuple[str, ...], datetime]]:
    """Returns a line for each event, with its identity and its time, the first one first."""
    events: list[tuple[str, tuple[str, ...], datetime]] = [
        (_mail_line(mail), ("mail", mail.mail_id, str(mail.revision)), mail.handled_at)
        for mail in handled
    ]
    events += [
        (
            _notification_line(one),
            ("notification", one.outgoing_id, one.recipient, one.state),
            one.changed_at,
        )
        for one in notified
    ]
    return sorted(events, key=lambda event: event[2])


def _mail_line(mail: HandledMail) -> str:
    milliseconds = (mail.handled_at - mail.fetched_at).total_seconds() * 1000
    issue = f" {mail.issue_key}" if mail.issue_key else ""
    sender, subject = mail.sender or "no sender", mail.subject or "no subject"
    why = f" ({mail.reason})" if mail.outcome not in ("issue", "comment") else ""
    return (
        f"{_clock_time(mail.handled_at)}  {sender}: {subject}"
        f" → {mail.outcome}{issue}{why}, {milliseconds:.0f} ms after it was fetched"
    )


def _notification_line(one: Notified) -> str:
    reply = f": {one.reply}" if one.state != "sent" else ""
    return (
        f"{_clock_time(one.changed_at)}  {one.issue_key or 'message'} → notification to"
        f" {one.recipient} {one.state}{reply}"
    )


def _clock_time(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")
