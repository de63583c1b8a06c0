"""Fields that a program indented by mistake: which are fields of their own, and which are text."""

from __future__ import annotations

import pytest

from services.parser.parse import parse


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        # Under each kind of field, by spaces or by a tab, one or several.
        ("Date: Thu, 1 Aug 2024 10:55:28 +0300\n    Precedence: bulk", "bulk"),
        ("Date: Thu, 1 Aug 2024 10:55:28 +0300\n\tAuto-Submitted: auto-replied", "auto_reply"),
        ("Message-ID: <1@b.example>\n X-Autoreply: yes", "auto_reply"),
        ("Subject: Received\n  X-Mailer: Robot\n  Precedence: junk", "bulk"),
        ("X-Mailer: Robot\r\n  List-Id: <l.b.example>\r\n  Precedence: list", "bulk"),
        ("To: a@b.example\n  auto-submitted : auto-generated", "auto_generated"),
        ("MIME-Version: 1.0\n    Return-Path: <>", "auto_generated"),
        # A value of two lines above the field.
        ("References: <1@b.example>\n <2@b.example>\n  Precedence: bulk", "bulk"),
        # A person's subject is folded at one of its own spaces.
        ("Subject: Why do your mails say\n Precedence: bulk", "human"),
        ("Subject: Received\n Precedence: bulk\n Auto-Submitted: auto-replied", "auto_reply"),
        # Lists of names, and reports of filters that quote the message.
        ("DKIM-Signature: v=1; h=From :\n  Auto-Submitted: Precedence: bulk", "human"),
        ("ARC-Seal: i=1;\n  Precedence: bulk", "human"),
        ("X-Spam-Report: * 0.0 quoted\n  Precedence: bulk", "human"),
        ("X-Original-Headers:\n  Return-Path: <>\n  Precedence: bulk", "human"),
        ("Return-Path: <a@b.example>\nX-Note: by\n  Return-Path: <>", "human"),
        # Other words with a colon are text.
        ("X-Note: Please\n  answer: yes", "human"),
    ],
)
def test_the_kind_of_a_message_with_indented_lines_in_its_header(head: str, kind: str) -> None:
    ends = "\r\n" if "\r\n" in head else "\n"
    mail = parse(f"From: ann@b.example{ends}{head}{ends}{ends}text".encode())
    assert (mail.kind.name, mail.content.text) == (kind, "text")


def test_indented_fields_are_read_as_all_others_are() -> None:
    mail = parse(
        b"X-Mailer: Robot\n  From: Robot <robot@b.example>\n  Subject: Received\n"
        b"  Date: Thu, 1 Aug 2024 10:55:28 +0300\n  MIME-Version: 1.0\n"
        b"  Content-Type: text/html; charset=utf-8\n\n<p>text</p>"
    )
    assert (mail.subject, mail.content.text) == ("Received", "text")
    assert mail.sender is not None
    assert mail.date is not None
    names = "From, Subject, Date, MIME-Version, Content-Type"
    assert mail.defects == [f"indented fields in the header: {names}"]


def test_a_field_that_the_header_has_already_is_not_taken_from_another() -> None:
    mail = parse(b"Subject: Mine\nX-Forwarded:\n  Subject: Theirs\nFrom: a@b.example\n\ntext")
    assert mail.subject == "Mine"
    assert [field.name for field in mail.header.fields] == ["Subject", "X-Forwarded", "From"]


def test_the_date_is_without_the_lines_that_it_swallowed() -> None:
    mail = parse(
        b"From: a@b.example\nDate: Thu, 1 Aug 2024 10:55:28 +0300\n  Precedence: bulk\n\nt"
    )
    assert mail.header.value("date") == "Thu, 1 Aug 2024 10:55:28 +0300"
    assert [field.value for field in mail.header.all("precedence")] == ["bulk"]


@pytest.mark.parametrize("fold", [" ", "\t", "\t\t", "    ", "        "])
@pytest.mark.parametrize(
    "line", ["Cc: who else gets a copy of it", "From: Bo until Monday", "Date: not known, to: me"]
)
def test_a_subject_folded_before_a_word_with_a_colon_keeps_it(line: str, fold: str) -> None:
    mail = parse(f"From: ann@b.example\nSubject: The wrong address,\n{fold}{line}\n\nt".encode())
    assert mail.subject == f"The wrong address, {line}"
    assert not any("indented" in defect for defect in mail.defects)
