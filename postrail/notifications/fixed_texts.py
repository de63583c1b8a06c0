"""Makes the words of messages about no issue: forwards, answers to authors, notices. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.words import Words
from postrail.records import MailParsed
from postrail.rendering.events import MessageEvent

# The words of a subject that a message about another one holds.
SUBJECT_CHARACTERS = 200
SHOW = "postrail mail show {mail_id}"

# The words of a message, once its language is known.
Letter = Callable[[Phrases], Words]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What people are told of a message: who tells them and why, and what became of it."""

    by: str
    reason: str
    outcome: str
    # Of its issue, or "".
    issue_key: str


def forwarded(mail: MailParsed, about: Told, phrases: Phrases) -> Words:
    """Returns the message that an original is attached to, and why it is sent on."""
    return _of_message(MessageEvent.FORWARDED, phrases.forwarding, mail, about, phrases)


def told(mail: MailParsed, about: Told, phrases: Phrases) -> Words:
    """Returns the message that says what became of another one."""
    return _of_message(MessageEvent.NOTICE, phrases.telling, mail, about, phrases)


def _of_message(
    event: MessageEvent, opening: str, mail: MailParsed, about: Told, phrases: Phrases
) -> Words:
    begin = "Fwd" if event is MessageEvent.FORWARDED else "Postrail"
    words = _line(mail.subject)[:SUBJECT_CHARACTERS] or phrases.no_subject
    subject = f"[{about.issue_key}] {words}" if about.issue_key else words
    sender = mail.sender
    lines = [
        (phrases.sender, _line(sender.address) if sender else phrases.unknown_sender),
        (phrases.subject, _line(mail.subject) or phrases.no_subject),
        (phrases.mailbox, mail.mailbox),
        (phrases.message, mail.mail_id),
    ]
    blocks = [
        f"{phrases.reason}{phrases.colon}{_line(about.reason)}",
        "\n".join(f"{label}{phrases.colon}{value}" for label, value in lines),
        phrases.see_more.format(command=SHOW.format(mail_id=mail.mail_id)),
    ]
    by = f"{about.by[:1].upper()}{about.by[1:]}"
    return Words(
        event=event,
        language=phrases.language,
        subject=f"{begin}: {subject}",
        sentence=f"{opening.format(by=by)} {_became(about, phrases)}",
        full_stop="",
        body="\n\n".join(blocks),
        why=phrases.why_named,
        issue_key=about.issue_key,
        author_name=_line(sender.name) if sender else "",
        author_address=_line(sender.address) if sender else "",
    )


def _became(about: Told, phrases: Phrases) -> str:
    """Returns what became of the message; of an outcome without a phrase its name."""
    became = {
        "issue": phrases.became_issue,
        "comment": phrases.became_comment,
        "forwarded": phrases.became_nothing,
        "ignored": phrases.became_nothing,
        "quarantined": phrases.became_quarantined,
        "failed": phrases.became_failed,
    }
    found = became.get(about.outcome, phrases.became_other)
    return found.format(key=about.issue_key, outcome=about.outcome)


def _line(text: str) -> str:
    """Returns words that came by mail in one line, so that none looks like one of ours."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def answered(mail: MailParsed, text: str, neutral: bool, phrases: Phrases) -> Words:
    """Returns the answer to the author of a message; a neutral one does not name its subject."""
    begins = "" if neutral else mail.subject[:SUBJECT_CHARACTERS]
    subject = begins if begins.lower().startswith("re:") else f"Re: {begins}"
    sender = None if neutral else mail.sender
    return Words(
        event=MessageEvent.REPLY,
        language=phrases.language,
        subject=subject if begins else phrases.your_message,
        body=text,
        # More may follow if the message has made an issue, whose messages say how to leave it.
        why=phrases.why_wrote,
        author_name=sender.name if sender else "",
        author_address=sender.address if sender else "",
    )


def about_subject(event: MessageEvent, subject: str, text: str, phrases: Phrases) -> Words:
    """Returns a message about an incoming one that has only a subject, for previews."""
    return Words(
        event=event,
        language=phrases.language,
        subject=f"{'Fwd' if event is MessageEvent.FORWARDED else 'Re'}: {subject}",
        body=text,
        why=phrases.why_named if event is MessageEvent.FORWARDED else phrases.why_wrote,
    )


def account_created(address: str, phrases: Phrases) -> Words:
    """Returns what a sender is told of whom a message has made a person."""
    return Words(
        event=MessageEvent.ACCOUNT_CREATED,
        language=phrases.language,
        subject=phrases.account_created_title,
        sentence=phrases.account_created.format(address=address),
        full_stop=phrases.full_stop,
        greeting=phrases.greeting_of_all,
        body=phrases.account_created_note,
        why=phrases.why_wrote,
        stop=phrases.stop_none,
        author_address=address,
    )


def noticed(cause: str, text: str, phrases: Phrases) -> Words:
    """Returns the message that tells people of something."""
    return Words(
        event=MessageEvent.NOTICE,
        language=phrases.language,
        subject=f"Postrail: {cause[:SUBJECT_CHARACTERS]}",
        body=text,
        why=phrases.why_named,
    )
