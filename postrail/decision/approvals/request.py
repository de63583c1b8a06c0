"""The effect that asks people for an approval about the issue which a message makes."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.approvals.order import ApprovalOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestApproval:
    """Asks people for their approval, as an action of a mail handler."""

    # Without an issue: that is the one which the message makes. Without a subject: its summary.
    order: ApprovalOrder
    # Tells apart the requests of one message.
    number: int
