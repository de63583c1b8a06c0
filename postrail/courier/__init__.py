"""The role Courier: takes a message and its envelope to a mail server, and says what became of it.

Couriers are asyncio throughout. Only `smtp.py` and its neighbours know aiosmtplib.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from postrail.errors import TransientError

# unknown: the server had the whole message, and the connection broke before it said what it did.
State = Literal["sent", "deferred", "failed", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A message with its envelope: one SMTP transaction."""

    envelope_from: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimit:
    """Until when a envelope may be handed over, by the courier's clock.

    Before `dot_before` the message may be completed; afterwards somebody else may be sending it,
    so it must not be. At `end_before` the dialogue is broken off wherever it stands.
    """

    dot_before: datetime
    end_before: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of the envelope for one recipient, in the server's words or ours."""

    recipient: str
    state: State
    reply: str


class CourierUnavailable(TransientError):
    """No mail can be handed to the server now: it is away, or refuses us. Nothing was begun."""


class TooLate(TransientError):
    """The time for the message was over before it was complete; the server has dropped it."""


class Courier(Protocol):
    """A way to one mail server. May be used by several tasks at once."""

    async def send(self, envelope: Envelope, limit: TimeLimit) -> list[Answer]:
        """Hands the envelope over; an answer for each recipient, in their order.

        Raises CourierUnavailable or TooLate; in both cases the server has not taken the message.
        """

    async def close_idle(self) -> None:
        """Closes connections that were not used for a while."""

    async def close(self) -> None:
        """Closes all connections that are not in use."""
