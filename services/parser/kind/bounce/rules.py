"""What says that a mail is a bounce, or a report that nothing came back."""

from __future__ import annotations

import re

from services.parser.kind.bounce.known_formats import known_recipients
from services.parser.kind.bounce.prose import read_prose
from services.parser.kind.bounce.status import STATUS_TYPES, actions_of
from services.parser.kind.bounce.words import DELAY, FAILURE, SUBJECT
from services.parser.kind.signals import (
    MACHINES,
    NOTICE_MAX,
    Marks,
    absent,
    has_part,
    mail_system,
    reported,
)

REFUSING = re.compile(r"Disposition:[^;\n]{0,100};\s*(?:deleted|denied|failed)", re.IGNORECASE)


def delivered(marks: Marks) -> str:
    """A report on success, which was asked for: nothing came back."""
    if marks.types.isdisjoint(STATUS_TYPES):
        return ""
    actions = actions_of(marks.files)
    if actions and actions <= {"delivered", "relayed", "expanded"}:
        return f"Action: {', '.join(sorted(actions))}"
    return ""


def delivery_report(marks: Marks) -> str:
    """A report on a delivery, or a part of one."""
    if reason := reported(marks, "delivery-status") or reported(marks, ""):
        return reason
    return next((reason for one in STATUS_TYPES if (reason := has_part(marks, one))), "")


def mailer_daemon(marks: Marks) -> str:
    """The sender is a program that delivers mail."""
    if marks.local_part in MACHINES or marks.header.value("from").lower() in MACHINES:
        return f"From: {marks.header.value('from')}"
    return ""


def failed_recipients(marks: Marks) -> str:
    """The field in which Exim and Gmail name the addresses that a bounce is about."""
    value = marks.header.value("x-failed-recipients")
    return f"X-Failed-Recipients: {value}" if value else ""


def rejected(marks: Marks) -> str:
    """A receipt that says that the mail was thrown away: Sieve's "reject" (RFC 5429, 2.1.1)."""
    for file in marks.files:
        if file.content_type == "message/disposition-notification":
            found = REFUSING.search(file.source.first(NOTICE_MAX).decode("ascii", "replace"))
            if found and FAILURE.search(f"{marks.subject}\n{marks.text[:NOTICE_MAX]}"):
                return found.group()
    return ""


def speaks_as_bounce(marks: Marks) -> str:
    """Its subject, its sender and its text speak of a mail that did not arrive.

    People write so too, about parcels for example: without a mail system as the sender, the text
    must be a notice in a known format.
    """
    subject = SUBJECT.search(marks.subject)
    system = marks.returns_to_nobody or mail_system(marks)
    if subject and system:
        return f"Subject: {marks.subject} ({system})"
    if not (subject or system):
        return ""
    said = FAILURE.search(marks.notice) or DELAY.search(marks.notice)
    if not said or (subject and not _in_known_format(marks)) or (system and absent(marks)):
        return ""
    return f"{system or 'Subject: ' + marks.subject} (the text says: {said})"


def _in_known_format(marks: Marks) -> bool:
    # A bounce names whom it is about.
    if "@" not in marks.notice or marks.header.all("in-reply-to"):
        return False
    prose = read_prose(marks.notice, set())
    coded = prose.coded and bool(prose.addresses)
    return coded or any(known_recipients(marks.data, marks.header, marks.sender))
