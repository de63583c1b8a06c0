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


@pytest.mark.parametrize("piece", ["a", "a=", 'a="', 'a=\\"', "a b", '"'])
def test_long_fields_take_little_time(piece: str) -> None:
    """The text of a result is the sender's; in a square of its length this took 22 s."""
    value = f"mx; dkim=pass {piece * 8000}"
    began = time.process_time()
    parse((f"Authentication-Results: {value}\n" * 20).encode() + b"\n")
    assert time.process_time() - began < 3
