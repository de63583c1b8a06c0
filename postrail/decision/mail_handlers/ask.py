"""Asks the mail handlers of an account in their order; the last stage of a decision."""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.bounds import cut
from postrail.decision.decision import Decision, Outcome
from postrail.decision.mail_handlers.choose import declines
from postrail.decision.mail_handlers.take import take
from postrail.decision.question import Question
from postrail.decision.sending.forwarding import forwarded_by
from postrail.decision.trace import HandlerAnswer

# What happens to the messages of an account that no handler serves.
IMPLICIT = MailHandler(name="implicit", cc_assignee=False)
OFF = (
    "submissions are off: all handlers of account {} are disabled. Enable one, then release the"
    " message with postrail mail release"
)
NOT_TAKEN = "no handler takes it: {}"
# The trace has the others.
REASONS_SHOWN = 10
NO_ISSUE = "finds no issue to comment on"
NOT_ENABLED = (
    "it was released as handler {}, which is not enabled any more: enable it or choose another one,"
    " then release the message again with postrail mail release --as-handler"
)


def ask_handlers(question: Question) -> Decision:
    """Returns the decision of the first handler that takes the message; always answers."""
    if question.facts.release and (name := question.facts.release.as_handler):
        return _as_handler(name, question)
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
    why = "; ".join(f"{one.handler}: {cut(one.declined)}" for one in asked[:REASONS_SHOWN])
    if len(asked) > REASONS_SHOWN:
        why += f"; and {len(asked) - REASONS_SHOWN} more, see postrail mail show --trace"
    ignored = Decision(outcome=Outcome.IGNORED, reason=NOT_TAKEN.format(why), handlers=tuple(asked))
    wanted = (one for one in handlers if one.enabled and one.forward_unhandled)
    return forwarded_by(one, question, ignored) if (one := next(wanted, None)) else ignored


def _as_handler(name: str, question: Question) -> Decision:
    """Returns the decision of the handler that a person has chosen, whatever its conditions."""
    handlers = {one.name: one for one in question.snapshot.enabled_handlers}
    handler = handlers.get(name)
    if handler is None:
        return Decision(outcome=Outcome.FAILED, reason=NOT_ENABLED.format(name))
    decision = take(handler, question)
    answer = HandlerAnswer(name, "" if decision else NO_ISSUE)
    if decision is None:
        reason = NOT_TAKEN.format(f"{name}: {NO_ISSUE}")
        decision = Decision(outcome=Outcome.IGNORED, reason=reason)
    return replace(decision, handlers=(answer,))
