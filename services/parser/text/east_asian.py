"""Detects the charset of East Asian text: bytes in, a charset's name or None out.

The charsets share most of their codes, so that short texts can be told apart only by how frequent
the characters are that they would consist of.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from services.parser.text.frequent_characters import KANJI, KOREAN, SIMPLIFIED, TRADITIONAL
from services.parser.text.utf8 import HIGH_BYTE, NON_ASCII, oddities

HIGH_MIN = 3
KANA = re.compile("[\u3040-\u30fa\u30fc]")
SIGNS = re.compile("[\u3000-\u303f\uff01-\uff5e\u2010-\u2026\u00b7\u30fb]")
IN_DAILY_USE = 0.2
RARE = -1.0
# The least share of frequent characters in the best charset; those in daily use count a fifth.
SCORE_MIN = 0.3
CERTAIN_SCORE = 0.6


def _frequent(characters: frozenset[str]) -> Callable[[str], bool]:
    return lambda one: one in characters or SIGNS.match(one) is not None


def _japanese(one: str) -> bool:
    return one in KANJI or KANA.match(one) is not None or SIGNS.match(one) is not None


# The charset, its characters in daily use (lead bytes), and whether a character is frequent.
CHARSETS: tuple[tuple[str, range, Callable[[str], bool]], ...] = (
    ("gb18030", range(0xB0, 0xD8), _frequent(SIMPLIFIED)),
    ("big5", range(0xA4, 0xC7), _frequent(TRADITIONAL)),
    ("cp932", range(0x88, 0x98), _japanese),
    ("euc_jp", range(0xB0, 0xD0), _japanese),
    ("cp949", range(0xB0, 0xC9), _frequent(KOREAN)),
)


def detect_east_asian(data: bytes, score_min: float = SCORE_MIN) -> str | None:
    """Returns Python's name of the most likely East Asian charset, or None."""
    if len(HIGH_BYTE.findall(data)) < HIGH_MIN:
        return None
    scores = {codec: _score(data, codec, daily, frequent) for codec, daily, frequent in CHARSETS}
    best = max(scores, key=lambda codec: scores[codec])
    # Such characters within a word of ASCII are letters of a European language.
    western = oddities(data.decode("cp1252", "replace"))
    if scores[best] < score_min or oddities(_decoded(data, best)) >= western:
        return None
    return best


def _score(data: bytes, codec: str, daily: range, frequent: Callable[[str], bool]) -> float:
    """Returns the share of frequent characters; rare ones count against it."""
    characters = NON_ASCII.findall(_decoded(data, codec))
    if not characters:
        return RARE
    return sum(_weight(one, codec, daily, frequent) for one in characters) / len(characters)


def _decoded(data: bytes, codec: str) -> str:
    # The last character may be cut off.
    for end in (len(data), len(data) - 1):
        try:
            return data[:end].decode(codec)
        except UnicodeDecodeError:
            continue
    return ""


def _weight(one: str, codec: str, daily: range, frequent: Callable[[str], bool]) -> float:
    if frequent(one):
        return 1.0
    encoded = one.encode(codec, "replace")
    # The second byte of a vendor's additional character may be below this in three charsets.
    plain = codec in ("big5", "cp932") or encoded[1:2] >= b"\xa1"
    return IN_DAILY_USE if plain and encoded[0] in daily else RARE
