"""Decides about messages at the accounts of approval setups, and lists answers that went elsewhere.

An answer counts only if every check lets it pass and its text says what it decides. All others are
listed with their reason and decide nothing.
"""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.approvals.candidate import Candidate, Refusal, is_form_of
from postrail.decision.approvals.checks import refusal
from postrail.decision.approvals.effects import AnswerRequest, RefuseAnswer
from postrail.decision.approvals.fact import ANSWERED, ApprovalFact
from postrail.decision.approvals.reading import read
from postrail.decision.approvals.refused import HELPED, RefusedWhy
from postrail.decision.decision import Decision, Outcome
from postrail.decision.question import Question
from postrail.decision.senders import Verdict

NO_ANSWER = "no answer to a request"
NO_SETUP = (
    "account {0} is for approvals, and no approval setup is enabled for it: enable one, then handle"
    " the message again with postrail mail retry"
)
UNVERIFIED = "approval setup {0} lets unverified senders decide"
# The messages of these are handled again, and are not listed before they have ended.
NOT_ENDED = (Outcome.FAILED, Outcome.QUARANTINED)
KINDS = {
    "bounce": RefusedWhy.BOUNCE,
    "feedback": RefusedWhy.BOUNCE,
    "receipt": RefusedWhy.RECEIPT,
    "human": RefusedWhy.OTHER_MAILBOX,
}


def approval(question: Question) -> Decision | None:
    """Decides about an answer to a request, and ignores what else comes to the account for them."""
    if question.is_for_a_handler:
        return None
    account, fact = question.account.name, question.facts.approval
    setup = question.snapshot.approval_setup_of(account)
    if setup is None:
        return _elsewhere(question, fact)
    if fact is None:
        return Decision(outcome=Outcome.IGNORED, reason=NO_ANSWER)
    if fact.before == ANSWERED:
        return Decision(outcome=Outcome.APPROVAL, reason=f"it has answered {fact.key} before")
    one = Candidate(question=question, setup=setup, fact=fact)
    if found := refusal(one):
        return _refused(question, fact, found, helps=_helps(one, found.why))
    return _answer(one)


def _answer(one: Candidate) -> Decision:
    """Returns the decision about a message that may decide, if its text says what."""
    reading = read(one)
    if isinstance(reading, Refusal):
        return _refused(one.question, one.fact, reading, helps=_helps(one, reading.why))
    choice, comment = reading
    judged = one.question.judged
    unverified = "" if one.question.verified else UNVERIFIED.format(one.setup.name)
    effect = AnswerRequest(
        request_id=one.fact.request_id,
        assignment_id=one.fact.assignment_id,
        choice=choice.name,
        comment=comment,
        verdict=judged.verdict,
        verdict_reason=unverified or judged.reason,
    )
    reason = f"{one.sender} answers {one.fact.key}: {choice.name}"
    reason += f"; not verified: {unverified}" if unverified else ""
    return Decision(outcome=Outcome.APPROVAL, reason=reason, effects=(effect,))


def _helps(one: Candidate, why: RefusedWhy) -> bool:
    """Tells whether the sender is told why the answer does not count: once, where it may be theirs.

    The server proves that another person sent a forged message. Where it proves nothing, the answer
    goes to nobody but the approver: a stranger may be any address that somebody has written there.
    """
    if why not in HELPED or one.fact.told or not one.is_by_person:
        return False
    if one.question.judged.verdict is Verdict.FAIL:
        return False
    return one.question.verified or one.is_from_approver


def _refused(question: Question, fact: ApprovalFact, found: Refusal, *, helps: bool) -> Decision:
    reason = f"{NO_ANSWER}: {found.text}"
    if found.why is not RefusedWhy.FORGED_TOKEN:
        reason = f"no answer to {fact.key}: {found.text}"
    effects = (_listed(fact, found, helps=helps),) if fact.request_id and not fact.before else ()
    return Decision(outcome=Outcome.IGNORED, reason=reason, effects=effects)


def _listed(fact: ApprovalFact, found: Refusal, *, helps: bool = False) -> RefuseAnswer:
    return RefuseAnswer(
        request_id=fact.request_id,
        assignment_id=fact.assignment_id,
        why=found.why,
        text=found.text,
        helps=helps,
    )


def _elsewhere(question: Question, fact: ApprovalFact | None) -> Decision | None:
    """Answers for a message at another account: of an answer that was meant for a setup's.

    One that is also addressed to the account itself is handled there as any other.
    """
    if question.snapshot.is_for_approvals(question.account.name):
        reason = NO_SETUP.format(question.account.name)
        return Decision(outcome=Outcome.QUARANTINED, reason=reason)
    if fact is None or not fact.genuine or question.is_addressed_to(question.account):
        return None
    if not _is_to_setup(question, fact, question.snapshot):
        return None
    return _refused(question, fact, _other_mailbox(question, fact), helps=False)


def _is_to_setup(question: Question, fact: ApprovalFact, snapshot: ConfigurationSnapshot) -> bool:
    setup = snapshot.approval_setups.get(fact.setup)
    base = snapshot.reply_address_of(setup) if setup else ""
    return any(is_form_of(one.address, base) for one in question.mail.recipients)


def _other_mailbox(question: Question, fact: ApprovalFact) -> Refusal:
    text = f"it came to mailbox {question.mail.mailbox}, and not to that of setup {fact.setup}"
    return Refusal(RefusedWhy.OTHER_MAILBOX, text)


def with_listed_answer(question: Question, decision: Decision) -> Decision:
    """Lists a message with a genuine token about which another stage has decided.

    Such are bounces, receipts and automatic answers, and copies in other mailboxes.
    """
    fact = question.facts.approval
    if fact is None or not fact.genuine or fact.before or decision.outcome in NOT_ENDED:
        return decision
    if any(isinstance(one, AnswerRequest | RefuseAnswer) for one in decision.effects):
        return decision
    effect = _listed(fact, _why_other(question, fact, decision))
    return replace(decision, effects=(*decision.effects, effect))


def _why_other(question: Question, fact: ApprovalFact, decision: Decision) -> Refusal:
    if question.facts.own_message:
        return Refusal(RefusedWhy.OWN_MESSAGE, decision.reason)
    if question.facts.release is not None:
        return Refusal(RefusedWhy.RELEASED, "a person has released it")
    why = KINDS.get(question.mail.kind, RefusedWhy.AUTOMATIC)
    if why is not RefusedWhy.OTHER_MAILBOX:
        return Refusal(why, f"it is of the kind {question.mail.kind}: {decision.reason}")
    setup = question.snapshot.approval_setups.get(fact.setup)
    if setup and setup.account == question.mail.mailbox:
        return Refusal(RefusedWhy.OTHERWISE, decision.reason)
    return _other_mailbox(question, fact)
