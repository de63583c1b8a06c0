"""Patterns of addresses and their domains, as operators write them for unknown senders. Pure.

They are RE2, searched for anywhere in an address, whatever the case of letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from postrail import patterns
from postrail.configuration.models.handler_parts import Pattern

# What makes a pattern match no address, though it is a valid one: where it stands, and the remedy.
# Allegra prints examples with each of these.
MISTAKES = (
    (
        re.compile(r"(?<!\\)(?:\\\\)*\\W"),
        r"has \W, which is any character but a letter, digit or _: write \w for those,"
        r" or [^\w] if you mean the others",
    ),
    (
        re.compile(r"(?<!\\)\(\?<?[=!]"),
        "has a look-ahead or look-behind, which RE2 refuses: write the whole end of the addresses"
        " that you mean, such as @example\\.org$, or several patterns",
    ),
    (
        re.compile(r"(?<!\\)\s"),
        "has a blank, which no address has: leave it out, also beside |",
    ),
)
END = ("$", "\\z")


def _checked(given: Any) -> Any:
    if isinstance(given, str):
        for mistake, why in MISTAKES:
            if mistake.search(given.strip()):
                raise PydanticCustomError("pattern", "{why}", {"why": why})
    return given


DomainPattern = Annotated[Pattern, BeforeValidator(_checked)]


def first_match(wanted: Iterable[str], address: str) -> str:
    """Returns the first of the patterns that is found in the address, or ""."""
    return next((one for one in wanted if patterns.find(one, address)), "")


def open_ends(field: str, given: Iterable[str]) -> Iterator[str]:
    """Yields a note for each pattern that longer domains match, too: it does not end with $."""
    for pattern in given:
        if not _ends(pattern):
            yield (
                f"{field}: {pattern} does not end with $, so that longer domains match it too,"
                " such as example.org.evil.example for example\\.org"
            )


def _ends(pattern: str) -> bool:
    """Tells whether each alternative ends with $, also in a group that ends the pattern."""
    plain = list(_plain(pattern))
    bars = [place for place, one, depth in plain if one == "|" and not depth]
    if bars:
        between = [-1, *bars, len(pattern)]
        return all(_ends(pattern[begin + 1 : end]) for begin, end in pairwise(between))
    if plain and plain[-1][:2] == (len(pattern) - 1, ")"):
        begin = max(place for place, one, depth in plain if one == "(" and not depth)
        return _ends(pattern[begin + 1 : -1])
    return pattern.endswith(END) and not pattern.endswith("\\$")


def _plain(pattern: str) -> Iterator[tuple[int, str, int]]:
    """Yields the characters in no class and not escaped: place, character, and depth in groups."""
    depth, in_class, escaped = 0, False, False
    for place, character in enumerate(pattern):
        if escaped or character == "\\":
            escaped = not escaped
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        else:
            depth -= character == ")"
            yield place, character, depth
            depth += character == "("
