"""The signals that the rules of classification use: a parsed message in, reasons in words out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from postrail.message_parts import Address, CalendarEvent
from services.parser.content.attachments import AttachedFile
from services.parser.kind.bounce.personal import is_personal
from services.parser.kind.bounce.service_json import event_of, json_text
from services.parser.kind.bounce.words import FORWARDED_SUBJECT, MACHINES
from services.parser.kind.words import ABSENCE, ABSENCE_SUBJECT
from services.parser.mime.headers import Header
from services.parser.mime.parameters import StructuredValue
from services.parser.mime.raw_bytes import View
from services.parser.text.word_patterns import Words

# These senders send bounces, and other messages, too.
MAIL_SYSTEM = Words(
    r"(?:post[-_]?master\\?|mdaemon|e?500_smtp\S*|mailadm|mail\.delivery\.\S*)(?:@|$)"
    r"|mail delivery|mailer.?daemon"
    r"|courier mail server|delivery (?:sub)?system|system administrator"
    r"|mail (?:administrator|system)"
    r"|microsoft outlook"
)
# Programs write from these addresses; their messages are not all bounces.
ROBOT = re.compile(
    r"(?:post[-_]?master|(?:do[-_]?)?(?:no|not)[-_]?reply|mms|sms|e?mail[-_]?(?:gateway|system)"
    r"|gateway|system|mailer|notif|alert|bounce|webhook)[\w.+-]{0,60}\Z"
)
# The part of a text that says what a message is.
NOTICE_MAX = 4000
OPENING_MAX = 700


@dataclass(frozen=True)
class Signals:
    """The parts of a message that the rules use."""

    data: View
    header: Header
    content_type: StructuredValue
    sender: Address | None
    text: str
    files: list[AttachedFile]
    events: Sequence[CalendarEvent] = ()

    @cached_property
    def types(self) -> set[str]:
        """Returns the types of all attachments."""
        return {file.content_type for file in self.files}

    @cached_property
    def local_part(self) -> str:
        """Returns the local part of the sender's address, in lower case."""
        return self.sender.address.partition("@")[0].lower() if self.sender else ""

    @cached_property
    def subject(self) -> str:
        """Returns the beginning of the subject, which says what the message is."""
        return self.header.value("subject")[:300]

    @cached_property
    def notice(self) -> str:
        """Returns the beginning of the text, in which a bounce says what happened."""
        return self.text[:NOTICE_MAX]

    @cached_property
    def event(self) -> str:
        """Returns what a notice in JSON reports: "bounce", "feedback" or "receipt", or ""."""
        event, rest = event_of(json_text(self.text, self.files))
        if not event or ROBOT.match(self.local_part):
            return event
        # People send such notices on, perhaps with some words below.
        words = rest.strip() and not rest.lstrip().startswith("--")
        return "" if words or FORWARDED_SUBJECT.match(self.subject) else event

    @cached_property
    def listed(self) -> list[str]:
        """Returns the names of the mailing list fields (RFC 2369 and RFC 2919)."""
        return [name for name in self.header.names() if name.startswith("list-")]

    @cached_property
    def mail_system(self) -> str:
        """Returns the From field if a mail system is the sender, or ""."""
        value = self.header.value("from")
        return f"From: {value}" if MAIL_SYSTEM.search(value) else ""

    @cached_property
    def from_system(self) -> bool:
        """Tells whether a mail system is the sender, by its name or by its return path."""
        return bool(self.null_return_path or self.mail_system or self.local_part in MACHINES)

    @cached_property
    def null_return_path(self) -> str:
        """Returns the Return-Path of mail that must not be answered (RFC 3834, 3.3), or ""."""
        value = self.header.value("return-path").replace(" ", "")
        program = value.strip("<>").partition("@")[0].lower() in MACHINES
        # Some programs also forward people's mail so.
        null = value == "<>" or (program and not is_personal(self.notice))
        return f"Return-Path: {value}" if null else ""


def report_reason(signals: Signals, report_type: str) -> str:
    """Returns a reason if the message is a report of this type (RFC 6522), or ""."""
    if signals.content_type.value != "multipart/report":
        return ""
    if signals.content_type.parameters.get("report-type", "").lower() != report_type:
        return ""
    return f"Content-Type: multipart/report; report-type={report_type}"


def part_reason(signals: Signals, content_type: str) -> str:
    """Returns a reason if the message has a part of this type, or ""."""
    return f"a part is {content_type}" if content_type in signals.types else ""


def absence_reason(signals: Signals) -> str:
    """Returns the words that say that a person is absent, or ""."""
    if ABSENCE_SUBJECT.search(signals.subject):
        return f"Subject: {signals.subject}"
    found = ABSENCE.search(signals.text[:OPENING_MAX])
    return f"the text says: {found}" if found else ""
