"""Decides what a parsed message means: asks the stages in order until one answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.approvals.stage import approval, with_listed_answer
from postrail.decision.blocked import blocked
from postrail.decision.decision import Decision, Outcome
from postrail.decision.duplicates import same_message
from postrail.decision.facts import Facts
from postrail.decision.loops.limits import LIMITED, LIMITS, standing_of, within_limits
from postrail.decision.loops.own_message import OWN_MESSAGE, own_message
from postrail.decision.mail_handlers.fan_in import decide_for_all_copies
from postrail.decision.question import Question
from postrail.decision.reports.bounces import bounce
from postrail.decision.reports.receipts import probe, receipt, stand_in
from postrail.decision.reports.unsubscribe import unsubscribe
from postrail.decision.sending.answers import with_one_answer
from postrail.decision.sending.forwarding import forwarded_failure
from postrail.decision.trace import StageAnswer, Trace
from postrail.decision.undecidable import account_removed, unparsable
from postrail.records import MailParsed

Stage = Callable[[Question], Decision | None]

# The answer of a stage that is not asked, as a person has released the message from it.
RELEASED = "released"
APPROVAL = "approval"

# The order matters: the first stage that answers decides. The names are stored in traces.
STAGES: tuple[tuple[str, Stage], ...] = (
    ("unparsable", unparsable),
    ("account_removed", account_removed),
    (OWN_MESSAGE, own_message),
    # Before all that asks whether a machine sent it, or the same was sent before: robots
    # unsubscribe people, with equal messages.
    ("unsubscribe", unsubscribe),
    ("same_message", same_message),
    ("stand_in", stand_in),
    ("bounce", bounce),
    ("receipt", receipt),
    ("probe", probe),
    ("blocked", blocked),
    (APPROVAL, approval),
    ("handlers", decide_for_all_copies),
)


# What a release does not skip: our own messages are never taken for somebody's, and a person who
# releases an answer to an approval request does not decide it.
NEVER_RELEASED = (OWN_MESSAGE, APPROVAL, STAGES[-1][0])
HELD = (Outcome.QUARANTINED, Outcome.IGNORED)


def decide(
    mail: MailParsed,
    snapshot: ConfigurationSnapshot,
    facts: Facts,
    stages: Sequence[tuple[str, Stage]] = STAGES,
) -> Decision:
    """Returns the decision about one message; the same input always gives the same decision."""
    question = Question(mail=mail, snapshot=snapshot, facts=facts)
    answers = []
    for name, stage in stages:
        if question.skips(name) and name not in NEVER_RELEASED:
            answers.append(StageAnswer(name, RELEASED))
        elif decision := stage(question):
            answers.append(StageAnswer(name, decision.outcome))
            decision = within_limits(question, _held(name, decision))
            if decision.held_by == LIMITS:
                answers.append(StageAnswer(LIMITS, decision.outcome))
            decision = with_listed_answer(question, decision)
            decision = with_one_answer(question, decision)
            decision = forwarded_failure(question, decision)
            return replace(decision, trace=_trace(question, answers, decision))
        else:
            answers.append(StageAnswer(name, ""))
    raise AssertionError("the last stage answers for every message")


def _held(stage: str, decision: Decision) -> Decision:
    """Returns the decision with what a release skips: the stage that holds or ignores it.

    The last stage must not be skipped, and says itself which of its policies it was.
    """
    if decision.held_by or decision.outcome not in HELD or stage in NEVER_RELEASED:
        return decision
    return replace(decision, held_by=stage)


def _trace(question: Question, answers: Sequence[StageAnswer], decision: Decision) -> Trace:
    known_account = question.mail.mailbox in question.snapshot.accounts
    judged = question.judged if known_account else None
    return Trace(
        change_id=question.snapshot.change_id,
        kind=question.mail.kind,
        kind_reason=question.mail.kind_reason,
        stages=tuple(answers),
        facts=question.facts,
        handlers=decision.handlers,
        verdict=judged.verdict if judged else "",
        verdict_reason=judged.reason if judged else "",
        held_by=decision.held_by,
        standing=standing_of(question, decision) if decision.outcome in LIMITED else "",
    )
