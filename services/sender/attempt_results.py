"""Decides what an attempt has led to: sent, failed, unconfirmed, or deferred. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from postrail.courier import Answer, State
from postrail.outgoing.queue import Claimed
from postrail.outgoing.results import AttemptResult, DeliveryState
from postrail.settings import SenderSettings

# RFC 3463 and 7505: no such mailbox, no such system, bad syntax, moved, takes no mail; disabled.
# Not 5.1.0 and the others: servers answer RCPT with them for the sender, the network and policies.
# Postfix says 5.1.0 to each recipient of a sender that it does not know.
DEAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
STATUS = re.compile(r"5\d\d[ -](?P<status>5\.\d{1,3}\.\d{1,3})(?![\d.])")


def attempt_result(
    claimed: Claimed,
    answer: Answer,
    now: datetime,
    settings: SenderSettings,
    *,
    retry_at: datetime | None = None,
) -> AttemptResult:
    """Returns the result of the attempt; a deferred delivery is due at `retry_at`, if given.

    One that is due at once, over a fallback, is not given up, however long it has waited.
    """
    # The server may have accepted the message before the connection broke. We try again a few
    # times, with the same Message-ID, and mark it as maybe sent twice; each attempt may be a copy.
    is_unknown = answer.state == "unknown"
    unknown_attempts = claimed.unknown_attempts + is_unknown
    state: DeliveryState
    state, reply, due_at = "deferred", answer.reply, now
    waited = now - claimed.tried_since
    waits = retry_at is None or retry_at > now
    if answer.state == "sent" or answer.state == "failed":
        state = answer.state
    elif is_unknown and unknown_attempts > settings.unknown_repeats:
        state = "unconfirmed"
    elif waits and waited >= timedelta(seconds=settings.give_up_after_seconds):
        # An earlier attempt may have succeeded: only a person can say that all have failed.
        state = "unconfirmed" if unknown_attempts else "failed"
        reply = f"Given up after {_duration(waited)}: {answer.reply}"
    elif is_unknown:
        # A draft tells whether it was sent, so the next attempt makes no copy.
        short = _pause(claimed.attempts, settings)
        due_at = now + (short if claimed.draft else _long_pause(unknown_attempts, settings))
    else:
        due_at = retry_at or now + _pause(claimed.attempts, settings)
    return AttemptResult(
        claimed=claimed,
        state=state,
        reply=reply,
        due_at=due_at,
        maybe_twice=is_unknown or (claimed.maybe_twice and not _is_settled(claimed, answer)),
        unknown_attempts=unknown_attempts,
        given_id=answer.message_id if answer.message_id != claimed.message_id else "",
        dead_address=dead_address(answer),
    )


def _is_settled(claimed: Claimed, answer: Answer) -> bool:
    """Tells whether nothing is unknown any more: the one attempt in doubt sent nothing else."""
    return answer.settles_earlier and claimed.unknown_attempts == 1


def dead_address(answer: Answer) -> str:
    """Returns the status by which the server says that the address itself is dead, or "".

    Only a code says so: a refusal in words may be about anything.
    """
    if answer.state != "failed" or not answer.refused_recipient:
        return ""
    found = STATUS.match(answer.reply)
    return found["status"] if found and found["status"] in DEAD_ADDRESS else ""


def _pause(attempts: int, settings: SenderSettings) -> timedelta:
    """Returns how long the delivery waits after its attempts so far, of which there is one."""
    pauses = settings.retry_pauses_seconds
    return timedelta(seconds=pauses[min(attempts, len(pauses)) - 1])


def _long_pause(unknown_attempts: int, settings: SenderSettings) -> timedelta:
    return timedelta(seconds=settings.unknown_pause_seconds * 2 ** (unknown_attempts - 1))


def postponed(claimed: Claimed, reason: str, *, state: State = "deferred") -> Answer:
    """Returns the answer: not now."""
    return Answer(recipient=claimed.recipient, state=state, reply=reason)


def refused(claimed: Claimed, reason: str) -> Answer:
    """Returns the answer: never."""
    return Answer(recipient=claimed.recipient, state="failed", reply=reason)


def _duration(passed: timedelta) -> str:
    hours = passed.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
