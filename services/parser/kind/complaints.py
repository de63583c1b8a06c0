"""The rule that recognizes complaints about messages of ours: signals in, a reason or "" out."""

from __future__ import annotations

import re

from services.parser.kind.bounce.notice import read_notice
from services.parser.kind.bounce.personal import asks
from services.parser.kind.bounce.words import FORWARDED_SUBJECT
from services.parser.kind.signals import OPENING_MAX, ROBOT, Signals, part_reason, report_reason
from services.parser.text.decode import decode

RETURNED = "message/rfc822"
HEADER_MAX = 16 * 1024
MESSAGES_MAX = 5
# The addresses from which providers pass complaints on; the same words from others are a person's.
PROVIDER = re.compile(
    r"(?:^|[._+@-])(?:abuse|arf|cfl|complaints?|fbl|feedback|jmrp|junk|reports?|scomp|spam(?:cop)?"
    r"|staff|tos|uce)(?:[\d._+@-]|$)",
    re.IGNORECASE,
)
# Providers that attach the message without a report (RFC 5965); each names an IP address, or writes
# a subject that no person does.
SUBJECT = re.compile(
    r"complaint about (?:a )?(?:message|e-?mail) from \[?[\d.:a-f]{7,45}"
    r"|client tos notification|e-?mail feedback report for"
    r"|\[spamcop \(|(?:abuse|spam|feedback)[ -](?:report|complaint|notification)\b.{0,60}"
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b|feedback loop (?:report|complaint|notification)"
    r"|fbl (?:report|complaint)",
    re.IGNORECASE,
)
# Hotmail writes these fields into the returned message.
REPORTED = re.compile(r"^(?:X-HmXmrOriginalRecipient|X-Reporter-IP)[ \t]?:", re.I | re.M)
# The first sentence of such a report; also used alone.
OPENING = re.compile(
    r"\s{0,20}(?:(?:hello|hi|dear|to whom)[^\n]{0,60}\s{1,9})?"
    r"[^\n:.?]{0,60}\b(?:abuse|spam|fraud|feedback|complaint)[ -]reports?\b"
    # The period of an address does not end the sentence.
    r"(?:[^.?]|\.(?=\S)){0,200}"
    r"\breceived from (?:the )?IP(?:[ -]address)?:?\s{1,3}\[?[\da-f]{1,4}[.:]",
    re.IGNORECASE,
)
# The fields of a report (RFC 5965), in the text.
FEEDBACK_TYPE = re.compile(
    r"^Feedback-Type:[ \t]{0,9}"
    r"(?:abuse|fraud|virus|opt-?out\S{0,9}|auth-failure|not-spam|other)[ \t]*$",
    re.I | re.M,
)
USER_AGENT = re.compile(r"^User-Agent:[ \t]{0,9}\S", re.I | re.M)


def complained(signals: Signals) -> str:
    """Matches a report that a recipient of our message complained (RFC 5965), or a notice of it."""
    if found := report_reason(signals, "feedback-report") or part_reason(
        signals, "message/feedback-report"
    ):
        return found
    if signals.event == "feedback":
        return "the text is a notice of a complaint in JSON"
    return (_without_report(signals) or _in_text(signals)) if _by_provider(signals) else ""


def _by_provider(signals: Signals) -> bool:
    """Tells whether a provider's program may have written the message, and not a person."""
    address = signals.sender.address if signals.sender else ""
    if not (PROVIDER.search(address) or ROBOT.match(signals.local_part) or signals.mail_system):
        return False
    notice = "\n".join(read_notice(signals.notice).lines)
    return not FORWARDED_SUBJECT.match(signals.subject) and not asks(notice[:OPENING_MAX])


def _without_report(signals: Signals) -> str:
    attached = [file for file in signals.files if file.content_type == RETURNED]
    if found := SUBJECT.match(signals.subject):
        # SpamCop only sends a link and the text.
        alone = found.group().lower().startswith("[spamcop")
        if alone or attached or read_notice(signals.text).returned.fields:
            return f"Subject: {signals.subject}"
    for file in attached[:MESSAGES_MAX]:
        head, _, _ = decode(file.source.first(HEADER_MAX), None).partition("\n\n")
        if found := REPORTED.search(head):
            return f"{found.group()} in the attached message"
    return ""


def _in_text(signals: Signals) -> str:
    # Most messages are sorted out by a word that each of these has.
    if "report" in signals.notice[:OPENING_MAX].lower() and (
        found := OPENING.match(signals.notice)
    ):
        return f"the text says: {found.group()}"
    if "eedback-" not in signals.notice:
        return ""
    found = FEEDBACK_TYPE.search(signals.notice)
    return found.group().strip() if found and USER_AGENT.search(signals.notice) else ""
