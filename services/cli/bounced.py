"""Prints the recipients of a bounce: recipients in, lines for people out."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.message_parts import BouncedRecipient

# The words for actions (RFC 3464, 2.3.3); of any other action the notice's own word.
ACTIONS = {"delayed": "delayed, will be tried again"}
NO_ADDRESS = "no address found"


def bounced_lines(recipients: Sequence[BouncedRecipient], status: str | None) -> list[str]:
    """Returns a line for each recipient; `status` is that of a bounce, None for other messages."""
    if not recipients and status is not None:
        return [f"{NO_ADDRESS} ({status})" if status else NO_ADDRESS]
    return [_line(one) for one in recipients]


def _line(one: BouncedRecipient) -> str:
    """Returns what happened, the address, the status, and the reason."""
    status = f" ({_status(one)})" if one.status else ""
    return f"{_result(one)}: {one.address}{status}" + (f"; {one.reason}" if one.reason else "")


def _result(one: BouncedRecipient) -> str:
    if one.action != "failed":
        return ACTIONS.get(one.action, one.action)
    if one.hard:
        return "failed for good"
    return "failed, may work again later" if _passes(one) else "failed"


def _passes(one: BouncedRecipient) -> bool:
    # A full mailbox (x.2.2) may be emptied.
    return one.status_class == "4" or one.status.endswith(".2.2")


def _status(one: BouncedRecipient) -> str:
    """Returns the status, and whether only the words mean it: such a failure is not hard."""
    coded = one.hard or _passes(one) or one.action != "failed" or one.status in one.reason
    return one.status if coded else f"by its words {one.status}"
