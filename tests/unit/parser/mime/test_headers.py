"""Lists of addresses that are broken, tricks in headers, and results that somebody made up."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from postrail.records import Address
from services.parser.mime.addresses import read_received_at
from services.parser.parse import parse
from services.parser.record.make import Place, make_record
from services.parser.record.record_maker import parsed_or_not
from tests.makers.parsing import NOW, fetched


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # A comma that is not quoted, as Outlook writes "Last, First".
        (b"Doe, Ann <a@b.example>, c@b.example",
         [("Doe, Ann", "a@b.example"), ("", "c@b.example")]),
        (b"a@b.example; Bob <c@b.example>", [("", "a@b.example"), ("Bob", "c@b.example")]),
        (b"Ann <a@b.example> Bob <c@b.example>", [("Ann", "a@b.example"), ("Bob", "c@b.example")]),
        (b"a@b.example,, ,c@b.example,", [("", "a@b.example"), ("", "c@b.example")]),
        # An address as the name is no second recipient, and no sender.
        (b"boss@b.example <a@c.example>", [("boss@b.example", "a@c.example")]),
        (b"Ann@Home <a@b.example>, Bob@Home <c@b.example>",
         [("Ann@Home", "a@b.example"), ("Bob@Home", "c@b.example")]),
        (b"'a@b.example' <a@b.example>", [("a@b.example", "a@b.example")]),
        (b"Ann <'a@b.example'>", [("Ann", "a@b.example")]),
        # Brackets and quotes that are missing.
        (b"Ann <a@b.example", [("Ann", "a@b.example")]),
        (b"Ann a@b.example>", [("Ann", "a@b.example")]),
        (b'"Ann <a@b.example>', [("Ann", "a@b.example")]),
        (b"<<a@b.example>>", [("", "a@b.example")]),
        (b'"the desk"@b.example', [("", '"the desk"@b.example')]),
        (b"Team: Ann <a@b.example>, c@b.example;, d@b.example",
         [("Ann", "a@b.example"), ("", "c@b.example"), ("", "d@b.example")]),
    ],
)  # fmt: skip
def test_broken_lists_of_addresses(raw: bytes, expected: list[tuple[str, str]]) -> None:
    found = parse(b"Cc: " + raw + b"\n\n").cc
    assert found == [Address(name=name, address=address) for name, address in expected]


@pytest.mark.parametrize("raw", [b"@" * 60_000, b"a@b <" * 12_000, b"a@," * 20_000, b"x " * 30_000])
def test_a_list_that_is_made_to_take_long_does_not(raw: bytes) -> None:
    parse(b"To: " + raw + b"\n\n")


@pytest.mark.parametrize(
    ("header", "defect"),
    [
        (b"From: a@b.example\nFrom: c@d.example", "2 From fields"),
        (b"From: a@b.example, c@d.example", "2 addresses in From"),
        (b"From: a@b.example\nReferences: <a@b>\nReferences: <c@d>", "2 References fields"),
        (b"From: a@b.example\nSubject: a\x00b", "control characters in Subject"),
        # Some programs begin a new field there.
        (b"From: a@b.example\nSubject: a\rBcc: c@d.example\n", "control characters in Subject"),
        (b"From: a@b.example\nSubject: =?utf-8?q?a=0D=0ABcc:_c?=",
         "encoded control characters in Subject"),
        (b"From: a@b.example\nSubject: =?utf-8?b?YQBi?=", "encoded control characters in Subject"),
        ("From: Ann \u202emoc.live <a@b.example>".encode(),
         "characters in From that turn the reading direction"),
        (b"From: boss@b.example <a@c.example>", "another address in the name of From"),
        (b"From: <=?utf-8?q?boss=40b.example?=@c.example>",
         "an encoded word in the address of From"),
    ],
)  # fmt: skip
def test_tricks_in_headers(header: bytes, defect: str) -> None:
    assert defect in parse(header + b"\nDate: Fri, 20 Nov 2026 10:12:40 +0100\n\n").defects


def test_a_plain_header_has_no_defect() -> None:
    header = (
        b"From: =?utf-8?q?=C3=84nn?= <a@b.example>\r\n"
        b"Subject: folded\r\n\tand =?utf-8?q?=C3=A4?=\r\n"
        b"Date: Fri, 20 Nov 2026 10:12:40 +0100\r\n\r\n"
    )
    assert parse(header).defects == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # The sender writes comments, reasons and local parts: none of them is a result.
        ("mx; spf=fail (a (b); dkim=pass header.d=x)", [("spf", "fail", [])]),
        ("mx; spf=fail smtp.mailfrom=\"a; dkim=pass\"@x.example; dmarc=fail",
         [("spf", "fail", ['smtp.mailfrom="a; dkim=pass"@x.example']), ("dmarc", "fail", [])]),
        ('mx; dkim=fail reason="header.d=bank.example" header.d=x.example',
         [("dkim", "fail", ["header.d=x.example"])]),
        ("mx; none", []),
        ("mx", []),
        ("", []),
        ("(((" * 1000, []),
        ('mx; dkim="' * 500, []),
    ],
)  # fmt: skip
def test_results_that_somebody_made_up(
    value: str, expected: list[tuple[str, str, list[str]]]
) -> None:
    found = parse(f"Authentication-Results: {value}\n\n".encode()).authentication
    assert [(one.method, one.result, one.properties) for one in found] == expected


@pytest.mark.parametrize(
    ("value", "received_at"),
    [
        ("from a by b; Fri, 20 Nov 2026 10:12:40 +0100",
         datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)),
        ("by b (x; y) with SMTP; 20 Nov 2026 10:12:40 GMT (UTC)",
         datetime(2026, 11, 20, 10, 12, 40, tzinfo=UTC)),
        ("from a by b", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_time_of_receipt(value: str, received_at: datetime | None) -> None:
    assert read_received_at(value) == received_at


@pytest.mark.parametrize(
    ("year", "expected"), [(2026, datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)), (2126, None)]
)
def test_a_mailbox_without_times_leaves_it_to_the_mail(
    year: int, expected: datetime | None
) -> None:
    raw = f"Received: by b; 20 Nov {year} 10:12:40 +0100\nReceived: by a; x\n\n".encode()
    mail = dataclasses.replace(fetched(raw), received_at=None)
    made = make_record(
        mail, Place(0, 0), raw, parsed_or_not(raw), parsed_at=NOW, inline_max_bytes=1024
    )
    assert made.record.received_at == expected


def test_whom_servers_took_the_mail_in_for() -> None:
    raw = (
        b"Delivered-To: alias@b.example\nReceived: by b for <alias@b.example>; x\n"
        b"Received: from c by d (Postfix) for support@b.example; x\nReceived: for nobody\n\n"
    )
    assert parse(raw).delivered_to == ["alias@b.example", "support@b.example"]
