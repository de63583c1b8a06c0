"""Defines the record of the end of an approval request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalAnswer:
    """An approver's answer that counts."""

    address: str
    # The name of the choice.
    choice: str
    comment: str
    answered_at: datetime
    # The message; "" for an answer by a command or page.
    mail_id: str
    # What is known about the message's sender, and why.
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerEntry:
    """An event of the ledger of approvals, as its row has it; the hash proves the other columns."""

    event_id: int
    request_id: str
    assignment_id: int | None
    happened_at: datetime
    kind: str
    actor: str
    channel: str
    mail_id: str
    mail_hash: str
    verdict: str
    choice: str
    comment: str
    reason: str
    answered: bool
    # JSON.
    details: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalDecided:
    """The end of an approval request: decided, expired or withdrawn.

    It holds the event of the ledger, so that a restored installation can find what it lacks.
    """

    request_id: str
    # That of A-12 is 12.
    number: int
    setup: str
    subject: str
    issue_id: int | None
    issue_key: str | None
    requester_address: str
    # decided, expired or withdrawn.
    state: str
    # The name of the choice, and what it means (approve or reject); "" unless it is decided.
    choice: str
    meaning: str
    decided_at: datetime
    # In the order in which they were given.
    answers: list[ApprovalAnswer]
    event: LedgerEntry
