"""The replies in tests/mails/replies: what each must be split into stands beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.parser.reply import Reply, split_reply

REPLIES = Path(__file__).parents[3] / "mails" / "replies"
TEXTS = sorted(REPLIES.glob("*.txt"))


def split(path: Path) -> tuple[Reply, dict[str, object]]:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    html = path.with_suffix(".html")
    source = html.read_text(encoding="utf-8") if html.exists() else ""
    text = path.read_text(encoding="utf-8")
    return split_reply(text, source, expected.pop("subject", "")), expected


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_reply_is_split_into_what_stands_beside_it(path: Path) -> None:
    reply, expected = split(path)
    for name in ("new_html", "quoted_html"):
        for words in expected.pop(f"{name}_has", []):  # type: ignore[attr-defined]
            assert words in getattr(reply, name)
    assert {name: getattr(reply, name) for name in expected} == expected


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_line_is_in_some_part(path: Path) -> None:
    reply, _ = split(path)
    parts = "\n".join((reply.new_text, reply.quoted_text, reply.signature)).split("\n")
    kept = {line.strip() for line in parts}
    assert {line.strip() for line in path.read_text(encoding="utf-8").split("\n")} <= kept | {""}


def test_there_are_two_forms_or_more_for_each_language() -> None:
    languages = (
        "english german french spanish portuguese italian dutch polish russian finnish swedish"
        " norwegian danish czech hungarian turkish japanese chinese korean"
    )
    for language in languages.split():
        assert len(list(REPLIES.glob(f"{language}-*.txt"))) >= 2, language
