"""Recognizes messages that we sent ourselves, and that have come back."""

from __future__ import annotations

from postrail.decision.decision import Decision, Outcome
from postrail.decision.question import Question

# The name of the stage; a release does not skip it.
OWN_MESSAGE = "own_message"


def own_message(question: Question) -> Decision | None:
    """Ignores a message of ours that a forward or a mailing list brings back.

    An answer to it could be answered by us without end. A bounce has a Message-ID of its own.
    """
    header = question.facts.own_message
    if not header:
        return None
    reason = f"we sent it ourselves, as its field {header} shows"
    return Decision(outcome=Outcome.IGNORED, reason=reason)
