"""Splits HTML: a source in, its tags and texts out, without parts that are never shown.

Linear in the source. Where a browser would swallow the rest of a broken document (an element or a
comment without its end, a quote without its pair), the rest is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

NAME = r"[a-zA-Z][a-zA-Z0-9:]{0,30}"
# What is behind the "<" of an address or a URL that a program did not escape.
ADDRESS = (
    r"(?:(?i:(?:https?|ftp|mailto|tel|sip|file):|www\.)[^\s<>]++>"
    r"""|[^\s<>"'@/!?][^\s<>"'@]*+@[^\s<>"'@]++>)"""
)
# A quoted value may contain ">". One that contains "<" is more often a quote without its pair.
TAG = (
    rf"<(?!{ADDRESS})(?P<slash>/?)(?P<name>{NAME})"
    r"""(?:(?:[^<>=]|=[\t\n\f\r ]*+(?:"[^"<]*+"|'[^'<]*+')?+)*+>|[^>]*+>)"""
)
# As in browsers, "<!-->" is a whole comment.
COMMENT = r"<!(?=--)(?s:.*?)-->"
OTHER = r"(?P<text>[^<]++)|<[!?/][^>]*+>|(?P<stray><)"
WITH_COMMENTS = re.compile(rf"{TAG}|{COMMENT}|{OTHER}")
WITHOUT_COMMENTS = re.compile(rf"{TAG}|<!--|{OTHER}")
CDATA = "<![CDATA["
SKIPPED = frozenset({"script", "style", "title", "xml"})
# What Office writes in "xml" begins with an element with a prefix; other programs write content.
SETTINGS = re.compile(r"\s*+<[a-zA-Z]{1,9}:")
ENDS = re.compile(r"</(script|style|title|xml)[^<>]{0,20}>", re.IGNORECASE)


@dataclass(slots=True)
class Token:
    """A tag or a piece of text, unchanged from the HTML. `name` is "" for text.

    A text with `closes` ends a line of preformatted text.
    """

    raw: str
    name: str = ""
    closes: bool = False


def read_tokens(source: str) -> Iterator[Token]:
    """Yields the texts and the tags, without comments and elements that are never shown."""
    source = _without_cdata(source)
    # Searched once, so that what has no end does not cost a search to the end each time.
    last_ends = {found[1].lower(): found.start() for found in ENDS.finditer(source)}
    comments_end = source.rfind("-->") + 3 if "-->" in source else 0
    tags_end = source.rfind(">") + 1
    at, preformatted = 0, False
    while at < tags_end:
        pattern = WITH_COMMENTS if at < comments_end else WITHOUT_COMMENTS
        stop = comments_end if at < comments_end else tags_end
        for found in pattern.finditer(source, at, stop):
            at = found.end()
            kind = found.lastgroup
            if kind == "text":
                yield from _lines(found[0]) if preformatted else (Token(found[0]),)
            elif kind == "name":
                name, closes = found["name"].lower(), bool(found["slash"])
                if name == "pre":
                    preformatted = not closes
                if name not in SKIPPED:
                    yield Token(found[0], name, closes)
                elif not closes and last_ends.get(name, -1) >= at and _is_hidden(source, name, at):
                    at = _past(source, name, at)
                    break
            elif kind == "stray":
                yield Token("&lt;")
    if tags_end < len(source):
        rest = source[tags_end:].replace("<", "&lt;")
        yield from _lines(rest) if preformatted else (Token(rest),)


def _without_cdata(source: str) -> str:
    """Removes what encloses the texts of XML, which HTML would hide."""
    return source.replace(CDATA, "").replace("]]>", "") if CDATA in source else source


def _lines(text: str) -> Iterator[Token]:
    """Yields each line of a preformatted text."""
    for line in text.splitlines(keepends=True):
        yield Token(line, "", line.endswith("\n"))


def _is_hidden(source: str, name: str, at: int) -> bool:
    """Tells whether the content of the element, which begins at `at`, is never shown."""
    return name != "xml" or SETTINGS.match(source, at) is not None


def _past(source: str, name: str, at: int) -> int:
    """Returns the end of an element that has one, and whose content is not shown."""
    return next(end.end() for end in ENDS.finditer(source, at) if end[1].lower() == name)
