"""Asks the mail handlers of an account in their order; the last stage of a decision."""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import Decision, Outcome
from postrail.decision.mail_handlers.choose import declines
from postrail.decision.mail_handlers.take import take
from postrail.decision.question import Question
from postrail.decision.trace import HandlerAnswer

# What happens to the messages of an account that no handler serves.
IMPLICIT = MailHandler(name="implicit", cc_assignee=False)
OFF = (
    "submissions are off: all handlers of account {} are disabled. Enable one, then release the"
    " message with postrail mail release"
)
NOT_TAKEN = "no handler takes it: {}"
NO_ISSUE = "finds no issue to comment on"


def ask_handlers(question: Question) -> Decision:
    """Returns the decision of the first handler that takes the message; always answers."""
    account = question.account.name
    handlers = question.snapshot.handlers_of(account) or (IMPLICIT,)
    if not any(handler.enabled for handler in handlers):
        return Decision(outcome=Outcome.IGNORED, reason=OFF.format(account))
    asked: list[HandlerAnswer] = []
    for handler in handlers:
        declined = declines(handler, question)
        decision = None if declined else take(handler, question)
        asked.append(HandlerAnswer(handler.name, "" if decision else declined or NO_ISSUE))
        if decision:
            return replace(decision, handlers=tuple(asked))
    why = "; ".join(f"{one.handler}: {one.declined}" for one in asked)
    return Decision(outcome=Outcome.IGNORED, reason=NOT_TAKEN.format(why), handlers=tuple(asked))
