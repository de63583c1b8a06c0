"""Puts the texts for one recipient into a message that its recipients share. Pure.

A token stands between two characters that Unicode reserves for the inside of programs, and that
`without_marks` takes out of all that comes from elsewhere: nothing but a template can name one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

_START, _END = "\ufdd0", "\ufdd1"
# Also the beginning of one, where a text was cut: a mark is never shown to anybody.
_TOKEN = re.compile(f"{_START}([a-z_]*){_END}?|{_END}")
_MARKS = re.compile(f"[{_START}{_END}]")


def token(name: str) -> str:
    """Returns the place in a shared text that a recipient's own text of this name goes to."""
    return f"{_START}{name}{_END}"


def without_marks(value: str) -> str:
    """Returns the value without the characters that tokens stand between."""
    return _MARKS.sub("", value) if _has_marks(value) else value


def without_tokens(text: str) -> str:
    """Returns the text without its tokens, for a place where nothing fills them in."""
    return filled(text, {})


def filled(text: str, tokens: Mapping[str, str]) -> str:
    """Returns the plain text for the recipient with these texts; one that is missing is blank."""
    if not _has_marks(text):
        return text
    return _TOKEN.sub(lambda found: tokens.get(found[1], ""), text)


def filled_html(text: str, tokens: Mapping[str, str]) -> str:
    """Returns the HTML for the recipient with these texts, escaped."""
    if not _has_marks(text):
        return text
    return _TOKEN.sub(lambda found: html.escape(tokens.get(found[1], "")), text)


def _has_marks(text: str) -> bool:
    return _START in text or _END in text
