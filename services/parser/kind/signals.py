"""What the rules look at that say of what kind a mail is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from postrail.records import Address, CalendarEvent
from services.parser.content.parts import AttachedFile
from services.parser.kind.words import ABSENCE, ABSENCE_SUBJECT
from services.parser.mime.headers import Header
from services.parser.mime.parameters import Valued
from services.parser.mime.raw_bytes import View
from services.parser.text.word_patterns import Words

MACHINES = ("mailer-daemon", "mailerdaemon", "mailer_daemon", "mail-daemon")
# They send bounces, and other mail too.
MAIL_SYSTEM = Words(
    r"(?:postmaster\\?|mdaemon|e?500_smtp\S*|mailadm|mail\.delivery\.\S*)(?:@|$)"
    r"|mail delivery|mailer.?daemon"
    r"|courier mail server|delivery (?:sub)?system|system administrator"
    r"|mail (?:administrator|system)"
    r"|microsoft outlook"
)
# How far into a text a mail says what it is.
NOTICE_MAX = 4000
OPENING_MAX = 700


@dataclass(frozen=True)
class Marks:
    """What the rules look at."""

    data: View
    header: Header
    content_type: Valued
    sender: Address | None
    text: str
    files: list[AttachedFile]
    events: Sequence[CalendarEvent] = ()

    @cached_property
    def types(self) -> set[str]:
        """The types of all attachments."""
        return {file.content_type for file in self.files}

    @cached_property
    def local_part(self) -> str:
        """Of the sender, in lower case."""
        return self.sender.address.partition("@")[0].lower() if self.sender else ""

    @cached_property
    def subject(self) -> str:
        """As far as it says what the mail is."""
        return self.header.value("subject")[:300]

    @cached_property
    def notice(self) -> str:
        """As far as a bounce says what happened."""
        return self.text[:NOTICE_MAX]

    @cached_property
    def returns_to_nobody(self) -> str:
        """The Return-Path of mail that must not be answered (RFC 3834, section 3.3), or ""."""
        value = self.header.value("return-path").replace(" ", "")
        null = value == "<>" or value.strip("<>").partition("@")[0].lower() in MACHINES
        return f"Return-Path: {value}" if null else ""


def reported(marks: Marks, report_type: str) -> str:
    """Whether the mail is a report of this type (RFC 6522), in words, or ""."""
    if marks.content_type.value != "multipart/report":
        return ""
    if marks.content_type.parameters.get("report-type", "").lower() != report_type:
        return ""
    return f"Content-Type: multipart/report; report-type={report_type}"


def has_part(marks: Marks, content_type: str) -> str:
    """Whether it has a part of this type, in words, or ""."""
    return f"a part is {content_type}" if content_type in marks.types else ""


def mail_system(marks: Marks) -> str:
    """Whether a mail system is the sender, in words, or ""."""
    value = marks.header.value("from")
    return f"From: {value}" if MAIL_SYSTEM.search(value) else ""


def absent(marks: Marks) -> str:
    """Where it says that somebody is away, in words, or ""."""
    if ABSENCE_SUBJECT.search(marks.subject):
        return f"Subject: {marks.subject}"
    found = ABSENCE.search(marks.text[:OPENING_MAX])
    return f"the text says: {found}" if found else ""
