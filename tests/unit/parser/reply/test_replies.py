"""The replies in tests/mails/replies: each has its expected parts in a JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from services.parser.reply import split_reply
from services.parser.text.markup import html_to_text

REPLIES = Path(__file__).parents[3] / "mails" / "replies"
CASES = sorted(REPLIES.glob("*.json"))


def text_and_html(case: Path) -> tuple[str, str]:
    """Returns the text and the HTML of a case; a missing text is made from the HTML."""
    text, html = case.with_suffix(".txt"), case.with_suffix(".html")
    source = html.read_text(encoding="utf-8") if html.exists() else ""
    if text.exists():
        return text.read_text(encoding="utf-8"), source
    return html_to_text(source), source


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_reply_is_split_into_the_expected_parts(case: Path) -> None:
    expected: dict[str, Any] = json.loads(case.read_text(encoding="utf-8"))
    text, html = text_and_html(case)
    reply = asdict(split_reply(text, html, expected.pop("subject", "")))
    for name, part in reply.items():
        for words in expected.pop(f"{name}_has", []):
            assert words in part
        for words in expected.pop(f"{name}_lacks", []):
            assert words not in part
    assert {name: reply[name] for name in expected} == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_line_is_in_some_part(case: Path) -> None:
    text, html = text_and_html(case)
    reply = split_reply(text, html)
    parts = "\n".join((reply.new_text, reply.quoted_text, reply.signature)).split("\n")
    assert {line.strip() for line in text.split("\n")} <= {line.strip() for line in parts} | {""}
    assert reply.new_text.strip()


LANGUAGES = (
    "english", "german", "french", "spanish", "portuguese", "italian", "dutch", "polish", "russian",
    "finnish", "swedish", "norwegian", "danish", "czech", "hungarian", "turkish", "japanese",
    "chinese", "korean",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_two_forms_or_more_for_each_language(language: str) -> None:
    """Requires a header block and an attribution, also wrapped, and answers between quotations."""
    assert len(list(REPLIES.glob(f"{language}-*.txt"))) >= 2
    assert list(REPLIES.glob(f"{language}-*wrapped.txt"))
    assert (REPLIES / f"{language}-inline.txt").exists()
