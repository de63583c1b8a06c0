"""Says what the settings of an account are by default that is for answers to approvals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from postrail.configuration.models.mail_account import MailAccount

Purpose = Literal["issues", "approvals"]
# As FlexDeploy polls: 30 messages every 5 minutes.
APPROVAL_DEFAULTS: Mapping[str, Any] = {
    "poll_seconds": 300.0,
    "max_mails_per_poll": 30,
    "idle": False,
}
MOVE_TO = "Processed"


def with_defaults_of_purpose(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of an account with the defaults of its purpose in the place of none."""
    if values.get("purpose") != "approvals":
        return values
    filled = {**APPROVAL_DEFAULTS, **values}
    # POP3 has one folder.
    if filled.get("protocol") != "pop3":
        filled.setdefault("after_download", "move")
    if filled.get("after_download") == "move":
        filled.setdefault("move_to", MOVE_TO)
    return filled


def purpose_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    """Yields each field that contradicts the purpose of the account, with what to do about it."""
    if account.purpose != "approvals":
        return
    if not account.max_mails_per_poll:
        yield (
            "max_mails_per_poll",
            "must be at least 1 with purpose approvals, so that a flood delays nothing else; leave"
            f" it out for {APPROVAL_DEFAULTS['max_mails_per_poll']}",
        )
