"""The topics, declared once: name, record, retention; and what the broker's must look like.

`apply_topics` makes what is missing and refuses what differs: a different number of partitions
would move mailboxes, a shorter retention would lose mail that waits to be handled or replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError

from postrail import records
from postrail.errors import ConfigurationError, TransientError
from postrail.settings import KafkaSettings
from postrail.stream.connection import client_options

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic: its stem is shared by the record and its schema."""

    name: str
    record: type[records.Record]
    # None: the days of the setting POSTRAIL_KAFKA__RETENTION_DAYS.
    retention_ms: int | None = None
    cleanup: str = "delete"


MAILBOX_CHECK_REQUESTED = Topic(
    name="mailbox.check_requested", record=records.MailboxCheckRequested, retention_ms=HOUR_MS
)
MAIL_FETCHED = Topic(name="mail.fetched", record=records.MailFetched)
MAIL_PARSED = Topic(name="mail.parsed", record=records.MailParsed)
MAIL_HANDLED = Topic(name="mail.handled", record=records.MailHandled)
OUTGOING_QUEUED = Topic(name="outgoing.queued", record=records.OutgoingQueued)
OUTGOING_DELIVERED = Topic(name="outgoing.delivered", record=records.OutgoingDelivered)
PIPELINE_PROGRESS = Topic(
    name="pipeline.progress", record=records.PipelineProgress, retention_ms=DAY_MS
)
MAIL_DEAD = Topic(name="mail.dead", record=records.MailDead)

TOPICS = (
    MAILBOX_CHECK_REQUESTED,
    MAIL_FETCHED,
    MAIL_PARSED,
    MAIL_HANDLED,
    OUTGOING_QUEUED,
    OUTGOING_DELIVERED,
    PIPELINE_PROGRESS,
    MAIL_DEAD,
)
