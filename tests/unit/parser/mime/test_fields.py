"""Single fields and charsets: what mailers write, and what is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postrail.records import Address
from services.parser.content.attachment_names import attachment_name
from services.parser.mime.addresses import read_date
from services.parser.mime.headers import decode_value
from services.parser.mime.parameters import read_structured_value
from services.parser.parse import parse
from services.parser.text.decode import cut, decode, storable
from services.parser.text.markup import clean_html, html_to_text


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("plain", "plain"),
        ("folded\r\n  over lines", "folded over lines"),
        ("=?utf-8?q?a_b=3F?=", "a b?"),
        ("=?UTF-8*en?B?w6Q=?=", "ä"),
        # RFC 2047, 6.2: the space between two encoded words is not shown, others are.
        ("=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        # A character split between two words, which RFC 2047 forbids and mailers do.
        ("=?utf-8?q?=C3?=\r\n =?utf-8?q?=A4?=", "ä"),
        ("=?utf-8?b?w6Q?=", "ä"),  # Padding left out.
        ("=?no-such?q?=E4?=", "ä"),
        ("=?utf-8?q?unclosed", "=?utf-8?q?unclosed"),
        ("=?utf-8?q?what? yes?=", "what? yes"),
        ("=?utf-8?q?line=0D=0ABcc: x?=", "line Bcc: x"),  # No line end gets through.
        ("\udcc3\udca4", "ä"),  # UTF-8 as it is (RFC 6532).
        ("\udce4", "ä"),
        ("a\x00b", "a b"),
    ],
)
def test_values(raw: str, value: str) -> None:
    assert decode_value(raw) == value


def test_a_value_of_openings_only_takes_no_time() -> None:
    assert decode_value("=?a?q?" * 20_000).startswith("=?a?q?")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"ann@customer.example", [("", "ann@customer.example")]),
        (b"Ann <ann@customer.example>", [("Ann", "ann@customer.example")]),
        (b'"Doe, Ann" <ann@customer.example>', [("Doe, Ann", "ann@customer.example")]),
        (b"'Ann' <ann@customer.example>", [("Ann", "ann@customer.example")]),
        (b"ann@customer.example (Ann)", [("Ann", "ann@customer.example")]),
        # A decoded comma parts nothing.
        (b"=?utf-8?q?Doe=2C_Ann?= <ann@customer.example>", [("Doe, Ann", "ann@customer.example")]),
        (b'"=?utf-8?q?=C3=84nn?=" <ann@customer.example>', [("Änn", "ann@customer.example")]),
        # The fuzzer's: PostgreSQL holds no NUL, also where an encoded word stays as it is.
        (
            b"S <=?utf8?q?help=40a.exam\x00\x01ple?=@evil.example>",
            [("S", "=?utf8?q?help=40a.example?=@evil.example")],
        ),
        # All of it in an encoded word, which RFC 2047 forbids.
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
    ("header", "sender"),
    [
        (b"From: a@b.example, c@d.example", "a@b.example"),
        (b"From: junk\nSender: s@b.example", "s@b.example"),
        (b"Return-Path: <r@b.example>", "r@b.example"),
        (b"Reply-To: x@b.example", None),  # It says where to write to, not who wrote.
    ],
)
def test_the_sender(header: bytes, sender: str | None) -> None:
    found = parse(header + b"\n\n").sender
    assert (found.address if found else None) == sender


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
    ("raw", "value", "parameters"),
    [
        ('Text/Plain; Charset="UTF-8"', "text/plain", {"charset": "UTF-8"}),
        ("text/plain charset=x", "text/plain", {}),
        ('a/b; name="x;y\\"z"', "a/b", {"name": 'x;y"z'}),
        ("a/b; name*=utf-8'en'%C3%A4", "a/b", {"name": "ä"}),
        ("a/b; name*1*=%A4; name*0*=utf-8''%C3", "a/b", {"name": "ä"}),
        ("a/b; name*0=x; name*1=y; name=z", "a/b", {"name": "xy"}),
        ("a/b; name*=no-such''%E4", "a/b", {"name": "ä"}),
        ("a/b; name*=%zz", "a/b", {"name": "%zz"}),
        (";;;=", "", {}),
        ("", "", {}),
    ],
)
def test_parameters(raw: str, value: str, parameters: dict[str, str]) -> None:
    found = read_structured_value(raw)
    assert (found.value, found.parameters) == (value, parameters)


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        (b"\xc3\xa4", "utf-8", "ä"),
        (b"\xe4", "utf-8", "ä"),
        (b"\xe4", None, "ä"),
        (b"\x93x\x94", "iso-8859-1", "“x”"),
        (b"\xc3\xa4", "us-ascii", "ä"),
        (b"x", "unicode_escape", "x"),
        (b"x", "hex", "x"),
        (b"x", "\x00", "x"),
        (b"x", "no" * 1000, "x"),
        # A long text with one broken character is still what it says.
        ("ä".encode() * 50 + b"\xff", "utf-8", "ä" * 50 + "\ufffd"),
    ],
)
def test_charsets(data: bytes, charset: str | None, text: str) -> None:
    assert decode(data, charset) == text


def test_text_is_storable_and_cut_between_characters() -> None:
    assert storable("a\x00\ud800b\ud83d\ude00") == "a\ufffdb😀"
    assert cut("ääää", 5) == "ää"


@pytest.mark.parametrize(
    ("given", "content_type", "name"),
    [
        ("plan.pdf", "application/pdf", "plan.pdf"),
        ("../../etc/passwd", "text/plain", "passwd"),
        ("C:\\temp\\plan.pdf", "application/pdf", "plan.pdf"),
        ("fdp.\u202eexe", "x/y", "fdp._exe"),  # It would be shown as "fdp.exe" turned round.
        ("..", "x/y", "attachment-2.bin"),
        ("", "message/rfc822", "attachment-2.eml"),
        ("ä" * 300 + ".pdf", "application/pdf", "ä" * 89 + ".pdf"),
    ],
)
def test_attachment_names(given: str, content_type: str, name: str) -> None:
    assert attachment_name(given, content_type, 2) == name


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>a</p><p>b &amp; c</p>", "a\n\nb & c"),
        ("<?xml version='1.0' encoding='utf-8'?><p>a</p>", "a"),
        ("<style>p {}</style><script>x()</script>a", "a"),
        ("", ""),
        ("<", "<"),
    ],
)
def test_html_as_text(source: str, text: str) -> None:
    assert html_to_text(source).strip() == text


def test_html_that_nests_deep_or_is_long_keeps_its_text() -> None:
    deep = "<div>" * 50_000 + "inmost" + "</div>" * 50_000
    assert "inmost" in html_to_text(deep)
    assert "inmost" in clean_html(deep)
    assert "inmost" in html_to_text("<div>" * 500 + "inmost")
    assert html_to_text("<p>word</p>" * 30_000).count("word") == 30_000


def test_cleaned_html_does_nothing() -> None:
    cleaned = clean_html(
        '<a href="javascript:x()" onclick="x()">a</a><iframe src="https://x.example"></iframe>'
        "<form action=https://x.example><input></form><img src=x onerror=x()>"
    )
    for word in ("javascript", "onclick", "iframe", "form", "onerror"):
        assert word not in cleaned
