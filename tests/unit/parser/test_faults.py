"""Messages on which the parser once failed, if they are in a folder next to the project.

Each has its right values in a JSON file of the same name. Our own messages of the same kinds are in
tests/mails.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.parser.report import report_of_file

FAULTS = Path(__file__).parents[4] / "shared" / "faults" / "parser"
CASES = sorted(FAULTS.glob("*.json"))
Read = Callable[[dict[str, Any]], Any]

# What the names of `expect` mean in a report.
BOUNCE: dict[str, Read] = {
    "bounce_recipients": lambda found: sorted(found["bounce"]["recipients"]),
    "bounce_status": lambda found: sorted(found["bounce"]["statuses"]),
    "bounce_count": lambda found: len(found["bounce"]["recipients"]),
    "bounce_class": lambda found: "".join(
        sorted({one["status_class"] for one in found["bounce"]["details"]})
    ),
}
PLAIN = ("subject", "reply_text", "error", "is_bounce", "kind", "date", "attachments")
# Cases whose expectation is a sentence: what must be in the text, and what must not.
IN_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "r16-text-html-with-boundary": (
        ("Room 4 is booked for Friday", "Bring your badge"),
        ("NEXT_BM", "=3E", "<"),
    ),
    "r59-base64-body-in-two-pieces": (("Report of this night:", "The disk is full."), ("\ufffd",)),
    "r62-stand-in-of-exchange": (("hasn't been deleted",), ()),
    "r66-html-nested-3000-deep": (("Sale ends today", "Unsubscribe here"), ()),
}
# And what `should` says about the kind.
KINDS = {"r02-date-swallows-header-lines": "auto_reply", "r62-stand-in-of-exchange": "stand_in"}


@pytest.mark.skipif(not CASES, reason="the messages are not next to the project")
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_message_that_was_misread_is_read_right(case: Path) -> None:
    expected = json.loads(case.read_text())["expect"]
    found = report_of_file(case.with_suffix(".eml"))
    for name in PLAIN:
        if name in expected:
            assert found[name] == expected[name], name
    for name, read in BOUNCE.items():
        if name in expected:
            wanted = expected[name]
            assert read(found) == (sorted(wanted) if isinstance(wanted, list) else wanted), name
    _check_text(case.stem, str(found["text"]), expected)
    if case.stem in KINDS:
        assert found["kind"] == KINDS[case.stem]
    assert "from" not in expected or found["from"] is None


def _check_text(name: str, text: str, expected: dict[str, Any]) -> None:
    if name in IN_WORDS:
        has, lacks = IN_WORDS[name]
        assert all(one in text for one in has)
        assert not any(one in text for one in lacks)
    elif "text" in expected:
        assert expected["text"] in text
    assert expected.get("text_contains", "") in text
    if expected.get("text_no_trailing_spaces"):
        assert all(line == line.rstrip() for line in text.split("\n"))
