"""Addresses, Message-IDs and dates, also broken ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postrail.message_parts import Address
from services.parser.mime.addresses import read_date, read_received_at
from services.parser.parse import parse


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"ann@customer.example", [("", "ann@customer.example")]),
        (b"Ann <ann@customer.example>", [("Ann", "ann@customer.example")]),
        (b'"Doe, Ann" <ann@customer.example>', [("Doe, Ann", "ann@customer.example")]),
        (b"'Ann' <ann@customer.example>", [("Ann", "ann@customer.example")]),
        (b"ann@customer.example (Ann)", [("Ann", "ann@customer.example")]),
        # A decoded comma does not separate addresses.
        (b"=?utf-8?q?Doe=2C_Ann?= <ann@customer.example>", [("Doe, Ann", "ann@customer.example")]),
        (b'"=?utf-8?q?=C3=84nn?=" <ann@customer.example>', [("Änn", "ann@customer.example")]),
        # Found by the fuzzer: PostgreSQL cannot store the NUL in an undecoded encoded word.
        (
            b"S <=?utf8?q?help=40a.exam\x00\x01ple?=@evil.example>",
            [("S", "=?utf8?q?help=40a.example?=@evil.example")],
        ),
        # The whole address in an encoded word, which RFC 2047 forbids.
        (b"=?utf-8?q?Ann_=3Cann=40customer.example=3E?=", [("", "ann@customer.example")]),
        (b"a@b.example, Bob <b@b.example>", [("", "a@b.example"), ("Bob", "b@b.example")]),
        (b"Group: a@b.example, b@b.example;", [("", "a@b.example"), ("", "b@b.example")]),
        (b"undisclosed-recipients:;", []),
        (b"nobody", []),
        (b"<>", []),
        (b"(" * 5000 + b" a@b.example", [("", "a@b.example")]),
    ],
)
def test_addresses(raw: bytes, expected: list[tuple[str, str]]) -> None:
    found = parse(b"To: " + raw + b"\n\n").to
    assert found == [Address(name=name, address=address) for name, address in expected]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # An unquoted comma, as Outlook writes "Last, First".
        (b"Doe, Ann <a@b.example>, c@b.example",
         [("Doe, Ann", "a@b.example"), ("", "c@b.example")]),
        (b"a@b.example; Bob <c@b.example>", [("", "a@b.example"), ("Bob", "c@b.example")]),
        (b"Ann <a@b.example> Bob <c@b.example>", [("Ann", "a@b.example"), ("Bob", "c@b.example")]),
        (b"a@b.example,, ,c@b.example,", [("", "a@b.example"), ("", "c@b.example")]),
        # An address in the name is neither a second recipient nor the sender.
        (b"boss@b.example <a@c.example>", [("boss@b.example", "a@c.example")]),
        (b"Ann@Home <a@b.example>, Bob@Home <c@b.example>",
         [("Ann@Home", "a@b.example"), ("Bob@Home", "c@b.example")]),
        (b"'a@b.example' <a@b.example>", [("a@b.example", "a@b.example")]),
        (b"Ann <'a@b.example'>", [("Ann", "a@b.example")]),
        # Missing brackets and quotes.
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
def test_hostile_lists_are_parsed_in_time(raw: bytes) -> None:
    parse(b"To: " + raw + b"\n\n")


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        (b"From: a@b.example, c@d.example", "a@b.example"),
        (b"From: junk\nSender: s@b.example", "s@b.example"),
        (b"Return-Path: <r@b.example>", "r@b.example"),
        (b"Reply-To: x@b.example", None),  # The address for answers, not the author.
    ],
)
def test_the_sender(header: bytes, sender: str | None) -> None:
    found = parse(header + b"\n\n").sender
    assert (found.address if found else None) == sender


def test_recipients_noted_by_mail_servers() -> None:
    raw = (
        b"Delivered-To: alias@b.example\nReceived: by b for <alias@b.example>; x\n"
        b"Received: from c by d (Postfix) for support@b.example; x\nReceived: for nobody\n\n"
    )
    assert parse(raw).delivered_to == ["alias@b.example", "support@b.example"]


@pytest.mark.parametrize(
    ("header", "message_id"),
    [
        (b"Message-ID: <a@b>", "<a@b>"),
        (b"Message-Id:\n <a@b>\n", "<a@b>"),
        (b"Message-ID: <a\n @b>", "<a@b>"),
        (b"Message-ID: a@b", "<a@b>"),
        (b"Message-ID: <no-at-sign>", "<no-at-sign>"),
        (b"Message-ID: bare", "<bare>"),
        (b"Message-ID: <>", None),
        (b"Message-ID:", None),
    ],
)
def test_message_ids(header: bytes, message_id: str | None) -> None:
    assert parse(header + b"\n\n").message_id == message_id


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        (b"<a@b> <c@d>", ["<a@b>", "<c@d>"]),
        (b"<a@b>,<c@d>", ["<a@b>", "<c@d>"]),  # Exchange and the iOS app.
        (b"<a@b><c@d><a@b>", ["<a@b>", "<c@d>"]),
        (b'Your mail of "Monday" <a@b>', ["<a@b>"]),
        (b"a@b c@d", ["<a@b>", "<c@d>"]),
        (b"junk", []),
    ],
)
def test_references(raw: bytes, ids: list[str]) -> None:
    assert parse(b"References: " + raw + b"\n\n").references == ids


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Fri, 20 Nov 2026 10:12:40 +0100", datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)),
        # Zones as some programs write them, a comment, and ISO 8601.
        ("Fri, 20 Nov 2026 10:12:40 +01:00", datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)),
        ("Fri, 20 Nov 2026 10:12:40 GMT+0100", datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)),
        ("Friday, 20-Nov-26 10:12:40 EST (x)", datetime(2026, 11, 20, 15, 12, 40, tzinfo=UTC)),
        ("2026-11-20T10:12:40+01:00", datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)),
        ("20-Nov-2026", None),
        ("20 Nov 2026 10:12", datetime(2026, 11, 20, 10, 12, tzinfo=UTC)),
        ("Fri, 20 Nov 2026 10:12:40 -0000", datetime(2026, 11, 20, 10, 12, 40, tzinfo=UTC)),
        ("Fri, 99 Nov 2026 10:12:40 +0100", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Mon, 1 Jan 0100 00:00:00 +1400", datetime(99, 12, 31, 10, 0, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(value: str, date: datetime | None) -> None:
    assert read_date(value) == date


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
