"""Prints the recipients of a bounce: a recipient in, a line out."""

from __future__ import annotations

from postrail.message_parts import BouncedRecipient


def recipient_line(one: BouncedRecipient) -> str:
    """Returns address, action, status, class, whether it is permanent, and the reason."""
    known = [one.action, one.status, f"class {one.status_class}" if one.status_class else ""]
    summary = ", ".join([*filter(None, known), "hard" if one.hard else "not hard"])
    return f"{one.address}: {summary}" + (f"; {one.reason}" if one.reason else "")
