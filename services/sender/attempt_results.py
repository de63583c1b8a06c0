"""Decides for each recipient of an attempt: sent, failed, or deferred until when. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from postrail.courier import Answer, State
from postrail.outgoing.queue import AttemptResult, Claimed, ClaimedRecipient, DeliveryState, Result
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
    # The server may have accepted the message before the connection broke. Like any mail server
    # (RFC 5321, 4.5.4.1) we try again, with the same Message-ID, and mark it as maybe sent twice.
    maybe_twice = recipient.maybe_twice or answer.state == "unknown"
    state: DeliveryState
    state, reply, due_at = "deferred", answer.reply, now
    waited = now - claimed.queued_at
    if answer.state == "sent" or answer.state == "failed":
        state = answer.state
    elif waited >= timedelta(seconds=settings.give_up_after_seconds):
        state, reply = "failed", f"Given up after {_duration(waited)}: {answer.reply}"
    else:
        due_at = retry_at or now + _backoff(recipient.attempts, settings)
    return Result(
        recipient=answer.recipient,
        state=state,
        reply=reply,
        due_at=due_at,
        maybe_twice=maybe_twice,
    )


def _backoff(attempts: int, settings: SenderSettings) -> timedelta:
    return timedelta(
        seconds=backoff_seconds(attempts, settings.retry_base_seconds, settings.retry_max_seconds)
    )


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
