"""Tells of messages that failed for good, and servers that stay unavailable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import Connection
from postrail.notifications.desk_texts import Fault
from postrail.outgoing.results import AttemptResult
from postrail.records import OutgoingQueued
from postrail.tracker import issues
from services.sender.alerts.tell import NO_PROJECT, Teller
from services.sender.channels import Channel, Channels, available

UNAVAILABLE_FOR = timedelta(hours=1)
# A round of the sender may be due many times a second.
CHECK_PAUSE = timedelta(minutes=1)
SHORT_ID = 8
SHOW = "postrail outgoing show {outgoing_id}"
RETRY = "postrail outgoing retry {outgoing_id}"
# Where several messages failed.
LIST = "postrail outgoing list --state failed --issue {key}"
RETRY_ALL = "postrail outgoing retry --all --state failed --issue {key}"
RECIPIENTS_NAMED = 10
TEST = "postrail connections test {name}"


class Alerts:
    """Makes the alerts of one sender about what it meets."""

    def __init__(self, channels: Channels, teller: Teller) -> None:
        self._channels = channels
        self._teller = teller
        # When to look again for servers that stay unavailable.
        self._check_at: datetime | None = None

    async def due(
        self, connection: Connection, recorded: Sequence[AttemptResult], now: datetime
    ) -> list[OutgoingQueued]:
        """Stores the alerts that are due; returns their messages.

        They are about messages that will never arrive, and about servers that have been unavailable
        for an hour.
        """
        failed = [one for one in recorded if one.state == "failed"]
        stored = await self._of_failures(connection, failed, now) if failed else []
        stored += await self._of_forwards(connection, failed, now)
        return stored + await self._of_unavailable(connection, now)

    async def _of_failures(
        self, connection: Connection, results: Sequence[AttemptResult], now: datetime
    ) -> list[OutgoingQueued]:
        failed: dict[int, list[AttemptResult]] = {}
        for one in results:
            if one.claimed.issue_id is not None:
                failed.setdefault(one.claimed.issue_id, []).append(one)
        known = await issues.by_id(connection, failed.keys()) if failed else {}
        stored, snapshot = [], self._channels.snapshot
        for issue_id, issue in sorted(known.items()):
            claimed = failed[issue_id][0].claimed
            fault = undelivered(issue.issue_key, failed[issue_id])
            over = self._over(snapshot.connection_for(issue.project))
            stored += await self._teller.tell(
                connection,
                fault,
                snapshot,
                [issue.project],
                over,
                now,
                mailbox=claimed.mailbox or "",
            )
            await self._teller.post(connection, fault, snapshot, issue.project, now)
        return stored

    async def _of_forwards(
        self, connection: Connection, results: Sequence[AttemptResult], now: datetime
    ) -> list[OutgoingQueued]:
        """Tells of originals that no issue has, and that nobody has got.

        Their recipient is not asked to read about it.
        """
        stored, snapshot = [], self._channels.snapshot
        # In one order, as two senders would wait for each other.
        for one in sorted(results, key=lambda one: one.claimed.recipient):
            claimed = one.claimed
            if claimed.forwards is None or claimed.issue_id is not None:
                continue
            fault = not_forwarded(one)
            over = self._over(snapshot.connections.get(claimed.connection))
            stored += await self._teller.tell(
                connection,
                fault,
                snapshot,
                [NO_PROJECT],
                over,
                now,
                mailbox=claimed.mailbox or "",
                but_for=claimed.recipient,
            )
            await self._teller.post(connection, fault, snapshot, NO_PROJECT, now)
        return stored

    async def _of_unavailable(self, connection: Connection, now: datetime) -> list[OutgoingQueued]:
        found = [(one, one.breaker.unavailable_since(now)) for one in self._channels.usable]
        away = [(one, since) for one, since in found if since and now - since >= UNAVAILABLE_FOR]
        if not away or (self._check_at and now < self._check_at):
            return []
        self._check_at = now + CHECK_PAUSE
        stored, snapshot = [], self._channels.snapshot
        for channel, since in away:
            fallback = available(self._channels.fallbacks_of(channel))
            fault = unavailable(channel, since, fallback.name if fallback else "")
            await self._teller.post(connection, fault, snapshot, NO_PROJECT, now)
            # Without another connection, only the webhook and the log say it.
            other = self._other(channel)
            if other is not None:
                projects = self._projects_of(channel)
                stored += await self._teller.tell(connection, fault, snapshot, projects, other, now)
        return stored

    def _over(self, route: OutgoingConnection | None) -> OutgoingConnection | None:
        """Returns the connection of the route, or another one while its server is unavailable."""
        channel = next(
            (one for one in self._channels.usable if route and one.name == route.name), None
        )
        if channel is None or not channel.breaker.is_open:
            return route
        return self._other(channel) or route

    def _other(self, channel: Channel) -> OutgoingConnection | None:
        """Returns a connection whose server answers; None without one."""
        candidates = [*self._channels.fallbacks_of(channel), *self._channels.usable]
        found = available(candidates)
        return found.connection if found else None

    def _projects_of(self, channel: Channel) -> list[str]:
        """Returns the projects whose messages go over the connection."""
        snapshot = self._channels.snapshot
        routed = {key: snapshot.connection_for(key) for key in sorted(snapshot.projects)}
        return [key for key, over in routed.items() if over and over.name == channel.name]


def undelivered(issue_key: str, results: Sequence[AttemptResult]) -> Fault:
    """Returns what people are told of the deliveries about an issue that failed for good."""
    cause = f"an email about {issue_key} was not delivered"
    return replace(_undelivered(cause, issue_key, results), issue_key=issue_key)


def not_forwarded(result: AttemptResult) -> Fault:
    """Returns what people are told of a forward that failed for good, named by its subject."""
    cause = f"a forwarded email to {result.claimed.recipient} was not delivered"
    return _undelivered(cause, f"“{result.claimed.subject}”", [result])


def _undelivered(cause: str, about: str, results: Sequence[AttemptResult]) -> Fault:
    recipients = list(dict.fromkeys(one.claimed.recipient for one in results))
    further = ", …" if len(recipients) > RECIPIENTS_NAMED else ""
    see, retry = SHOW, RETRY
    if len({one.claimed.outgoing_id for one in results}) > 1:
        see, retry = LIST, RETRY_ALL
    given = {"outgoing_id": results[0].claimed.outgoing_id[:SHORT_ID], "key": about}
    return Fault(
        cause=cause,
        happened="undelivered",
        details="undelivered_to",
        reason=results[0].reply,
        acts=(
            ("see_undelivered", see.format(**given)),
            ("retry_undelivered", retry.format(**given)),
        ),
        names={"key": about, "recipient": ", ".join(recipients[:RECIPIENTS_NAMED]) + further},
    )


def unavailable(channel: Channel, since: datetime, fallback: str) -> Fault:
    """Returns what people are told of a connection whose server is unavailable."""
    return Fault(
        cause=f"the outgoing connection {channel.name} is unavailable",
        happened="unavailable",
        details="unavailable_since",
        reason=channel.breaker.reason,
        follows="unavailable_instead" if fallback else "unavailable_waits",
        acts=(("test_connection", TEST.format(name=channel.name)),),
        names={"name": channel.name, "time": f"{since:%Y-%m-%d %H:%M} UTC", "fallback": fallback},
    )
