"""Replies as many mail programs write them, and messages that are similar to replies.

Most were written before the rules that divide them. They are in tests/mails/replies/messages, and
values.json has their right parts. White space and quotation marks are compared loosely.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.parser.reply import split_reply
from tests.makers.parsing import made

MESSAGES = Path(__file__).parents[2] / "mails" / "replies" / "messages"
VALUES: dict[str, dict[str, Any]] = json.loads((MESSAGES / "values.json").read_text("utf-8"))
KNOWN_WRONG_MAX = 0.02
# Each with the reason why it is wrong.
KNOWN_WRONG = {"negative-header-like-2": "a trip has the fields of a header block"}
INVISIBLE = re.compile("[\u200b\u2060\ufeff\xa0]")
MARKS = re.compile(r"[\s>|]+")


OWN_TEXTS = (
    "Yes.",
    "Danke, das passt so.\n\nGruß\nEva",
    "The values are:\n\n| a | 1 |\n| b | 2 |\n\nIs that right?",
    "1. yes\n2. no\n3. perhaps",
    "On Monday we called. On Tuesday Eva wrote: wait.\nWe wait.",
    "Log:\n\n18:40:12 start\n18:40:13 stop",
    "Please send it to Eva Novak <eva@dock.example>, thanks.",
    "Merci beaucoup ! Le 12/10 nous serons là :\n- Paul\n- Eva",
    "Bitte löschen:\n\n-- alt\n-- neu\n\nDanke",
    "The trip:\nFrom: Lyon\nTo: Nice\n\nOk?",
    "好的，谢谢。\n\n小林",
)


class Parts(NamedTuple):
    text: str
    html: str
    new: str
    quoted: str = ""
    signature: str = ""


@cache
def parts_of(name: str) -> Parts:
    record = made((MESSAGES / f"{name}.eml").read_bytes()).record
    if not (reply := record.reply):
        return Parts(record.text, record.html, record.text)
    return Parts(record.text, record.html, reply.new_text, reply.quoted_text, reply.signature)


def loose(text: str) -> str:
    return " ".join(INVISIBLE.sub(" ", text).split())


def unmarked(text: str) -> str:
    return MARKS.sub(" ", text).strip()


def misses(name: str) -> list[str]:
    """Returns what is wrong with the parts of a message."""
    value, parts = VALUES[name], parts_of(name)
    new, quoted, signature = loose(parts.new), unmarked(parts.quoted), unmarked(parts.signature)
    wrong = [f"new text has {it!r}" for it in value.get("new_text_lacks", ()) if loose(it) in new]
    if "new_text" in value and new != loose(value["new_text"]):
        wrong.append(f"new text: {new!r}")
    for part, has, form in (
        (new, "new_text_has", loose),
        (quoted, "quoted_text_has", unmarked),
        (signature, "signature_has", unmarked),
    ):
        wrong += [f"{has} {it!r}" for it in value.get(has, ()) if form(it) not in part]
    return wrong


def quotation_below_the_new_text(name: str) -> str:
    """Returns the quotation of a reply in plain text without a signature, or ""."""
    value, parts = VALUES[name], parts_of(name)
    if parts.html or parts.signature or not value.get("quoted_text_has"):
        return ""
    above, _, below = parts.text.partition(f"{value.get('new_text')}\n\n")
    return "" if above else below


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(reason=KNOWN_WRONG[name], strict=True))
        if name in KNOWN_WRONG
        else name
        for name in VALUES
    ],
)
def test_a_reply_has_the_expected_parts(name: str) -> None:
    assert not misses(name)


@pytest.mark.parametrize("name", VALUES)
def test_each_character_is_in_some_part(name: str) -> None:
    text, _, *parts = parts_of(name)
    assert not Counter(unmarked(text)) - Counter(unmarked("\n".join(parts)) + " " * len(text))


@pytest.mark.parametrize(
    "name",
    [name for name in sorted(set(VALUES) - set(KNOWN_WRONG)) if quotation_below_the_new_text(name)],
)
def test_the_same_quotation_is_recognized_below_other_texts(name: str) -> None:
    quotation = quotation_below_the_new_text(name)
    for own in OWN_TEXTS:
        reply = split_reply(f"{own}\n\n{quotation}", "")
        assert loose(reply.new_text) == loose(own)


def test_each_message_has_values() -> None:
    assert {path.stem for path in MESSAGES.glob("*.eml")} == set(VALUES)


def test_few_messages_are_known_as_wrong() -> None:
    assert len(KNOWN_WRONG) <= KNOWN_WRONG_MAX * len(VALUES)
