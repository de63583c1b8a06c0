"""Whether a person or a machine wrote a mail, by the marks of RFC 3834 and those in common use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postrail.records import Address
from services.parser.headers import Header
from services.parser.parameters import Valued
from services.parser.text import cut

REASON_MAX_BYTES = 200
NOT_SET = {"", "no", "false", "none"}
AUTO_REPLY_PRECEDENCES = {"auto_reply", "auto-reply"}
BULK_PRECEDENCES = {"bulk", "junk", "list"}
MACHINES = ("mailer-daemon", "mailerdaemon")


@dataclass(frozen=True, slots=True)
class Kind:
    """human, auto_reply, auto_generated, bulk or bounce; and the header field that decided."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What the rules look at."""

    header: Header
    content_type: Valued
    sender: Address | None


Rule = Callable[[Marks], str]


def kind_of(header: Header, content_type: Valued, sender: Address | None) -> Kind:
    """The first rule that finds its mark decides; a mail without any mark is a person's."""
    marks = Marks(header, content_type, sender)
    for name, rule in RULES:
        if reason := rule(marks):
            return Kind(name, cut(reason, REASON_MAX_BYTES))
    return Kind("human", "")


def _receipt(marks: Marks) -> str:
    # RFC 8098: tells that a mail of ours was opened; nobody wrote it.
    return _report(marks, {"disposition-notification"})


def _feedback(marks: Marks) -> str:
    # RFC 5965: a provider forwards a complaint.
    return _report(marks, {"feedback-report"})


def _delivery_report(marks: Marks) -> str:
    return _report(marks, None)


def _report(marks: Marks, report_types: set[str] | None) -> str:
    report_type = marks.content_type.parameters.get("report-type", "").lower()
    if marks.content_type.value != "multipart/report":
        return ""
    if report_types is not None and report_type not in report_types:
        return ""
    return f"Content-Type: multipart/report; report-type={report_type}"


def _mailer_daemon(marks: Marks) -> str:
    local_part = marks.sender.address.partition("@")[0].lower() if marks.sender else ""
    if local_part in MACHINES or marks.header.value("from").lower() in MACHINES:
        return f"From: {marks.header.value('from')}"
    return ""


def _failed_recipients(marks: Marks) -> str:
    # Exim and Gmail name here the addresses that a bounce is about.
    value = marks.header.value("x-failed-recipients")
    return f"X-Failed-Recipients: {value}" if value else ""


def _auto_replied(marks: Marks) -> str:
    value = _auto_submitted(marks)
    # Zimbra writes "vacation".
    return f"Auto-Submitted: {value}" if value in ("auto-replied", "vacation") else ""


def _auto_submitted(marks: Marks) -> str:
    """The first token in lower case: parameters and comments may follow (RFC 3834, section 5)."""
    value = marks.header.value("auto-submitted").lower()
    words = value.replace(";", " ").replace("(", " ").split()
    return words[0] if words else ""


def _auto_reply_mark(marks: Marks) -> str:
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply"):
        value = marks.header.value(name.lower())
        if value.lower() not in NOT_SET:
            return f"{name}: {value}"
    if "autoresponder" in marks.header.value("delivered-to").lower():
        return f"Delivered-To: {marks.header.value('delivered-to')}"
    return _precedence(marks, AUTO_REPLY_PRECEDENCES)


def _exchange_out_of_office(marks: Marks) -> str:
    # X-Auto-Response-Suppress alone asks not to be answered and marks nothing (MS-OXCMAIL).
    names = ("x-auto-response-suppress", "x-ms-exchange-inbox-rules-loop")
    if all(marks.header.all(name) for name in names):
        return "X-MS-Exchange-Inbox-Rules-Loop with X-Auto-Response-Suppress"
    return ""


def _generated(marks: Marks) -> str:
    token = _auto_submitted(marks)
    if token not in ("", "no"):
        return f"Auto-Submitted: {token}"
    for name in ("X-FC-MachineGenerated", "X-Loop"):
        value = marks.header.value(name.lower())
        if value.lower() in ("true", "yes"):
            return f"{name}: {value}"
    return ""


def _null_return_path(marks: Marks) -> str:
    fields = marks.header.all("return-path")
    return "Return-Path: <>" if fields and fields[0].value.replace(" ", "") == "<>" else ""


def _postmaster(marks: Marks) -> str:
    local_part = marks.sender.address.partition("@")[0].lower() if marks.sender else ""
    return f"From: {marks.header.value('from')}" if local_part == "postmaster" else ""


def _bulk(marks: Marks) -> str:
    if reason := _precedence(marks, BULK_PRECEDENCES):
        return reason
    # RFC 2369 and RFC 2919.
    listed = [name for name in marks.header.names() if name.startswith("list-")]
    return (
        f"{marks.header.all(listed[0])[0].name}: {marks.header.value(listed[0])}" if listed else ""
    )


def _precedence(marks: Marks, values: set[str]) -> str:
    for name in ("Precedence", "X-Precedence"):
        value = marks.header.value(name.lower()).lower()
        if value in values:
            return f"{name}: {value}"
    return ""


# Order matters: a vacation answer may have a null Return-Path (RFC 3834, section 3), and many
# bounces call themselves auto-replied.
RULES: tuple[tuple[str, Rule], ...] = (
    ("auto_reply", _receipt),
    ("auto_generated", _feedback),
    ("bounce", _delivery_report),
    ("bounce", _mailer_daemon),
    ("bounce", _failed_recipients),
    ("auto_reply", _auto_replied),
    ("auto_reply", _auto_reply_mark),
    ("auto_reply", _exchange_out_of_office),
    ("auto_generated", _generated),
    ("bounce", _null_return_path),
    ("auto_generated", _postmaster),
    ("bulk", _bulk),
)
