"""Patterns that operators write: RE2 in, searches in linear time out (google/re2, syntax wiki).

RE2 refuses what may take exponential time, so a stranger's message cannot stall a handler.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import re2

PATTERN_CHARACTERS = 1000
# The memory of a compiled pattern: enough for any that a person writes.
PATTERN_MAX_BYTES = 1024 * 1024
# What other dialects know and RE2 refuses: the beginning, its name, and a way to write it.
REFUSED = (
    (
        ("(?=", "(?!"),
        "look-ahead",
        "match the rest of the text too, or use a second condition with all, any or not",
    ),
    (
        ("(?<=", "(?<!"),
        "look-behind",
        "match the text before it too and put the wanted part in a group,"
        " or use a second condition with all, any or not",
    ),
    (("(?>",), "an atomic group", "write an ordinary group: RE2 never backtracks"),
    (
        ("(?P=", "\\k<", "\\k{", "\\g"),
        "a back reference",
        "repeat the pattern itself, or use two conditions",
    ),
    (("(?|",), "a group that resets numbers", "number the groups on: (?:(a)|(b))"),
    (("(?R", "(?1"), "a recursion", "write the nested part out as often as it may occur"),
    (("(?x",), "free spacing", "write the pattern without blanks and comments"),
    (("(?(",), "a condition within the pattern", "use two conditions with any"),
    (("(?#",), "a comment", "leave it out, and describe the rule in its description"),
    (("\\Z",), "\\Z", "write \\z for the end of the text"),
    (("\\T",), "\\T", "write \\t for a tab, and [^@] for any character but an @"),
    (("\\u",), "\\u", "write the character itself, or \\x{00e4}"),
    (("\\h",), "\\h", "write [ \\t] for blanks within a line"),
    (("\\R",), "\\R", "write \\r?\\n for a line end"),
    (("\\e", "\\G", "\\K", "\\X"), "an escape of Perl", "write the characters themselves"),
)
# What RE2 says of `a++`, which never gives back what it has matched.
POSSESSIVE = re.compile(r"bad repetition operator: (.*\+)")


class InvalidPattern(ValueError):
    """A pattern that RE2 refuses; the message says why, and how to write it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A match: the whole text of it, and its groups ("" for one that took no part)."""

    text: str
    groups: tuple[str, ...]
    # The place of the match in the text.
    start: int = 0


def check(pattern: str) -> None:
    """Raises InvalidPattern for a pattern that RE2 refuses, with the reason and the remedy."""
    if len(pattern) > PATTERN_CHARACTERS:
        raise InvalidPattern(f"is longer than {PATTERN_CHARACTERS} characters: use two conditions")
    try:
        _compiled(pattern)
    except re2.error as error:
        raise InvalidPattern(_why(pattern, error)) from error


def find(pattern: str, text: str) -> Found | None:
    """Returns the first match anywhere in the text, whatever the case of letters.

    A pattern that begins with (?-i) distinguishes upper and lower case.
    """
    match = _compiled(pattern).search(text)
    if match is None:
        return None
    return Found(match.group(), tuple(group or "" for group in match.groups()), match.start())


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = PATTERN_MAX_BYTES
    return re2.compile(pattern, options)


def _why(pattern: str, error: re2.error) -> str:
    for beginnings, name, remedy in REFUSED:
        if found := next((one for one in beginnings if _unescaped(one, pattern)), None):
            return f"has {name} ({found}), which RE2 refuses: {remedy}"
    if number := next((n for n in "123456789" if _unescaped(f"\\{n}", pattern)), None):
        remedy = "repeat the pattern itself, or use two conditions"
        return f"has a back reference (\\{number}), which RE2 refuses: {remedy}"
    if possessive := POSSESSIVE.fullmatch(_said(error)):
        remedy = "leave the last + out: RE2 never backtracks"
        return f"has a possessive repetition ({possessive[1]}), which RE2 refuses: {remedy}"
    return f"is no valid pattern of RE2: {_said(error)}"


def _unescaped(part: str, pattern: str) -> bool:
    r"""Tells whether the part stands in the pattern itself, and not behind a backslash."""
    return part in pattern.replace("\\\\", "")


def _said(error: re2.error) -> str:
    (said,) = error.args
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
