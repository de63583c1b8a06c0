"""Decides about messages by which people leave an issue's mail."""

from __future__ import annotations

from postrail.decision.decision import Decision, Outcome, Unsubscribe
from postrail.decision.question import Question
from postrail.notifications.unsubscribe.token import asks_by_subject
from postrail.records import MailParsed

FITS_NOBODY = (
    "it is meant to unsubscribe somebody, and its token fits no watcher: the person has left"
    " before, or the token is not ours"
)


def unsubscribe(question: Question) -> Decision | None:
    """Lets the person whom a token of ours names watch the issue no longer, and answers nothing.

    Its sender proves nothing, and need not: mail programs and robots send such messages, too. But
    mail programs also suggest an address that was written to once for the next request: a message
    with words of its own, or with the address of somebody who has left, is one as any other.
    """
    found, mail = question.facts.unsubscription, question.mail
    if found is None or question.is_for_a_handler:
        return None
    by_subject = asks_by_subject(mail.subject)
    if found.issue is None:
        return Decision(outcome=Outcome.IGNORED, reason=FITS_NOBODY) if by_subject else None
    if not by_subject and _has_content(mail):
        return None
    return Decision(
        outcome=Outcome.UNSUBSCRIBED,
        reason=f"{found.addresses[0]} watches {found.issue.issue_key} no longer",
        effects=(Unsubscribe(issue=found.issue, addresses=found.addresses),),
        issue=found.issue,
    )


def _has_content(mail: MailParsed) -> bool:
    """Tells whether the message holds more than its subject and what it quotes."""
    if mail.text_blob or mail.html_blob or mail.reply_blob:
        return True
    new_text = mail.reply.new_text if mail.reply else mail.text
    return bool(new_text.strip() or mail.attachments or mail.attached_messages)
