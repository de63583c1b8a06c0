"""Recognises a message that was already handled under another mail_id."""

from __future__ import annotations

from postrail.decision.decision import Decision, NoteAddress, Outcome
from postrail.decision.facts import EarlierMail, IssueRef
from postrail.decision.question import Question
from postrail.records import MailParsed


def same_message(question: Question) -> Decision | None:
    """Answers for a message whose content was already handled, in this mailbox or another."""
    for earlier in question.facts.earlier:
        found = _in_this_mailbox(question, earlier) or _in_another_mailbox(question, earlier)
        if found:
            return found
    return None


def _in_this_mailbox(question: Question, earlier: EarlierMail) -> Decision | None:
    mail = question.mail
    if earlier.mailbox != mail.mailbox:
        return None
    if not mail.message_id and not _listed_again(mail, earlier):
        return None
    reason = f"same message as {earlier.mail_id} in this mailbox"
    return Decision(outcome=Outcome.DUPLICATE, reason=reason, issue=earlier.issue)


def _in_another_mailbox(question: Question, earlier: EarlierMail) -> Decision | None:
    other = question.snapshot.accounts.get(earlier.mailbox)
    if earlier.mailbox == question.mail.mailbox or not question.mail.message_id:
        return None
    if other is None:
        return None
    if not _one_project(question.project, question.project_at(other), earlier.issue):
        return None
    noted = NoteAddress(issue=earlier.issue, address=question.account.address)
    reason = f"same message as {earlier.mail_id} in mailbox {earlier.mailbox}"
    return Decision(outcome=Outcome.NOTED, reason=reason, effects=(noted,), issue=earlier.issue)


def _one_project(project: str, other: str, issue: IssueRef) -> bool:
    """Tells whether the issue is where messages of both projects' mailboxes belong.

    An issue that was moved, or that others were merged into, receives for several projects.
    """
    return project == other or (issue.receives_for(project) and issue.receives_for(other))


def _listed_again(mail: MailParsed, earlier: EarlierMail) -> bool:
    """Tells whether the mailbox listed the message anew, with another UIDVALIDITY.

    Without a Message-ID only this distinguishes a repeated message from an equal one: a machine may
    send the same alarm each night, and those have one UIDVALIDITY and different UIDs.
    """
    return mail.source.rpartition(";uid=")[0] != earlier.source.rpartition(";uid=")[0]
