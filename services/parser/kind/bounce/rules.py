"""The rules that recognize bounces and delivery reports: signals in, a reason or "" out."""

from __future__ import annotations

import re

from services.parser.kind.bounce.known_formats import known_recipients
from services.parser.kind.bounce.prose import read_prose
from services.parser.kind.bounce.status import STATUS_TYPES, actions_of
from services.parser.kind.bounce.words import DELAY, FAILURE, SUBJECT
from services.parser.kind.signals import (
    MACHINES,
    NOTICE_MAX,
    Signals,
    absence_reason,
    mail_system_reason,
    part_reason,
    report_reason,
)

REJECTION = re.compile(r"Disposition:[^;\n]{0,100};\s*(?:deleted|denied|failed)", re.IGNORECASE)


def delivered(signals: Signals) -> str:
    """Matches a report of success, which the sender of the message asked for."""
    if signals.types.isdisjoint(STATUS_TYPES):
        return ""
    actions = actions_of(signals.files)
    if actions and actions <= {"delivered", "relayed", "expanded"}:
        return f"Action: {', '.join(sorted(actions))}"
    return ""


def delivery_report(signals: Signals) -> str:
    """Matches a delivery report, or a part of one."""
    if reason := report_reason(signals, "delivery-status") or report_reason(signals, ""):
        return reason
    return next((reason for one in STATUS_TYPES if (reason := part_reason(signals, one))), "")


def mailer_daemon(signals: Signals) -> str:
    """Matches a sender that is a mail delivery program."""
    if signals.local_part in MACHINES or signals.header.value("from").lower() in MACHINES:
        return f"From: {signals.header.value('from')}"
    return ""


def failed_recipients(signals: Signals) -> str:
    """Matches the field in which Exim and Gmail name the failed addresses."""
    value = signals.header.value("x-failed-recipients")
    return f"X-Failed-Recipients: {value}" if value else ""


def rejected(signals: Signals) -> str:
    """Matches a receipt of a rejected message, as Sieve's "reject" sends it (RFC 5429, 2.1.1)."""
    for file in signals.files:
        if file.content_type == "message/disposition-notification":
            found = REJECTION.search(file.source.first(NOTICE_MAX).decode("ascii", "replace"))
            if found and FAILURE.search(f"{signals.subject}\n{signals.text[:NOTICE_MAX]}"):
                return found.group()
    return ""


def worded_as_bounce(signals: Signals) -> str:
    """Matches a subject, a sender and a text about a message that was not delivered.

    People use such words, too, about parcels for example: unless a mail system is the sender, the
    text must be a notice in a known format.
    """
    subject = SUBJECT.search(signals.subject)
    system = signals.null_return_path or mail_system_reason(signals)
    if subject and system:
        return f"Subject: {signals.subject} ({system})"
    if not (subject or system):
        return ""
    said = FAILURE.search(signals.notice) or DELAY.search(signals.notice)
    if (
        not said
        or (subject and not _in_known_format(signals))
        or (system and absence_reason(signals))
    ):
        return ""
    return f"{system or 'Subject: ' + signals.subject} (the text says: {said})"


def _in_known_format(signals: Signals) -> bool:
    # A bounce names at least one address.
    if "@" not in signals.notice or signals.header.all("in-reply-to"):
        return False
    prose = read_prose(signals.notice, set())
    coded = prose.coded and bool(prose.addresses)
    return coded or any(known_recipients(signals.data, signals.header, signals.sender))
