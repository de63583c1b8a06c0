"""Claims due deliveries: for each channel as many as it has free connections."""

from __future__ import annotations

from datetime import datetime

from postrail.configuration.load import outgoing_connections
from postrail.courier import State, TimeLimit
from postrail.database import Connection
from postrail.outgoing import queue as outgoing
from postrail.outgoing.queue import Claimed
from postrail.outgoing.strays import connections_of_due, reason
from postrail.settings import SenderSettings
from services.sender.attempts import Attempt
from services.sender.channels import Channels

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
    attempts = []
    for channel in channels.usable:
        free = channel.breaker.allowed(now, channel.busy, settings.connections)
        if free:
            claimed = await outgoing.claim_due(
                connection,
                now,
                settings.claim_seconds,
                free,
                outgoing_connection=channel.connection.name,
            )
            limit = _limit(requested, settings.claim_seconds)
            attempts += [Attempt(channel=channel, claimed=one, limit=limit) for one in claimed]
    return attempts


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
            connection, now, seconds, limit, outgoing_connection=name
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
