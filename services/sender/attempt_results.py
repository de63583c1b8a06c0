"""Decides for each recipient of an attempt: sent, failed, unconfirmed, or deferred. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from postrail.courier import Answer, State
from postrail.outgoing.queue import Claimed, ClaimedRecipient
from postrail.outgoing.results import AttemptResult, DeliveryState, Result
from postrail.retry import backoff_seconds
from postrail.settings import SenderSettings


def attempt_results(
    claimed: Claimed,
    answers: Iterable[Answer],
    now: datetime,
    settings: SenderSettings,
    *,
    retry_at: datetime | None = None,
) -> AttemptResult:
    """Returns the results of the attempt; deferred deliveries are due at `retry_at`, if given."""
    by_address = {recipient.address: recipient for recipient in claimed.recipients}
    results = tuple(
        _result(claimed, by_address[answer.recipient], answer, now, settings, retry_at)
        for answer in answers
    )
    return AttemptResult(claimed=claimed, results=results)


def _result(
    claimed: Claimed,
    recipient: ClaimedRecipient,
    answer: Answer,
    now: datetime,
    settings: SenderSettings,
    retry_at: datetime | None,
) -> Result:
    # The server may have accepted the message before the connection broke. We try again a few
    # times, with the same Message-ID, and mark it as maybe sent twice; each attempt may be a copy.
    is_unknown = answer.state == "unknown"
    unknown_attempts = recipient.unknown_attempts + is_unknown
    state: DeliveryState
    state, reply, due_at = "deferred", answer.reply, now
    waited = now - claimed.queued_at
    if answer.state == "sent" or answer.state == "failed":
        state = answer.state
    elif is_unknown and unknown_attempts > settings.unknown_repeats:
        state = "unconfirmed"
    elif waited >= timedelta(seconds=settings.give_up_after_seconds):
        # An earlier attempt may have succeeded: only a person can say that all have failed.
        state = "unconfirmed" if unknown_attempts else "failed"
        reply = f"Given up after {_duration(waited)}: {answer.reply}"
    elif is_unknown:
        due_at = now + _long_pause(unknown_attempts, settings)
    else:
        due_at = retry_at or now + _backoff(recipient.attempts, settings)
    return Result(
        recipient=answer.recipient,
        state=state,
        reply=reply,
        due_at=due_at,
        maybe_twice=recipient.maybe_twice or is_unknown,
        unknown_attempts=unknown_attempts,
    )


def _backoff(attempts: int, settings: SenderSettings) -> timedelta:
    return timedelta(
        seconds=backoff_seconds(attempts, settings.retry_base_seconds, settings.retry_max_seconds)
    )


def _long_pause(unknown_attempts: int, settings: SenderSettings) -> timedelta:
    return timedelta(seconds=settings.unknown_pause_seconds * 2 ** (unknown_attempts - 1))


def postponed(claimed: Claimed, reason: str, *, state: State = "deferred") -> list[Answer]:
    """Returns the same answer for all recipients: not now."""
    return [
        Answer(recipient=recipient.address, state=state, reply=reason)
        for recipient in claimed.recipients
    ]


def refused(claimed: Claimed, reason: str) -> list[Answer]:
    """Returns the same answer for all recipients: never."""
    return [
        Answer(recipient=recipient.address, state="failed", reply=reason)
        for recipient in claimed.recipients
    ]


def _duration(passed: timedelta) -> str:
    hours = passed.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
