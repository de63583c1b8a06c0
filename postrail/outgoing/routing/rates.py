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


async def lock(connection: Connection, name: str, now: datetime) -> datetime | None:
    """Returns when the next message may begin; only this transaction knows, until it ends.

    None: another sender has it. This one does not wait, as its other connections would wait too.
    """
    found = await one(
        connection,
        "SELECT pg_try_advisory_xact_lock(hashtextextended('outgoing_rate ' || %s, 0))",
        [name],
    )
    if not found or not found[0]:
        return None
    # After the lock, so that it has what the transaction before has stored.
    stored = await one(
        connection, "SELECT next_at FROM outgoing_rate WHERE connection = %s", [name]
    )
    return stored[0] if stored else now


async def forget(connection: Connection, name: str) -> None:
    """Deletes the time of the next message, of a connection that is deleted."""
    await connection.execute("DELETE FROM outgoing_rate WHERE connection = %s", [name])


async def save(connection: Connection, name: str, next_at: datetime) -> None:
    """Stores when the next message may begin."""
    await connection.execute(
        "INSERT INTO outgoing_rate (connection, next_at) VALUES (%s, %s)"
        " ON CONFLICT (connection) DO UPDATE SET next_at = excluded.next_at",
        [name, next_at],
    )
