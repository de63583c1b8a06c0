"""Limits how many messages a minute go over a connection, whatever number of senders there is.

By the generic cell rate algorithm (ITU-T I.371, annex A): each message takes its share of a minute,
and a few may come at once. In any minute there are at most as many as the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from postrail.database import Connection, one

MINUTE = timedelta(minutes=1)
# The part of a minute's messages that may be sent at once.
AT_ONCE = 0.2


@dataclass(frozen=True, slots=True)
class Rate:
    """At most this many messages in any minute."""

    per_minute: int

    @property
    def at_once(self) -> int:
        """Returns how many messages may begin together."""
        return max(1, int(self.per_minute * AT_ONCE))

    @property
    def share(self) -> timedelta:
        """Returns the time that each message takes of the others."""
        return MINUTE / (self.per_minute - self.at_once + 1)

    def allowed(self, next_at: datetime, now: datetime) -> int:
        """Returns how many messages may begin now."""
        return max(0, (now + self.at_once * self.share - max(next_at, now)) // self.share)

    def after(self, next_at: datetime, begun: int, now: datetime) -> datetime:
        """Returns the time at which the next message may begin, `begun` of them having begun."""
        return max(next_at, now) + begun * self.share


async def lock(connection: Connection, name: str, now: datetime) -> datetime:
    """Returns when the next message may begin; other senders wait until this transaction ends."""
    query = "SELECT next_at FROM outgoing_rate WHERE connection = %s FOR UPDATE"
    found = await one(connection, query, [name])
    if found is None:
        await connection.execute(
            "INSERT INTO outgoing_rate VALUES (%s, %s) ON CONFLICT DO NOTHING", [name, now]
        )
        found = await one(connection, query, [name])
    return found[0] if found else now


async def forget(connection: Connection, name: str) -> None:
    """Deletes the time of the next message, of a connection that is deleted."""
    await connection.execute("DELETE FROM outgoing_rate WHERE connection = %s", [name])


async def save(connection: Connection, name: str, next_at: datetime) -> None:
    """Stores when the next message may begin."""
    await connection.execute(
        "UPDATE outgoing_rate SET next_at = %s WHERE connection = %s", [next_at, name]
    )
