"""Detects the charset of a text without a correct declaration: bytes in, a charset's name out.

A charset is plausible if the decoded text consists mostly of the letters of its script.
"""

from __future__ import annotations

import re
import unicodedata

from services.parser.text.charset_names import codec_of
from services.parser.text.east_asian import CERTAIN_SCORE, detect_east_asian
from services.parser.text.utf8 import HIGH_BYTE, oddities

SAMPLE_MAX = 2 * 1024
BEFORE = 100
LETTERS = re.compile(rb"[A-Za-z\x80-\xff]")
# Fewer bytes prove nothing: "\xe4" alone is a letter of any alphabet.
HIGH_MIN = 6
# In a text in a script other than Latin, at least this share of the letters is not ASCII.
FOREIGN_SHARE = 0.4
CYRILLIC = ("cp1251", "koi8_r", "iso8859_5", "cp866", "koi8_u")
# The most frequent letters, two thirds of all in Russian; other alphabets' letters would be others.
FREQUENT = re.compile("[аеинотсрвлкміАЕИНОТСРВЛКМІ]")
FREQUENT_SHARE = 0.5
CASES_MIXED = re.compile("[а-яі][А-ЯІ]")
SMALL = re.compile("[а-яі]")
# Small letters of one charset are capitals of another, which are rarer.
SMALL_BONUS = 0.15
# Words with a letter that is not ASCII. Western ones have hardly three such in a row, unless
# somebody tries the letters of German and Swedish keyboards.
FOREIGN_WORD = re.compile(rb"(?<![A-Za-z])[A-Za-z]*+[\x80-\xff][A-Za-z\x80-\xff]*+")
THREE_IN_A_ROW = re.compile(rb"[\x80-\xff]{3}")
KEYBOARD_LETTERS = "äöüßåæøÄÖÜÅÆØ".encode("cp1252")
SHORT_FREQUENT_SHARE = 0.3


def detect(data: bytes) -> str | None:
    """Returns Python's name of the most likely charset, or None."""
    first = HIGH_BYTE.search(data)
    if first is None:
        return None
    # HTML may begin with a long style sheet.
    sample = data[max(0, first.start() - BEFORE) :][:SAMPLE_MAX]
    # Cyrillic letters, one byte each, may look like Chinese characters, but few frequent ones.
    return (
        detect_east_asian(sample, CERTAIN_SCORE) or _cyrillic(sample) or detect_east_asian(sample)
    )


def detect_in_header(data: bytes, hint: str | None) -> str | None:
    """Returns the charset of raw text in a header; the hint is that of the body, or None.

    A body in ASCII may be declared in any Western charset, which proves nothing.
    """
    codec = codec_of(hint) if hint else None
    if hint is None or codec is None or is_western(hint):
        return detect(data) or _short_cyrillic(data) or codec
    return codec if _reads_as_well(data, codec) else detect(data)


def _reads_as_well(data: bytes, codec: str) -> bool:
    """Tells whether the text is no odder than what a Western charset would give."""
    western = oddities(data.decode("cp1252", "replace"))
    return oddities(data.decode(codec, "replace")) <= western


def is_western(charset: str) -> bool:
    """Tells UTF-8 and the charsets of Latin letters, and unknown ones, from the others."""
    codec = codec_of(charset) or "utf-8"
    letter = b"\xe9".decode(codec, "replace")
    return codec.startswith("utf") or unicodedata.name(letter, "").startswith("LATIN")


def _cyrillic(sample: bytes) -> str | None:
    """Returns the Cyrillic charset in which most letters are frequent ones, or None."""
    high, letters = len(HIGH_BYTE.findall(sample)), len(LETTERS.findall(sample))
    if high < HIGH_MIN or high < letters * FOREIGN_SHARE:
        return None
    if high > 40 and not re.search(rb"[ \n][\x80-\xff]", sample):
        return None
    best, frequent = _best_cyrillic(sample)
    return best if frequent >= high * FREQUENT_SHARE and _reads_as_well(sample, best) else None


def _short_cyrillic(data: bytes) -> str | None:
    """Returns the Cyrillic charset of words that can hardly be Western ones, or None."""
    sample = b" ".join(FOREIGN_WORD.findall(data[:SAMPLE_MAX]))
    high = len(HIGH_BYTE.findall(sample))
    if not THREE_IN_A_ROW.search(sample) or high < len(LETTERS.findall(sample)) * FOREIGN_SHARE:
        return None
    if not HIGH_BYTE.search(sample.translate(None, KEYBOARD_LETTERS)):
        return None
    best, frequent = _best_cyrillic(sample)
    likely = frequent >= high * SHORT_FREQUENT_SHARE and _reads_as_well(sample, best)
    return best if likely else None


def _best_cyrillic(sample: bytes) -> tuple[str, int]:
    """Returns the likeliest charset, and how many letters are frequent ones in it."""
    texts = {charset: sample.decode(charset, "replace") for charset in CYRILLIC}
    best = max(texts, key=lambda one: _frequency(texts[one]) + _small(texts[one]))
    return best, _frequency(texts[best])


def _frequency(text: str) -> int:
    return len(FREQUENT.findall(text)) - 2 * len(CASES_MIXED.findall(text))


def _small(text: str) -> float:
    return len(SMALL.findall(text)) * SMALL_BONUS
