"""Detects the language of a text: text in, a code of ISO 639-1 out, or "" where it is not clear.

Scripts decide first: a text in Greek letters is Greek. Among the languages of a script, the one
wins whose most frequent words and own letters the text has most of. See docs/mail-handlers.md for
how often that is right.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from postrail.conditions.language.words import CYRILLIC, LATIN, LETTERS

SEARCHED_CHARACTERS = 4000
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# Addresses have words of other languages, and lines that begin so are quoted.
LEFT_OUT = re.compile(r"^\s*>.*$|\S+@\S+|\b(?:https?://|www\.)\S+", re.MULTILINE)
# Fewer points are no evidence: one word that several languages have.
POINTS_MIN = 1.0
# The winner has this many times the points of the next one.
LEAD = 1.1
# Scripts of one language each, as the names of their letters begin.
SCRIPTS = {
    "GREEK": "el",
    "HEBREW": "he",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "LATIN": "",
    "CYRILLIC": "",
}
# Letters of Persian that Arabic does not have.
PERSIAN = frozenset("پچژگکی")
# All that are told apart.
LANGUAGES = tuple(sorted({*SCRIPTS.values(), *LATIN, *CYRILLIC, "fa"} - {""}))


def language_of(text: str) -> str:
    """Returns the language of a text, by its first 4,000 characters without quoted lines."""
    read = LEFT_OUT.sub(" ", text[:SEARCHED_CHARACTERS]).lower().replace("’", "'")
    scripts = Counter(_script(one) for one in read if one.isalpha())
    if not scripts:
        return ""
    # A Japanese text has Chinese letters, too.
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > scripts.total() / 20:
        return "ja"
    script = scripts.most_common(1)[0][0]
    if script == "LATIN":
        return _most_likely(read, LATIN)
    if script == "CYRILLIC":
        return _most_likely(read, CYRILLIC)
    if script == "ARABIC" and sum(one in PERSIAN for one in read) > scripts["ARABIC"] / 20:
        return "fa"
    return SCRIPTS.get(script, "")


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _most_likely(text: str, languages: Mapping[str, str]) -> str:
    """Returns the language with the most points; a word that several have counts less for each."""
    points: dict[str, float] = dict.fromkeys(languages, 0.0)
    for word, times in Counter(WORD.findall(text)).items():
        _give(points, _owners().get(word, ()), times)
    for letter, times in Counter(text).items():
        _give(points, LETTERS.get(letter, ()), times)
    ranking = sorted(points, key=lambda one: -points[one])
    best, second = ranking[:2]
    clear = points[best] >= POINTS_MIN and points[best] > LEAD * points[second]
    return best if clear else ""


def _give(points: dict[str, float], owners: tuple[str, ...], times: int) -> None:
    for language in owners:
        if language in points:
            points[language] += times / len(owners)


@lru_cache(maxsize=1)
def _owners() -> dict[str, tuple[str, ...]]:
    """Returns the languages of each word."""
    owners: dict[str, list[str]] = {}
    for language, words in (LATIN | CYRILLIC).items():
        for word in set(words.split()):
            owners.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in owners.items()}
