"""Decides about messages by which people leave an issue's mail."""

from __future__ import annotations

from postrail.decision.decision import Decision, Outcome, Unsubscribe
from postrail.decision.question import Question

FITS_NOBODY = (
    "it is meant to unsubscribe somebody, and its token fits no watcher: the person has left"
    " before, or the token is not ours"
)


def unsubscribe(question: Question) -> Decision | None:
    """Lets the person whom a token of ours names watch the issue no longer, and answers nothing.

    Its sender proves nothing, and need not: mail programs and robots send such messages, too.
    """
    found = question.facts.unsubscription
    if found is None or question.is_for_a_handler:
        return None
    if found.issue is None:
        return Decision(outcome=Outcome.IGNORED, reason=FITS_NOBODY)
    return Decision(
        outcome=Outcome.UNSUBSCRIBED,
        reason=f"{found.addresses[0]} watches {found.issue.issue_key} no longer",
        effects=(Unsubscribe(issue=found.issue, addresses=found.addresses),),
        issue=found.issue,
    )
