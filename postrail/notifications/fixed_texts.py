"""Writes the messages about no issue: forwards, answers to authors, notices. Pure.

Their texts are fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

from postrail.records import MailParsed

# The words of a subject that a message about another one holds.
SUBJECT_CHARACTERS = 200
OF_MESSAGE = """{opening} {became}

Reason: {reason}

From: {sender}
Subject: {subject}
Mailbox: {mailbox}
Message: {mail_id}

To see more of it, run:
postrail mail show {mail_id}
"""
FORWARDING = "{by} sends you this message; it is attached as it was received."
TELLING = "{by} tells you of this message."
# By the outcome of a message; of any other one the outcome itself is told.
BECAME = {
    "issue": "It became issue {key}.",
    "comment": "It became a comment on {key}.",
    "forwarded": "It became no issue and no comment.",
    "ignored": "It became no issue and no comment.",
    "quarantined": "It is quarantined: it has no effect until a person releases it.",
    "failed": "It could not be handled.",
}
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What people are told of a message: who tells them and why, and what became of it."""

    by: str
    reason: str
    outcome: str
    # Of its issue, or "".
    issue_key: str


def forwarded(mail: MailParsed, told: Told) -> Letter:
    """Returns the message that an original is attached to, and why it is sent on."""
    return Letter(f"Fwd: {_subject(mail, told)}", _of_message(FORWARDING, mail, told))


def told(mail: MailParsed, told: Told) -> Letter:
    """Returns the message that says what became of another one."""
    return Letter(f"Postrail: {_subject(mail, told)}", _of_message(TELLING, mail, told))


def _subject(mail: MailParsed, told: Told) -> str:
    """Returns the subject of the message, with the key of its issue."""
    words = _line(mail.subject)[:SUBJECT_CHARACTERS] or "no subject"
    return f"[{told.issue_key}] {words}" if told.issue_key else words


def _of_message(opening: str, mail: MailParsed, told: Told) -> str:
    by = f"{told.by[:1].upper()}{told.by[1:]}"
    became = BECAME.get(told.outcome, f"Its outcome is: {told.outcome}.")
    return OF_MESSAGE.format(
        opening=opening.format(by=by),
        became=became.format(key=told.issue_key),
        reason=_line(told.reason),
        sender=_line(mail.sender.address) if mail.sender else "unknown",
        subject=_line(mail.subject) or "none",
        mailbox=mail.mailbox,
        mail_id=mail.mail_id,
    )


def _line(text: str) -> str:
    """Returns words that came by mail in one line, so that none looks like one of ours."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


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
