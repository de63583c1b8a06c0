"""Replaces words by made-up ones of the same form: the same word always by the same.

Case, length, script and the place of digits stay, because patterns of operators may ask for them.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterable
from copy import copy
from functools import cache

from services.parser.anonymise.known_words import LETTERS, ROBOTS, known_words

# Numbers with fewer digits, and years, name nobody.
DIGITS_KEPT = 2
YEAR = re.compile(r"(?:19|20)\d\d\Z")
# The end of a domain, such as de in example.de.
COUNTRY = r"(?<=[\w-]\.)[A-Za-z]{2}(?![\w.@-])"
# Reply codes of SMTP, and status codes (RFC 3463): in a bounce, another code would say something
# else. In other messages such numbers are of rooms, PINs and prices.
CODES = r"(?<![\w.])(?:[245]\.\d{1,3}\.\d{1,3}|[245][0-7]\d)(?!\w|\.\d)"
# Shorter names, which may be words such as Re or de, stay where a table has them.
NAME_LETTERS = 3
VOWELS, CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"
# Other letters are replaced by those near to them, which are of the same alphabet.
NEAR = 32


class Replacer:
    """Replaces the words of texts; one for all texts of a fixture, and its facts."""

    def __init__(
        self,
        key: bytes,
        *,
        literals: Collection[str] = (),
        words: Collection[str] = (),
        codes: bool = False,
    ) -> None:
        """Takes texts to keep wherever they stand, and words; the key makes it unguessable.

        With `codes`, reply and status codes stay, too.
        """
        self._key = key
        self._words = frozenset(map(str.casefold, words))
        self._kept = "|".join([*literals, COUNTRY, *([CODES] if codes else [])])
        self._parts = re.compile(rf"(?P<kept>{self._kept})|{LETTERS.pattern}|\d+", re.I)
        # The words of tables that texts keep.
        self._known = known_words()

    def with_names(self, texts: Iterable[str]) -> Replacer:
        """Returns a replacer that keeps no word of these names and addresses, if tables have it."""
        found = LETTERS.findall(re.sub(self._kept, " ", "\n".join(texts), flags=re.I))
        words = {word.casefold() for word in found if len(word) >= NAME_LETTERS}
        made = copy(self)
        made._known = known_words() - (words - ROBOTS)
        return made

    def text(self, text: str) -> str:
        """Replaces the words of a text but for those that mail programs write."""
        return self._replaced(text, self._known)

    def markup(self, text: str) -> str:
        """Replaces the words of a class or id of HTML but for those that mail programs write."""
        return self._replaced(text, known_words())

    def structure(self, text: str) -> str:
        """Replaces the words of a field that says what a message is; its numbers stay."""
        return self._replaced(text, known_words(), numbers=False)

    def address(self, text: str) -> str:
        """Replaces the words of addresses and names of people."""
        return self._replaced(text, ROBOTS)

    def _replaced(self, text: str, known: Collection[str], *, numbers: bool = True) -> str:
        def part(found: re.Match[str]) -> str:
            word = found[0]
            if found["kept"] or word.casefold() in self._words:
                return word
            if word.isdecimal():
                return self._number(word) if numbers else word
            short = len(word) == 1 and word.isascii()
            return word if short or word.casefold() in known else self._word(word)

        return self._parts.sub(part, text)

    def _number(self, digits: str) -> str:
        if len(digits) <= DIGITS_KEPT or YEAR.match(digits):
            return digits
        made = "".join(str(byte % 10) for byte in self._bytes(digits))
        # A leading zero would change the form of a number.
        return made if made[0] != "0" or digits[0] == "0" else f"1{made[1:]}"

    def _word(self, word: str) -> str:
        return "".join(map(_letter, word, self._bytes(word.casefold(), len(word))))

    def _bytes(self, text: str, count: int = 0) -> bytes:
        """Returns bytes that follow from the text and the key, at least one for each letter."""
        wanted, found, round_ = count or len(text), b"", 0
        while len(found) < wanted:
            found += hmac.digest(self._key, f"{round_} {text}".encode(errors="replace"), "sha256")
            round_ += 1
        return found[:wanted]


def _letter(letter: str, number: int) -> str:
    """Returns another letter of the same case and alphabet."""
    lower = letter.lower()
    for letters in (VOWELS, CONSONANTS):
        if lower in letters:
            place = letters.index(lower) + 1 + number % (len(letters) - 1)
            made = letters[place % len(letters)]
            return made.upper() if letter != lower else made
    others = _near(letter)
    return others[number % len(others)] if others else letter


@cache
def _near(letter: str) -> list[str]:
    """Returns the letters near to a letter, of the same case."""
    start = ord(letter) - ord(letter) % NEAR
    near = map(chr, range(start, start + NEAR))
    return [
        one for one in near if one != letter and one.isalpha() and one.islower() == letter.islower()
    ]
