"""Authentication-Results, also forged ones."""

from __future__ import annotations

import time

import pytest

from services.parser.parse import parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # Comments, reasons and local parts are written by the sender, and are not results.
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
def test_forged_results_are_ignored(value: str, expected: list[tuple[str, str, list[str]]]) -> None:
    found = parse(f"Authentication-Results: {value}\n\n".encode()).authentication
    assert [(one.method, one.result, one.properties) for one in found] == expected


def test_a_field_of_microsoft_365_names_no_server() -> None:
    value = (
        "spf=pass (sender IP is 192.0.2.1)\n smtp.mailfrom=x.example; dkim=pass (signature was"
        " verified)\n header.d=x.example;dmarc=pass action=none\n header.from=x.example;"
        "compauth=pass reason=100"
    )
    found = parse(f"Authentication-Results: {value}\n\n".encode()).authentication
    assert [(one.server, one.method, one.result, one.properties) for one in found] == [
        ("", "spf", "pass", ["smtp.mailfrom=x.example"]),
        ("", "dkim", "pass", ["header.d=x.example"]),
        ("", "dmarc", "pass", ["header.from=x.example"]),
        ("", "compauth", "pass", []),
    ]


@pytest.mark.parametrize("piece", ["a", "a=", 'a="', 'a=\\"', "a b", '"'])
def test_long_fields_take_little_time(piece: str) -> None:
    """The text of a result is the sender's; in a square of its length this took 22 s."""
    value = f"mx; dkim=pass {piece * 8000}"
    began = time.process_time()
    parse((f"Authentication-Results: {value}\n" * 20).encode() + b"\n")
    assert time.process_time() - began < 3
