"""Tells UTF-8 under another charset's name: bytes in, their text as UTF-8 out, or None.

Bytes of another charset are rarely valid UTF-8, and only in short texts: "STÓŁ" in ISO-8859-2, "รถ"
in TIS-620. There, the reading with fewer oddities wins.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# This number of different characters would hardly all be valid UTF-8 by chance.
CERTAIN_COUNT = 6
# Oddities are counted up to here; a short text has fewer.
SAMPLE_MAX = 4000
NON_ASCII = re.compile(r"[^\x00-\x7f]")
HIGH_BYTE = re.compile(rb"[\x80-\xff]")
# Characters of living scripts. Chance makes others as well: "Ół" would be "ӣ", and "É" with a
# no-break space "ɠ".
COMMON = re.compile(
    "[\u00a0-\u017f\u01a0\u01a1\u01af\u01b0\u01cd-\u01dc\u0218-\u021b\u0300-\u0304\u0386-\u03ce"
    "\u0400-\u045f\u0490\u0491\u05b0-\u05ea\u060c\u061b\u061f\u0621-\u0652\u0660-\u0669\u067e"
    "\u0686\u0698\u06a9\u06af\u06cc\u06f0-\u06f9\u0900-\u0dff\u0e01-\u0e5b\u1780-\u17e9"
    "\u1ea0-\u1ef9\u2000-\u2044\u20a0-\u20bf\u2100-\u2122\u2190-\u22ff\u2460-\u27bf\u3000-\u30ff"
    "\u3200-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe0f\ufeff\uff00-\uffef\U0001f000-\U0002ffff]"
)
RARE_ODDITY = 2
# Categories of signs that do not stand within a word.
SIGNS = frozenset({"Sc", "Sk", "Sm", "So", "No", "Pi", "Ps", "Cc"})
OTHER_SIGNS = frozenset("¡¿§¶")
# The charsets of the characters in daily use, of which the declared ones are supersets.
BASES = {"gb18030": "gb2312", "cp949": "euc_kr", "cp932": "shift_jis"}
# French has a no-break space before them.
FRENCH_SIGNS = tuple(":;!?»%")
# Scripts that are written together with others, without a space between them.
EAST_ASIAN = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH", "FULLWIDTH", "HANGUL", "KATAKANA-HIRAGANA"}
)


def text_as_utf8(data: bytes, codec: str) -> str | None:
    """Returns the text if the bytes are UTF-8 and not in the declared charset."""
    text = decoded_exactly(data, "utf-8")
    # A NUL, which UTF-16 has in nearly every text, is in no text in UTF-8.
    if text is None or "\x00" in text:
        return None
    if codec.startswith(("utf-16", "utf-32")) or len(set(NON_ASCII.findall(text))) >= CERTAIN_COUNT:
        return text
    declared = decoded_exactly(data, codec)
    if declared is None:
        return text
    rare = RARE_ODDITY if codec in BASES and decoded_exactly(data, BASES[codec]) is None else 0
    return text if _is_likelier(text[:SAMPLE_MAX], declared[:SAMPLE_MAX], rare) else None


def is_utf8(data: bytes) -> bool:
    """Tells whether the bytes are valid UTF-8."""
    return decoded_exactly(data, "utf-8") is not None


def decoded_exactly(data: bytes, codec: str) -> str | None:
    """Decodes bytes that are valid in this codec, and returns None for others."""
    try:
        return data.decode(codec)
    except UnicodeError:
        return None


def _is_likelier(text: str, declared: str, rare: int) -> bool:
    """Tells whether the text reads better than what the declared charset would give."""
    here, there = oddities(text), oddities(declared) + rare
    if here != there:
        return here < there
    scripts = _scripts(text)
    return bool(scripts) and scripts <= _scripts(declared)


def oddities(text: str) -> int:
    """Counts what natural text does not have: scripts and cases mixed in a word, rare signs."""
    return sum(_oddities(text, found.start()) for found in NON_ASCII.finditer(text))


def _oddities(text: str, at: int) -> int:
    one = text[at]
    before, after = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    count = 0 if COMMON.match(one) else RARE_ODDITY
    category = unicodedata.category(one)
    if category[0] in "LM":
        count += before.isalpha() and _clash(before, one)
        count += after.isalpha() and after.isascii() and _clash(one, after)
        # Two capitals and a small letter: "CAFÉ" with a byte too many.
        return count + (one.islower() and before.isupper() and text[at - 2 : at - 1].isupper())
    if one == "\u00a0":
        # "Â" before it is the first byte of the same character; "É" stands before French signs.
        cut_off = before.isupper() and not before.isascii() and after not in FRENCH_SIGNS
        return count + (before.isspace() or after.isspace()) + cut_off
    if (category in SIGNS or one in OTHER_SIGNS) and before.isalpha():
        # Within a word, or beside another byte of the same character.
        count += after.isalpha() or not (before + after).isascii()
    return count


def _clash(first: str, second: str) -> bool:
    """Tells whether two letters do not follow each other in one word."""
    if first.islower() and second.isupper():
        return True
    scripts = {_script(first), _script(second)} - {"COMBINING"}
    return len(scripts) > 1 and not scripts <= EAST_ASIAN


def _scripts(text: str) -> set[str]:
    return {_script(one) for one in _letters(text)}


def _letters(text: str) -> Iterator[str]:
    return (one for one in NON_ASCII.findall(text) if one.isalpha())


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
