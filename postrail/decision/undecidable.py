"""Fails messages that cannot be decided: unparsable ones, and those of a removed account."""

from __future__ import annotations

from postrail.decision.decision import Decision, Outcome
from postrail.decision.question import Question


def unparsable(question: Question) -> Decision | None:
    """Fails a message that the parser could not read."""
    if not question.mail.error:
        return None
    reason = f"the message could not be parsed: {question.mail.error}"
    return Decision(outcome=Outcome.FAILED, reason=reason)


def account_removed(question: Question) -> Decision | None:
    """Fails a message whose mail account was removed after the fetch, and did not come back.

    The handler lets such a message wait for its account first.
    """
    mailbox = question.mail.mailbox
    if mailbox in question.snapshot.accounts:
        return None
    reason = (
        f"mail account {mailbox} was removed and did not come back in time: add it again with"
        " postrail apply, then retry the message with postrail mail retry"
    )
    return Decision(outcome=Outcome.FAILED, reason=reason)
