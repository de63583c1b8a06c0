"""HTML cut into tags and texts, each as it stands there; what is never shown is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})[^>]*+>")
# Comments, declarations and rubbish; also a tag that never ends: then no later one does.
OTHER_MARKUP = re.compile(r"<(?:[!?/a-zA-Z]|\Z)")
SKIPPED = frozenset({"script", "style", "title", "head"})


@dataclass(slots=True)
class Token:
    """A tag or a piece of text, as it stands in the HTML. `name` is "" for text.

    A text that closes ends its line, as it does in preformatted text.
    """

    raw: str
    name: str = ""
    closes: bool = False


def read_tokens(source: str) -> list[Token]:
    """The texts and the tags, without comments and what is never shown."""
    tokens: list[Token] = []
    at, preformatted = 0, False
    # Looked for once, so that no beginning of a comment looks in vain.
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
    """A text as tokens: each of its lines as one where they are shown as lines."""
    lines = text.splitlines(keepends=True) if preformatted else [text]
    return [Token(line, "", preformatted and line.endswith("\n")) for line in lines]


def _end_of_other(source: str, start: int, last_comment: int) -> int:
    """Where a comment, a declaration or the like ends; -1 when it does not."""
    if start < last_comment and source.startswith("<!--", start):
        return source.find("-->", start) + 3
    return source.find(">", start) + 1 or -1


def _past(source: str, name: str, at: int) -> int:
    """Where an element ends whose content is not shown."""
    closing = re.compile(f"</{name}[^<>]{{0,20}}>", re.IGNORECASE).search(source, at)
    return closing.end() if closing else len(source)
