"""Decides about a message that arrives at several accounts: the same in whatever order it does.

Only what the message itself says counts, as a copy cannot know which others are yet to come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from postrail.configuration.models.mail_account import MailAccount
from postrail.decision.decision import Decision, Outcome
from postrail.decision.duplicates import may_be_forged, same_in_another_mailbox
from postrail.decision.mail_handlers.ask import ask_handlers
from postrail.decision.question import Question

# A comment that another copy has made is noted.
TAKEN = (Outcome.ISSUE, Outcome.COMMENT, Outcome.NOTED)


def decide_for_all_copies(question: Question) -> Decision:
    """Returns what the message becomes; always answers, so it is the last stage.

    What the handlers of its own account do not let in stays out, whatever becomes of other copies.
    What they take is decided once, by the first account that takes it.
    """
    question = _without_copies(question)
    own = ask_handlers(question)
    alone = question.account.fan_in == "own" or not question.mail.message_id
    if alone or own.outcome not in TAKEN:
        return own
    return same_in_another_mailbox(question) or _by_the_first(question, own)


def _by_the_first(question: Question, own: Decision) -> Decision:
    """Returns the decision of the first account that takes the message."""
    release = question.facts.release
    if release and release.as_handler:
        return own
    for account in _before_its_own(question):
        decision = ask_handlers(replace(question, decides_as=account.name))
        if decision.outcome in TAKEN:
            reason = f"{decision.reason}; decided as for account {account.name}, which is before"
            return replace(decision, reason=f"{reason} {question.account.name}")
    return own


def _before_its_own(question: Question) -> Iterator[MailAccount]:
    """Yields, by name, the accounts that decide before the message's own.

    They are those that the author has addressed, and that make one issue of all copies with it.
    One that the author has not addressed, as by a mailing list, comes after all that are.
    """
    own = question.account
    for account in question.sharing:
        if account.name != own.name:
            yield account
        elif question.is_addressed_to(own):
            return


def _without_copies(question: Question) -> Question:
    """Returns the question without the issues that only copies of the message lead to.

    They are those that copies in other mailboxes have made, and those that forged ones went to. The
    issues of an account that was removed stay: it may have another name now, and be read anew.
    """
    facts, mailbox, accounts = question.facts, question.mail.mailbox, question.snapshot.accounts
    copies = (one for one in facts.earlier if one.mailbox != mailbox and one.mailbox in accounts)
    left_out = {one.issue for one in copies if one.made_issue}
    answers = {one.hit for one in facts.tried if one.kind == "id"}
    forged = (one.issue for one in facts.earlier if may_be_forged(question, one))
    left_out.update(issue for issue in forged if issue.issue_key not in answers)
    if not left_out:
        return question
    issues = tuple(one for one in facts.conversation_issues if one not in left_out)
    answered = None if facts.answered_issue in left_out else facts.answered_issue
    facts = replace(facts, conversation_issues=issues, answered_issue=answered)
    return replace(question, facts=facts)
