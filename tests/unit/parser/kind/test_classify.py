"""Classification: one row for each signal, and their precedence."""

from __future__ import annotations

import pytest

from postrail.conditions.tree import KINDS as CONDITION_KINDS
from services.parser.kind.classify import RULES
from services.parser.parse import parse

REPORT = b"Content-Type: multipart/report; boundary=b; report-type="


@pytest.mark.parametrize(
    ("header", "kind", "reason"),
    [
        (b"From: ann@customer.example", "human", ""),
        # RFC 3834, section 5: "no" is allowed in a person's message.
        (b"Auto-Submitted: no", "human", ""),
        (b"Auto-Submitted: auto-replied", "auto_reply", "Auto-Submitted: auto-replied"),
        (b"Auto-Submitted: vacation", "auto_reply", "Auto-Submitted: vacation"),
        (
            b"Auto-Submitted: Auto-Generated (cron)",
            "auto_generated",
            "Auto-Submitted: auto-generated",
        ),
        (b"Auto-Submitted: auto-notified; x=y", "auto_generated", "Auto-Submitted: auto-notified"),
        # It only asks for no automatic replies (MS-OXCMAIL 2.1.3.2.20).
        (b"X-Auto-Response-Suppress: All", "human", ""),
        (
            b"X-Auto-Response-Suppress: All\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example",
            "auto_reply",
            "X-MS-Exchange-Inbox-Rules-Loop with X-Auto-Response-Suppress",
        ),
        (b"X-Autoreply: yes", "auto_reply", "X-Autoreply: yes"),
        (b"X-Autoreply: no", "human", ""),
        (b"X-Autorespond: vacation", "auto_reply", "X-Autorespond: vacation"),
        (b"Precedence: auto_reply", "auto_reply", "Precedence: auto_reply"),
        (b"X-Precedence: auto-reply", "auto_reply", "X-Precedence: auto-reply"),
        (b"Delivered-To: Autoresponder", "auto_reply", "Delivered-To: Autoresponder"),
        (b"X-FC-MachineGenerated: true", "auto_reply", "X-FC-MachineGenerated: true"),
        (b"X-Loop: yes", "auto_generated", "X-Loop: yes"),
        (
            b"From: postmaster@customer.example",
            "auto_generated",
            "From: postmaster@customer.example",
        ),
        (b"Precedence: Bulk", "bulk", "Precedence: bulk"),
        (b"Precedence: list", "bulk", "Precedence: list"),
        (b"Precedence: first-class", "human", ""),
        (b"List-Post: <mailto:a@b.example>", "bulk", "List-Post: <mailto:a@b.example>"),
        (b"Return-Path: <>", "auto_generated", "Return-Path: <>"),
        (b"Return-Path: <ann@customer.example>", "human", ""),
        (b"From: Mailer-Daemon@mx.example", "bounce", "From: Mailer-Daemon@mx.example"),
        (b"From: MAILER-DAEMON", "bounce", "From: MAILER-DAEMON"),
        (b"X-Failed-Recipients: a@b.example", "bounce", "X-Failed-Recipients: a@b.example"),
        (
            REPORT + b"delivery-status",
            "bounce",
            "Content-Type: multipart/report; report-type=delivery-status",
        ),
        # RFC 8098: our message was opened.
        (
            REPORT + b"disposition-notification",
            "receipt",
            "Content-Type: multipart/report; report-type=disposition-notification",
        ),
        (
            REPORT + b"feedback-report",
            "feedback",
            "Content-Type: multipart/report; report-type=feedback-report",
        ),
        # A vacation reply also has a null Return-Path (RFC 3834, section 3.3).
        (
            b"Return-Path: <>\nAuto-Submitted: auto-replied",
            "auto_reply",
            "Auto-Submitted: auto-replied",
        ),
        # Postfix marks its bounces as auto-replied.
        (
            b"Auto-Submitted: auto-replied\n" + REPORT + b"delivery-status",
            "bounce",
            "Content-Type: multipart/report; report-type=delivery-status",
        ),
        # A reply through a list is a reply.
        (
            b"List-Id: <x>\nAuto-Submitted: auto-replied",
            "auto_reply",
            "Auto-Submitted: auto-replied",
        ),
    ],
)
def test_the_deciding_signal_is_the_reason(header: bytes, kind: str, reason: str) -> None:
    found = parse(header + b"\n\ntext").kind
    assert (found.name, found.reason) == (kind, reason)


@pytest.mark.parametrize(
    "subject",
    [
        # Followed by the subject of the answered message.
        "Out of Office AutoReply: Quote",
        "Automatic reply: Quote",
        "Out of office Re: Quote",
        "Réponse automatique d'absence du bureau : Devis",
        "Otomatik yanıt: Teklif",
        "Samodejni odgovor: Ponudba",
        "Automaatvastus: Pakkumine",
        "Automatski odgovor: Ponuda",
        "Automatinis atsakymas: Pasiūlymas",
        "Resposta automàtica: Pressupost",
        "Sjálfvirkt svar: Tilboð",
        "ตอบกลับอัตโนมัติ: ใบเสนอราคา",
        "Trả lời tự động: Báo giá",
        "Balasan otomatis: Penawaran",
        "מענה אוטומטי: הצעה",
        "الرد التلقائي: عرض",
        "自动回复：报价",
        # Alone, or followed by a date or a name.
        "Abwesenheitsnotiz",
        "Out of the office until Monday",
        "Ikke til stede: Tilbud",
        "Automatic reply from Jo",
        "自动回复",
    ],
)
def test_a_subject_that_a_program_writes_is_enough(subject: str) -> None:
    assert kind_of_text(subject, "text") == "auto_reply"


@pytest.mark.parametrize(
    "subject",
    [
        # A person's sentence continues where a program's would end.
        "Out of office schedule for next week",
        "Automatic reply does not work",
        "Auto reply is broken",
        "Abwesenheitsnotiz einrichten",
        "Fraværsmelding i Outlook",
        "自动回复设置问题",
    ],
)
def test_people_write_about_automatic_replies(subject: str) -> None:
    assert kind_of_text(subject, "text") == "human"


def test_an_answer_to_an_automatic_reply_was_written_by_a_person() -> None:
    assert kind_of_text("Re: Out of office", "Thanks!", b"In-Reply-To: <a@b>\n") == "human"
    assert kind_of_text("Re: Out of office", "I am away.") == "auto_reply"


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        # Lotus Notes sets no header field.
        ("Jo Lind is out of the office.", "I will be out of the office until 9 May.", "auto_reply"),
        ("Jo Lind ist außer Haus.", "Ich werde ab 2.2. nicht im Büro sein.", "auto_reply"),
        ("Jo Lind est absent(e).", "Je serai absent du 2 au 9.", "auto_reply"),
        ("Jo Lind is out of the office.", "Who can take the calls?", "human"),
    ],
)
def test_a_name_and_an_absence(subject: str, text: str, kind: str) -> None:
    assert kind_of_text(subject, text) == kind


def kind_of_text(subject: str, text: str, head: bytes = b"") -> str:
    raw = f"From: Jo <jo@cust.example>\nSubject: {subject}\n".encode() + head
    return parse(raw + b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode()).kind.name


def test_conditions_know_every_kind() -> None:
    assert set(CONDITION_KINDS) == {"human", *(name for name, _ in RULES)}
