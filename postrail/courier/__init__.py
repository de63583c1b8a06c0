"""Defines the role Courier, which sends messages through a mail server and reports the results.

Couriers are asyncio throughout. Only the `smtp` modules of this package import aiosmtplib, and
only `graph` imports httpx.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from postrail.errors import PermanentError, PipelineError, ServerUnavailable, TransientError
from postrail.oauth import TokenSource

# unknown: the connection broke after the whole message and before the server's reply.
State = Literal["sent", "deferred", "failed", "unknown"]
# A password, or what returns a token whenever a connection is opened.
CourierLogin = str | TokenSource
# Called by the step of a trial that logs in, as finding the login may fail too.
LoginOf = Callable[[], CourierLogin]


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A message with its envelope: one SMTP transaction."""

    envelope_from: str
    recipients: tuple[str, ...]
    content: bytes
    # Whether there was an earlier attempt, which may have left a draft behind.
    is_repeated: bool = False
    # The draft that an earlier attempt was about to send (see `BeforeDot`), or "".
    draft: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimit:
    """The time that a transaction has, in steady seconds (`Clock.steady`).

    The message may be completed before `dot_before`; afterwards another sender may hold its claim.
    At `end_before` the dialogue is aborted wherever it stands. Neither a clock that is set nor a
    machine that was suspended prolongs it.
    """

    dot_before: float
    end_before: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The result for one recipient, in the server's words or ours."""

    recipient: str
    state: State
    reply: str
    # The server refused this recipient (RCPT), and neither the sender nor the message.
    refused_recipient: bool = False
    # The server ended the connection, or was silent, before the message was complete; it did not
    # take the message.
    connection_lost: bool = False
    # The Message-ID that the mail system gave the sent message, if it reports one.
    message_id: str = ""
    # It also answers the attempt before, whose outcome was unknown: the message was sent once.
    settles_earlier: bool = False


class BeforeDot(Protocol):
    """Is awaited right before the message is completed; raises TransientError to prevent that."""

    async def __call__(self, draft: str = "") -> None:
        """Records it; `draft` is the id of what is about to be sent, for the attempts to come."""


async def nothing_to_record(draft: str = "") -> None:
    """Allows the message to be completed."""


class CourierUnavailable(ServerUnavailable):
    """The server is unavailable or refuses us; it has not taken the message."""


def as_unavailable(error: PipelineError) -> CourierUnavailable:
    """Returns a fault of settings, tokens or network as couriers report it."""
    return CourierUnavailable(
        error.problem,
        setting=error.setting,
        remedy=error.remedy,
        after_seconds=getattr(error, "after_seconds", 0.0),
    )


class MessageTooLarge(PermanentError):
    """The message is larger than the connection or its server takes; no transaction was begun."""


def require_size(envelope: Envelope, most: int, taker: str) -> None:
    """Raises MessageTooLarge for a message of more than `most` bytes; 0: any size is taken."""
    require_bytes(len(envelope.content), most, taker)


def require_bytes(size: int, most: int, taker: str) -> None:
    """Raises MessageTooLarge for more than `most` bytes; 0: any size is taken."""
    if 0 < most < size:
        raise MessageTooLarge(f"the message has {size:,} bytes, more than {taker} takes ({most:,})")


class TooLate(TransientError):
    """The time was over before the message was complete; the server has dropped it."""


class Courier(Protocol):
    """Sends messages through one mail server. Several tasks may use it at once."""

    async def send(
        self, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot = nothing_to_record
    ) -> list[Answer]:
        """Sends one message; returns an answer for each recipient, in their order.

        Raises CourierUnavailable, MessageTooLarge, TooLate or the error of `before_dot`; the
        server has not taken the message then.
        """

    async def close_idle(self) -> None:
        """Closes connections that have been idle for some time."""

    async def close(self) -> None:
        """Closes all connections that are not in use."""
