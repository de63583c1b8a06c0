"""Splits HTML: a source in, its tags and texts out, without parts that are never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})[^>]*+>")
# Comments, declarations and garbage; also a tag without an end, which later tags lack, too.
OTHER_MARKUP = re.compile(r"<(?:[!?/a-zA-Z]|\Z)")
SKIPPED = frozenset({"script", "style", "title", "head"})


@dataclass(slots=True)
class Token:
    """A tag or a piece of text, unchanged from the HTML. `name` is "" for text.

    A text with `closes` ends a line of preformatted text.
    """

    raw: str
    name: str = ""
    closes: bool = False


def read_tokens(source: str) -> list[Token]:
    """Returns the texts and the tags, without comments and elements that are never shown."""
    tokens: list[Token] = []
    at, preformatted = 0, False
    # Searched once, so that an unclosed comment does not cost a search to the end each time.
    last_comment = source.rfind("-->")
    while (start := source.find("<", at)) >= 0:
        if start > at:
            tokens += _text(source[at:start], preformatted)
        if found := TAG.match(source, start):
            raw, slash, name = found.group(0, 1, 2)
            at, name, closes = found.end(), name.lower(), slash == "/"
            if name == "pre":
                preformatted = not closes
            if name in SKIPPED and not closes:
                at = _past(source, name, at)
            else:
                tokens.append(Token(raw, name, closes))
        elif OTHER_MARKUP.match(source, start):
            at = _end_of_other(source, start, last_comment)
            if at < 0:
                return tokens
        else:
            tokens.append(Token("&lt;"))
            at = start + 1
    if at < len(source):
        tokens += _text(source[at:], preformatted)
    return tokens


def _text(text: str, preformatted: bool) -> list[Token]:
    """Returns a text as one token, or each line of preformatted text as one."""
    lines = text.splitlines(keepends=True) if preformatted else [text]
    return [Token(line, "", preformatted and line.endswith("\n")) for line in lines]


def _end_of_other(source: str, start: int, last_comment: int) -> int:
    """Returns the end of a comment, a declaration or the like, or -1 without one."""
    if start < last_comment and source.startswith("<!--", start):
        return source.find("-->", start) + 3
    return source.find(">", start) + 1 or -1


def _past(source: str, name: str, at: int) -> int:
    """Returns the end of an element whose content is not shown."""
    closing = re.compile(f"</{name}[^<>]{{0,20}}>", re.IGNORECASE).search(source, at)
    return closing.end() if closing else len(source)
