"""Writes the messages about no issue: forwards, answers to authors, notices. Pure.

Their texts are fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

from postrail.records import MailParsed

# The words of a subject that a message about another one holds.
SUBJECT_CHARACTERS = 200
FORWARDED = """{reason}

From: {sender}
Subject: {subject}
Mailbox: {mailbox}
Message: {mail_id}

The message is attached as it was received. To see what became of it, run:
postrail mail show {mail_id}
"""
ACCOUNT_CREATED = """Hello,

You wrote to us for the first time, so we now know {address} as a person. You need no password: just
write to us from this address, and reply to our emails.

If you did not write to us, please ignore this email.
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """The subject and the text of a message."""

    subject: str
    text: str


def forwarded(mail: MailParsed, reason: str) -> Letter:
    """Returns the message that an original is attached to, and why it is sent on."""
    subject = mail.subject[:SUBJECT_CHARACTERS]
    text = FORWARDED.format(
        reason=f"{reason[:1].upper()}{reason[1:]}",
        sender=mail.sender.address if mail.sender else "unknown",
        subject=subject or "none",
        mailbox=mail.mailbox,
        mail_id=mail.mail_id,
    )
    return Letter(f"Fwd: {subject}", text)


def answered(subject: str, text: str) -> Letter:
    """Returns the answer to the author of a message; without its subject, a neutral one."""
    if not subject:
        return Letter("Your message", text)
    begins = subject[:SUBJECT_CHARACTERS]
    return Letter(begins if begins.lower().startswith("re:") else f"Re: {begins}", text)


def account_created(address: str) -> Letter:
    """Returns what a sender is told of whom a message has made a person."""
    return Letter("We know your address now", ACCOUNT_CREATED.format(address=address))


def noticed(cause: str, text: str) -> Letter:
    """Returns the message that tells people of something."""
    return Letter(f"Postrail: {cause[:SUBJECT_CHARACTERS]}", text)
