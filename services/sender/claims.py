"""Claims due deliveries: for each channel as many as it has free connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.load import outgoing_connections
from postrail.courier import State, TimeLimit
from postrail.database import Connection
from postrail.outgoing import queue as outgoing
from postrail.outgoing.queue import Claimed
from postrail.outgoing.routing import rates
from postrail.outgoing.routing.strays import connections_of_due, reason
from postrail.settings import SenderSettings
from services.sender.attempts import Attempt
from services.sender.channels import Channel, Channels

# Parts of the claim's time: until when a message may be completed, and its reply waited for.
DOT_SHARE = 0.7
END_SHARE = 0.9
INTERRUPTED = "the sender ended before the reply; the server may have taken the message"


async def claim_due(
    connection: Connection,
    channels: Channels,
    settings: SenderSettings,
    now: datetime,
    *,
    requested: float,
) -> list[Attempt]:
    """Claims due messages for each channel, up to the number that may be in flight on it.

    Their time begins at `requested`, in steady seconds: before PostgreSQL, which lets the claims
    expire, reads its clock.
    """
    limit = _limit(requested, settings.claim_seconds)
    budgets = [await _budget(connection, one, settings, now) for one in channels.usable]
    attempts: list[Attempt] = []

    async def claim(budget: Budget, own: Channel) -> None:
        if not budget.free:
            return
        claimed = await outgoing.claim_due(
            connection,
            now,
            settings.claim_seconds,
            budget.free,
            outgoing_connection=own.name,
            over=budget.channel.name,
        )
        budget.take(len(claimed), now)
        fallbacks = channels.fallbacks_of(budget.channel)
        attempts.extend(
            Attempt(
                channel=budget.channel,
                claimed=one,
                limit=limit,
                sender=channels.sender_of(budget.channel, one),
                # What may have arrived is not sent in the name of another connection.
                fallbacks=() if one.unknown_attempts else fallbacks,
                stands_in_for=own if own is not budget.channel else None,
            )
            for one in claimed
        )

    wanted = [(budget, budget.channel) for budget in budgets]
    # Afterwards, so that an unavailable server gets the message that finds out whether it is back.
    wanted += [(one, own) for one in budgets for own in channels.taken_over_by(one.channel, now)]
    names = [own.name for budget, own in wanted if budget.free]
    # Of several connections few have work, and each claim is a statement.
    working = await outgoing.with_work(connection, names, now) if len(names) > 1 else names
    for budget, own in wanted:
        if own.name in working:
            await claim(budget, own)
    for budget in budgets:
        if budget.taken and budget.channel.rate:
            await rates.save(connection, budget.channel.name, budget.next_at)
    return attempts


@dataclass
class Budget:
    """How many messages may begin on a channel in this round."""

    channel: Channel
    free: int
    # When the next message may begin, if there is a limit of messages a minute.
    next_at: datetime
    taken: int = 0

    def take(self, count: int, now: datetime) -> None:
        """Uses a part of it."""
        self.free -= count
        self.taken += count
        if rate := self.channel.rate:
            self.next_at = rate.after(self.next_at, count, now)


async def _budget(
    connection: Connection, channel: Channel, settings: SenderSettings, now: datetime
) -> Budget:
    """Returns the channel's budget: none while another sender uses its limit per minute."""
    free, rate = channel.allowed(now, settings.connections), channel.rate
    if not free or not rate:
        return Budget(channel, free, now)
    next_at = await rates.lock(connection, channel.name, now)
    if next_at is None:
        return Budget(channel, 0, now)
    return Budget(channel, min(free, rate.allowed(next_at, now)), next_at)


def _limit(requested: float, claim_seconds: float) -> TimeLimit:
    return TimeLimit(
        dot_before=requested + claim_seconds * DOT_SHARE,
        end_before=requested + claim_seconds * END_SHARE,
    )


async def claim_untriable(
    connection: Connection, channels: Channels, settings: SenderSettings, now: datetime
) -> list[tuple[Claimed, str, State]]:
    """Claims messages that must not be tried now; returns each with the reason and its state.

    Their connection is not configured, or their sender ended after the final dot and before it
    recorded the reply.
    """
    seconds, limit = settings.claim_seconds, settings.batch_max_mails
    strays: list[Claimed] = []
    for name in await _absent_connections(connection, channels, now):
        strays += await outgoing.claim_due(
            connection, now, seconds, limit, outgoing_connection=name, over=name
        )
    interrupted = await outgoing.claim_interrupted(connection, now, seconds, limit)
    return [
        *((stray, reason(stray.connection), "deferred") for stray in strays),
        *((claimed, INTERRUPTED, "unknown") for claimed in interrupted),
    ]


async def _absent_connections(
    connection: Connection, channels: Channels, now: datetime
) -> list[str]:
    """Returns the connections that due messages name and that are not configured.

    The configuration is read again after the messages: what one names was configured before it.
    """
    named = await connections_of_due(connection, now, but_for=channels.known)
    configured = await outgoing_connections(connection) if named else []
    return sorted(named - {known.name for known in configured})
