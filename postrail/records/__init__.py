"""Defines the records that travel over Kafka: a frozen dataclass a topic, with its `.avsc` file.

Times are UTC with microseconds, sizes are bytes, ids are UUIDs in text form. A field that later
releases add must have a default, so that old and new processes can run side by side in a rollout.
"""

from __future__ import annotations

from typing import TypeVar

from postrail.records.approvals import ApprovalAnswer, ApprovalDecided, LedgerEntry
from postrail.records.issues import CUSTOM_PREFIX, IssueChanged
from postrail.records.mail import (
    BlobReference,
    MailboxCheckRequested,
    MailFetched,
    MailHandled,
    MailParsed,
)
from postrail.records.outgoing import OutgoingDelivered, OutgoingDelivery, OutgoingQueued
from postrail.records.pipeline import MailDead, PipelineProgress

__all__ = [
    "CUSTOM_PREFIX",
    "ApprovalAnswer",
    "ApprovalDecided",
    "BlobReference",
    "IssueChanged",
    "LedgerEntry",
    "MailDead",
    "MailFetched",
    "MailHandled",
    "MailParsed",
    "MailboxCheckRequested",
    "OutgoingDelivered",
    "OutgoingDelivery",
    "OutgoingQueued",
    "PipelineProgress",
    "R",
    "R_co",
    "Record",
]

Record = (
    MailboxCheckRequested
    | MailFetched
    | MailParsed
    | MailHandled
    | OutgoingQueued
    | OutgoingDelivered
    | IssueChanged
    | ApprovalDecided
    | PipelineProgress
    | MailDead
)

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
