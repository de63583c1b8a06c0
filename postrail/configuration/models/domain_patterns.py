"""Patterns of addresses and their domains, as operators write them for unknown senders. Pure.

They are RE2, searched for anywhere in an address, whatever the case of letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
        if any(not _ends(one) for one in _alternatives(pattern)):
            yield (
                f"{field}: {pattern} does not end with $, so that longer domains match it too,"
                " such as example.org.evil.example for example\\.org"
            )


def _ends(pattern: str) -> bool:
    ending = pattern.rstrip(")")
    return ending.endswith(END) and not ending.endswith("\\$")


def _alternatives(pattern: str) -> Iterator[str]:
    """Yields the alternatives between those | that stand in no group and no class."""
    depth, start, in_class, escaped = 0, 0, False, False
    for place, character in enumerate(pattern):
        if escaped or character == "\\":
            escaped = not escaped
            continue
        if in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            yield pattern[start:place]
            start = place + 1
    yield pattern[start:]
