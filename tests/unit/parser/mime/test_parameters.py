"""Parameters of Content-Type and Content-Disposition."""

from __future__ import annotations

import pytest

from services.parser.mime.parameters import read_structured_value


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
