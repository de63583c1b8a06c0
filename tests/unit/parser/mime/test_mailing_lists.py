"""The List fields of mailing lists and newsletters."""

from __future__ import annotations

import pytest

from services.parser.mime.mailing_lists import URI_MAX_BYTES, URIS_MAX
from services.parser.parse import parse


@pytest.mark.parametrize(
    ("raw", "list_id", "name"),
    [
        (b"<a.b.example>", "a.b.example", ""),
        (b'"The list" <A.B.Example>', "a.b.example", "The list"),
        (b"=?utf-8?q?F=C3=BCr_alle?= <a.b.example>", "a.b.example", "Für alle"),
        (b"a.b.example", "a.b.example", ""),
        (b"<a.b.example", "a.b.example", ""),
        (b"<a.\r\n b.example>", "a.b.example", ""),
        (b"Only a name", "", "Only a name"),
        (b"x" * 9000, "x" * 255, ""),
    ],
)
def test_ids(raw: bytes, list_id: str, name: str) -> None:
    found = parse(b"List-Id: " + raw + b"\n\n").mailing_list
    assert found is not None
    assert (found.list_id, found.name) == (list_id, name)


@pytest.mark.parametrize(
    ("raw", "uris"),
    [
        (b"<mailto:a@b.example>", ["mailto:a@b.example"]),
        (b"<https://b.example/a,b>, <mailto:a@b.example>",
         ["https://b.example/a,b", "mailto:a@b.example"]),
        # Folding puts spaces into a URI.
        (b"<https://b.example/\r\n\ta>", ["https://b.example/a"]),
        (b"https://b.example/a, mailto:a@b.example",
         ["https://b.example/a", "mailto:a@b.example"]),
        (b"<https://b.example/a, <mailto:a@b.example", ["https://b.example/a",
                                                        "mailto:a@b.example"]),
        (b"=?utf-8?q?=3Chttps=3A//b.example/a=3E?=", ["https://b.example/a"]),
        (b"<HTTPS://b.example/a> <HTTPS://b.example/a>", ["HTTPS://b.example/a"]),
        # Unsafe schemes are dropped, and so are long URIs, which truncated would be other ones.
        (b"<javascript:alert(1)>, <data:text/html,x>, <b.example>", []),
        (b"<https://b.example/" + b"a" * URI_MAX_BYTES + b">", []),
        (b"<https://b.example/%d>" * 9 % tuple(range(9)),
         [f"https://b.example/{number}" for number in range(URIS_MAX)]),
    ],
)  # fmt: skip
def test_uris(raw: bytes, uris: list[str]) -> None:
    found = parse(b"List-Id: <a.b.example>\nList-Unsubscribe: " + raw + b"\n\n").mailing_list
    assert found is not None
    assert found.unsubscribe == uris


@pytest.mark.parametrize(
    ("post", "unsubscribe", "one_click"),
    [
        (b"List-Unsubscribe=One-Click", b"<https://b.example/a>", True),
        (b"list-unsubscribe = one-click", b"<mailto:a@b.example>, <https://b.example/a>", True),
        # RFC 8058, section 3.1: with an https URI only.
        (b"List-Unsubscribe=One-Click", b"<http://b.example/a>", False),
        (b"List-Unsubscribe=One-Click", b"<mailto:a@b.example>", False),
        (b"yes", b"<https://b.example/a>", False),
    ],
)
def test_one_click(post: bytes, unsubscribe: bytes, one_click: bool) -> None:
    raw = b"List-Unsubscribe: " + unsubscribe + b"\nList-Unsubscribe-Post: " + post + b"\n\n"
    found = parse(raw).mailing_list
    assert found is not None
    assert found.one_click is one_click


@pytest.mark.parametrize(
    ("raw", "closed"), [(b"NO", True), (b"no (news)", True), (b"<mailto:no@b.example>", False)]
)
def test_lists_that_are_closed_for_posting(raw: bytes, closed: bool) -> None:
    found = parse(b"List-Post: " + raw + b"\n\n").mailing_list
    assert found is not None
    assert found.posting_closed is closed


def test_a_mail_without_a_list() -> None:
    assert parse(b"Subject: x\nList-Unsubscribe: <>\n\n").mailing_list is None
