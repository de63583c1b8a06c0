"""Declares the Prometheus metrics of every service, and the functions that set them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

# From parsing one message to one SMTP dialogue with a slow server.
STAGE_BUCKETS_SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
)  # fmt: skip
# From an IDLE mailbox on a quiet day to a backlog after a weekend of outage.
AGE_BUCKETS_SECONDS = (
    0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0,
    86400.0,
)  # fmt: skip

_stage_seconds = Histogram(
    "postrail_stage_seconds",
    "Time that a stage took for one message",
    ("service", "outcome"),
    buckets=STAGE_BUCKETS_SECONDS,
)
_mail_age_seconds = Histogram(
    "postrail_mail_age_seconds",
    "Time from the reception of a message until this stage had finished it",
    ("service",),
    buckets=AGE_BUCKETS_SECONDS,
)
_mails = Counter("postrail_mails", "Messages by outcome", ("service", "outcome"))
_dead_letters = Counter("postrail_dead_letters", "Records that did not decode", ("service",))
_lost_mails = Counter(
    "postrail_lost_mails", "Messages whose records are proven to be lost, each time they are"
)
_log_faults = Counter(
    "postrail_log_faults",
    "Partitions that Kafka lost, cut or had made anew, as found when they were read on",
    ("service",),
)
_ready = Gauge("postrail_ready", "1 while no part that this process needs is down")
_paused = Gauge("postrail_paused", "1 while the consumer loop waits for a part that is unavailable")
_lag = Gauge("postrail_lag_records", "Unread records in this process's partitions", ("service",))
_clock_offset = Gauge(
    "postrail_clock_offset_seconds",
    "How far the machine's clock is ahead of the server's whose time this process takes",
)
_unaccounted = Gauge(
    "postrail_unaccounted_mails", "Messages that have had no outcome for too long; must be 0"
)
_mailbox_unaccounted = Gauge(
    "postrail_mailbox_unaccounted_mails",
    "Messages in the mailbox without a row, at the last comparison; must be 0",
    ("mailbox",),
)
_webhook_posts = Gauge(
    "postrail_webhook_posts",
    "Posts to other systems that have not arrived: waiting, those of them failing, and failed",
    ("state",),
)
_webhook_attempts = Counter(
    "postrail_webhook_attempts", "Attempts to post to other systems, by outcome", ("outcome",)
)
_needs_authorization = Gauge(
    "postrail_account_needs_authorization",
    "1 while a person has to sign in for the mail account; must be 0",
    ("account",),
)
_token_age_seconds = Gauge(
    "postrail_oauth_token_age_seconds",
    "Time since the provider last gave tokens for the mail account",
    ("account",),
)
_connection_needs_authorization = Gauge(
    "postrail_connection_needs_authorization",
    "1 while a person has to sign in for the outgoing connection; must be 0",
    ("connection",),
)
_connection_token_age_seconds = Gauge(
    "postrail_connection_token_age_seconds",
    "Time since the provider last gave tokens for the outgoing connection; grows while it is idle",
    ("connection",),
)
# Whether a person must sign in, and the age of the tokens: by what the tokens belong to.
_token_gauges = {
    "accounts": (_needs_authorization, _token_age_seconds),
    "connections": (_connection_needs_authorization, _connection_token_age_seconds),
}


def observe_stage(
    service: str, outcome: str, seconds: float | None, age_seconds: float | None
) -> None:
    """Counts a finished message, the stage's time and the message's age."""
    _mails.labels(service, outcome).inc()
    if seconds is not None:
        _stage_seconds.labels(service, outcome).observe(seconds)
    if age_seconds is not None:
        _mail_age_seconds.labels(service).observe(age_seconds)


def count_dead_letter(service: str) -> None:
    """Counts a record that did not decode and is in mail.dead."""
    _dead_letters.labels(service).inc()


def count_log_fault(service: str) -> None:
    """Counts a partition whose log is not the one that was read, or lost records."""
    _log_faults.labels(service).inc()


def count_lost(mails: int) -> None:
    """Counts messages whose records are proven to be lost."""
    _lost_mails.inc(mails)


def set_lag(service: str, records: int) -> None:
    """Sets the number of unread records in the partitions of this process."""
    _lag.labels(service).set(records)


def set_clock_offset(ahead_seconds: float) -> None:
    """Sets how far the machine's clock is ahead of the one that the process follows."""
    _clock_offset.set(ahead_seconds)


def set_unaccounted(mails: int) -> None:
    """Sets the number of messages that have had no outcome for too long."""
    _unaccounted.set(mails)


def set_mailbox_unaccounted(mailbox: str, mails: int) -> None:
    """Sets the number of messages that a comparison found without a row, before fetching them."""
    _mailbox_unaccounted.labels(mailbox).set(mails)


def set_webhook_posts(counts: Mapping[str, int]) -> None:
    """Sets the numbers of posts to other systems that have not arrived, by state."""
    for state, count in counts.items():
        _webhook_posts.labels(state).set(count)


def count_webhook_attempt(outcome: str) -> None:
    """Counts an attempt to post; the outcome is the state of the post after it."""
    _webhook_attempts.labels(outcome).inc()


def show_token(
    owners: str, name: str, needs_authorization: bool, age_seconds: float | None
) -> None:
    """Sets whether a person must sign in for an account or connection, and its tokens' age."""
    needs, age = _token_gauges[owners]
    needs.labels(name).set(needs_authorization)
    if age_seconds is not None:
        age.labels(name).set(age_seconds)


def forget_token(owners: str, name: str) -> None:
    """Removes an account or connection that this process no longer uses."""
    for gauge in _token_gauges[owners]:
        with contextlib.suppress(KeyError):
            gauge.remove(name)


def show_health(ready: bool, *, paused: bool) -> None:
    """Updates the gauges of readiness, right before they are read."""
    _ready.set(ready)
    _paused.set(paused)
