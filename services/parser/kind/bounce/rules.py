"""The rules that recognize bounces and delivery reports: signals in, a reason or "" out."""

from __future__ import annotations

import re
from functools import partial

from services.parser.kind.bounce.notice import read_notice
from services.parser.kind.bounce.personal import is_personal
from services.parser.kind.bounce.prose import Findings, read_prose
from services.parser.kind.bounce.status import (
    STATUS_TYPES,
    actions_of,
    groups_in_text,
    groups_of,
)
from services.parser.kind.bounce.words import (
    DELAY,
    DELIVERED,
    FAILURE,
    FORWARDED_SUBJECT,
    MACHINES,
    NOT_DELIVERED,
    SUBJECT,
)
from services.parser.kind.receipt_words import MESSAGE
from services.parser.kind.signals import (
    NOTICE_MAX,
    ROBOT,
    Signals,
    absence_reason,
    part_reason,
    report_reason,
)

REJECTION = re.compile(r"Disposition:[^;\n]{0,100};\s*(?:deleted|denied|failed)", re.IGNORECASE)
# In these actions a report says that a message arrived, or what would become of one.
ARRIVED = {"delivered", "relayed", "expanded"}
PROBED = {"deliverable", "undeliverable"}
PROBE_SUBJECT = "Mail Delivery Status Report"
# A carrier's gateway answers with the envelope of the message that it refused, and with the reply:
# "550 5.1.1 …" or "550 No such user", at the beginning of a line or behind a sign like "(".
SMTP_REPLY = re.compile(
    r"(?:^|[:：>\"'(])[ \t]{0,9}"
    r"(?:421|45[0-5]|50[0-4]|521|53[0-5]|541|55[0-7]|571)[ -]{1,3}"
    r"(?:[45]\.\d|[^\n]{0,60}\b(?:no|not|unknown|invalid|rejected|denied|refused|unavailable"
    r"|disabled|full|error|blocked|failed|user|mailbox|recipient|address)\b)[^\n]{0,100}",
    re.IGNORECASE | re.MULTILINE,
)
ANSWER_SUBJECT = re.compile(r"(?:re|aw|sv|antw) ?[:：]", re.IGNORECASE)
ENVELOPE_SENDER = re.compile(r"^[ \t>]{0,9}MAIL FROM ?:[ \t]{0,9}\S", re.IGNORECASE | re.MULTILINE)
ENVELOPE_RECIPIENT = re.compile(
    r"^[ \t>]{0,9}RCPT TO ?:[ \t]{0,9}<?[^\s<>@]{1,100}@", re.IGNORECASE | re.MULTILINE
)
# A line of a log or a quoted one, which people and monitors send around.
QUOTED_LINE = re.compile(
    r"\bpostfix/|\bto=<|status=(?:bounced|deferred)|\]: [0-9A-Za-z]{6,}: "
    r"|^[ \t]{0,9}(?:```|>(?!>>))"
    # The head of a bounce that a person sends on.
    r"|^[ \t*]{0,9}(?:From|Von|De|Da|Van|Från|Fra|Od|От|Від|Kimden|Lähettäjä|Feladó|发件人|寄件者"
    r"|差出人|보낸 사람)[ \t*]{0,9}[:：][^\n]{0,200}(?:mailer[-_ ]?daemon|postmaster|mail delivery"
    r"|microsoft outlook)",
    re.IGNORECASE | re.MULTILINE,
)


def delivered(signals: Signals) -> str:
    """Matches a report of success, which the sender of the message asked for."""
    if reason := _reported(signals, ARRIVED):
        return reason
    if signals.event == "receipt":
        return "the text is a notice of a delivery in JSON"
    if not signals.from_system:
        return ""
    text = f"{signals.subject}\n{signals.notice}"
    said = DELIVERED.search(text)
    return f"the text says: {said}" if said and not NOT_DELIVERED.search(text) else ""


def probed(signals: Signals) -> str:
    """Matches a report on an address that was only checked: nothing was sent."""
    reason = _reported(signals, PROBED)
    # Other servers than Postfix may call a failed delivery "undeliverable".
    sure = " deliverable" in reason or PROBE_SUBJECT in signals.subject
    return reason if sure else ""


def _reported(signals: Signals, actions: set[str]) -> str:
    """Returns a reason if the report gives no other actions than these."""
    found = set()
    if not signals.types.isdisjoint(STATUS_TYPES):
        found = actions_of(groups_of(signals.files))
    elif signals.from_system:
        found = actions_of(groups_in_text(signals.notice))
    return f"Action: {', '.join(sorted(found))}" if found and found <= actions else ""


def delivery_report(signals: Signals) -> str:
    """Matches a delivery report, or a part of one."""
    if reason := report_reason(signals, "delivery-status") or report_reason(signals, ""):
        return reason
    if signals.header.all("x-ms-exchange-message-is-ndr"):
        return "X-MS-Exchange-Message-Is-Ndr"
    reason = next((one for one in map(partial(part_reason, signals), STATUS_TYPES) if one), "")
    # People forward bounces with all their parts.
    forwarded = reason and FORWARDED_SUBJECT.match(signals.subject) and not signals.from_system
    return "" if forwarded else reason


def service_notice(signals: Signals) -> str:
    """Matches a notice of a sending service in JSON, without words of a person."""
    return "the text is a notice of a bounce in JSON" if signals.event == "bounce" else ""


def refused_by_carrier(signals: Signals) -> str:
    """Matches an answer of a carrier's gateway: a server's reply and the refused envelope."""
    if not ROBOT.match(signals.local_part) or signals.listed:
        return ""
    notice = signals.notice
    reply = SMTP_REPLY.search(notice)
    envelope = ENVELOPE_SENDER.search(notice) and ENVELOPE_RECIPIENT.search(notice)
    if reply is None or not (envelope or _answers(signals)):
        return ""
    return f"From: {signals.header.value('from')} (the text says: {reply.group().strip()})"


def _answers(signals: Signals) -> bool:
    """Tells whether a notice on a refused address answers the message to it."""
    if not (signals.header.all("in-reply-to") or ANSWER_SUBJECT.match(signals.subject)):
        return False
    prose = _impersonal(signals)
    return prose is not None and (prose.listed or bool(FAILURE.search(signals.notice)))


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
    system = signals.null_return_path or signals.mail_system
    if subject and system:
        return f"Subject: {signals.subject} ({system})"
    if not (subject or system):
        return ""
    said = FAILURE.search(signals.notice) or DELAY.search(signals.notice)
    if not said or (subject and not _is_notice(signals)) or (system and absence_reason(signals)):
        return ""
    return f"{system or 'Subject: ' + signals.subject} (the text says: {said})"


def _is_notice(signals: Signals) -> bool:
    """Tells whether a text of an unknown sender is a notice, and not about one."""
    if signals.header.all("in-reply-to"):
        return False
    prose = _impersonal(signals)
    if prose is None or not prose.opens:
        return False
    return prose.about_message or (prose.coded and bool(MESSAGE.search(prose.text)))


def _impersonal(signals: Signals) -> Findings | None:
    """Reads a notice that names an address, unless a person wrote or quotes it."""
    notice = read_notice(signals.notice)
    text = "\n".join(notice.lines)
    if "@" not in text or FORWARDED_SUBJECT.match(signals.subject):
        return None
    if QUOTED_LINE.search(signals.notice) or is_personal(text):
        return None
    prose = read_prose(notice, signals.subject, set())
    return prose if prose.addresses else None
