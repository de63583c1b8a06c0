"""The messages in tests/mails/texts: charsets, encodings, HTML, calendars, odd header fields.

They were written before the rules that they hold, to measure them. Each kind has a folder, and a
JSON file with the values of its messages (see `mail_values`).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from postrail.incoming.calendar_text import calendar_text
from tests.makers.parsing import made
from tests.unit.parser.mail_values import different
from tests.unit.parser.test_mails import plain

TEXTS = Path(__file__).parents[2] / "mails" / "texts"
VALUES: dict[str, dict[str, Any]] = {
    f"{path.stem}/{name}": values
    for path in sorted(TEXTS.glob("*.json"))
    for name, values in json.loads(path.read_text()).items()
}
# Messages that the parser gets wrong, and why.
KNOWN_WRONG = {
    "short-chance/danish-island": "two letters in capitals are valid UTF-8 of a likely letter",
}
SHARE_KNOWN_WRONG = 0.05


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(reason=KNOWN_WRONG[name], strict=True))
        if name in KNOWN_WRONG
        else name
        for name in VALUES
    ],
)
def test_a_message_has_its_values(name: str) -> None:
    parsed = made((TEXTS / f"{name}.eml").read_bytes()).record
    record = plain(dataclasses.asdict(parsed)) | {"calendar_text": calendar_text(parsed)}

    assert record["error"] is None
    assert different(record, VALUES[name]) == []


def test_each_message_has_values() -> None:
    messages = {path.relative_to(TEXTS).with_suffix("").as_posix() for path in TEXTS.rglob("*.eml")}

    assert messages == VALUES.keys()


def test_few_messages_are_known_to_be_wrong() -> None:
    assert KNOWN_WRONG.keys() <= VALUES.keys()
    assert len(KNOWN_WRONG) <= SHARE_KNOWN_WRONG * len(VALUES)
