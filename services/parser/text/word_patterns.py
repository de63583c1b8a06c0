"""Patterns of words in many languages, compiled by RE2: linear in the text, however many."""

from __future__ import annotations

import re2

# The sets of states that it keeps while it goes through a text.
MEMORY_BYTES = 32 * 1024 * 1024
# With Unicode's classes of letters the two longest patterns take 44 ms to be built, and 67 ms more
# when a text first meets them; so they take 6. Where a word ends, spaces and ASCII's signs say.
WORD = r"[0-9A-Za-z_\x{80}-\x{10ffff}]"


class Words:
    """Alternatives to look for, without case; `\\w` is all but ASCII's spaces and signs."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.max_mem = MEMORY_BYTES
        self._pattern = re2.compile(pattern.replace(r"\w", WORD), options)

    def search(self, text: str) -> str:
        """The first place that is meant, as it stands there, or ""."""
        # RE2 reads bytes, and its wrapper for text counts characters that nobody asks for.
        found = self._pattern.search(text.encode())
        return found.group().decode() if found else ""

    def match(self, text: str) -> bool:
        """Does the text begin so?"""
        return self._pattern.match(text.encode()) is not None
