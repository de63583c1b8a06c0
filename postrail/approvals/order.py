"""Describes what somebody wants to have approved, before it is stored as a request. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

from postrail.approvals.request import APPROVE_OR_REJECT, AtDeadline, Choice, Rule
from postrail.message_parts import OutgoingAttachment

# How a request reaches us.
Origin = Literal["command", "handler", "transition", "api"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalOrder:
    """What is to be approved, by whom, and what follows; `begin` checks it and makes a request."""

    # The name of an approval setup.
    setup: str
    subject: str
    # Addresses, group:NAME, or the word lead.
    approvers: Sequence[str]
    body: str = ""
    # Each with its label.
    fields: Sequence[tuple[str, str]] = ()
    attachments: Sequence[OutgoingAttachment] = ()
    choices: Sequence[Choice] = APPROVE_OR_REJECT
    rule: Rule = Rule.ANY
    # Of COUNT: how many must approve.
    needed: int = 1
    # None: as the setup says.
    comment_required: bool | None = None
    # A length of time is counted from when the request is made.
    deadline: datetime | timedelta | None = None
    at_deadline: AtDeadline = AtDeadline.EXPIRE
    # As `approvers`.
    escalate_to: Sequence[str] = ()
    # 0: no reminder.
    remind_after_seconds: int = 0
    callback_url: str = ""
    # The issue that it is about; the caller has locked it.
    issue_id: int | None = None
    # The key of that issue's project.
    project: str = ""
    # The status to which an approval, or a rejection, moves the issue; "": none.
    approved_status: str = ""
    rejected_status: str = ""
    requester_address: str = ""
    requester_name: str = ""
    origin: Origin = "command"
    # The same key makes no second request; "": each order makes one.
    idempotency_key: str = ""

    @property
    def digest(self) -> str:
        """Returns the SHA-256 of the order: one that repeats a key must be the same."""
        values = {name: value for name, value in asdict(self).items() if name != "idempotency_key"}
        text = json.dumps(values, default=str, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()
