"""Recognizes a message that was already handled under another mail_id."""

from __future__ import annotations

from postrail.decision.decision import Decision, NoteAddress, Outcome
from postrail.decision.facts import EarlierMail
from postrail.decision.question import Question
from postrail.records import MailParsed


def same_message(question: Question) -> Decision | None:
    """Answers for a message that was already handled in this mailbox."""
    found = (_in_this_mailbox(question, earlier) for earlier in question.facts.earlier)
    return next(filter(None, found), None)


def same_in_another_mailbox(question: Question) -> Decision | None:
    """Answers for a message of which another mailbox of the project had a copy."""
    found = (_in_another_mailbox(question, earlier) for earlier in question.facts.earlier)
    return next(filter(None, found), None)


def _in_this_mailbox(question: Question, earlier: EarlierMail) -> Decision | None:
    mail = question.mail
    if earlier.mailbox != mail.mailbox:
        return None
    again = _listed_again(mail, earlier)
    if not again and (not mail.message_id or may_be_forged(question, earlier)):
        return None
    reason = f"same message as {earlier.mail_id} in this mailbox"
    return Decision(outcome=Outcome.DUPLICATE, reason=reason, issue=earlier.issue)


def _in_another_mailbox(question: Question, earlier: EarlierMail) -> Decision | None:
    if earlier.mailbox == question.mail.mailbox or not question.mail.message_id:
        return None
    if _apart(question, earlier) or may_be_forged(question, earlier):
        return None
    noted = NoteAddress(issue=earlier.issue, address=question.account.address)
    reason = f"same message as {earlier.mail_id} in mailbox {earlier.mailbox}"
    return Decision(outcome=Outcome.NOTED, reason=reason, effects=(noted,), issue=earlier.issue)


def _apart(question: Question, earlier: EarlierMail) -> bool:
    """Tells whether a copy in another mailbox has an issue of its own.

    It has one where an account says so, and where the mailboxes are for different projects. An
    issue that was moved, or that others were merged into, is one for several projects.
    """
    own, other = question.account, question.snapshot.accounts.get(earlier.mailbox)
    if other is None or "own" in (own.fan_in, other.fan_in):
        return True
    project, others = question.project_at(own), question.project_at(other)
    issue = earlier.issue
    return project != others and not (issue.receives_for(project) and issue.receives_for(others))


def may_be_forged(question: Question, earlier: EarlierMail) -> bool:
    """Tells whether somebody else may have sent the earlier message, to keep this one out.

    Anyone who received a message can send the same once more, to another issue. That this one is
    proven and the earlier one is not tells them apart, where the server of its mailbox proves
    senders at all.
    """
    account = question.snapshot.accounts.get(earlier.mailbox)
    return bool(question.verified and not earlier.verified and account and account.authserv_ids)


def _listed_again(mail: MailParsed, earlier: EarlierMail) -> bool:
    """Tells whether the mailbox listed the message anew, with another UIDVALIDITY.

    Without a Message-ID only this distinguishes a repeated message from an equal one: a machine may
    send the same alarm each night, and those have one UIDVALIDITY and different UIDs.
    """
    return mail.source.rpartition(";uid=")[0] != earlier.source.rpartition(";uid=")[0]
