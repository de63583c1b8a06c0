"""Says what bounces, receipts and complaints report about deliveries: rows in, words out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from postrail.decision.decision import DeliveryEvent
from postrail.decision.reports.bounces import OPENINGS

# The most telling first.
EVENTS = {
    "hard": "bounced for good",
    "complaint": "complained",
    "soft": "bounced",
    "elsewhere": "bounced elsewhere",
    "doubted": "bounced, it is said",
    "deleted": "deleted unread",
    "read": "read",
    "delivered": "delivered",
    "delayed": "delayed",
}


def most_telling(reports: Sequence[Mapping[str, Any]]) -> str:
    """Returns the words for the report that says most, with its status; "" without reports."""
    found = {str(report["event"]): report for report in reports}
    event = next((event for event in EVENTS if event in found), "")
    return event_words(event, found[event]["status"]) if event else ""


def event_words(event: str, status: str) -> str:
    """Returns the words for what a report says: bounced for good (5.1.1)."""
    return EVENTS[event] + (f" ({status})" if status else "")


def undelivered_words(
    recipient: str, event: str, status: str, reason: str, address: str, *, suppressed: bool
) -> str:
    """Returns a line that says whom a message did not reach, and why."""
    opening = OPENINGS[DeliveryEvent(event)].format(to=recipient, other=address)
    if event == DeliveryEvent.DOUBTED:
        opening += ", who has written since then"
    why = ", ".join(part for part in (status, reason) if part)
    line = f"{opening}: {why}" if why else opening
    return f"{line}; nothing more is sent to this address" if suppressed else line
