"""Detects the charset of a text without a correct declaration: bytes in, a charset's name out.

A charset is plausible if the decoded text consists mostly of the letters of its script.
"""

from __future__ import annotations

import re

SAMPLE_MAX = 8 * 1024
HIGH = re.compile(rb"[\x80-\xff]")
LETTERS = re.compile(rb"[A-Za-z\x80-\xff]")
# Fewer bytes prove nothing: "\xe4" alone is a letter of any alphabet.
HIGH_MIN = 6
# In a text in a script other than Latin, at least this share of the letters is not ASCII.
FOREIGN_SHARE = 0.4
# The characters that are most frequent in the texts of each charset.
SCRIPTS = (
    ("cp932", re.compile("[\u3040-\u30ff]")),
    ("euc_jp", re.compile("[\u3040-\u30ff]")),
    ("cp949", re.compile("[\uac00-\ud7a3]")),
    ("gb18030", re.compile("[\u4e00-\u9fff\u3000-\u3002\uff0c\uff01]")),
    ("big5", re.compile("[\u4e00-\u9fff\u3000-\u3002\uff0c\uff01]")),
)
# At least this share of the non-ASCII characters must belong to the script.
SCRIPT_SHARE = {"cp932": 0.3, "euc_jp": 0.3, "cp949": 0.8, "gb18030": 0.9, "big5": 0.9}
CYRILLIC = ("cp1251", "koi8_r", "iso8859_5", "cp866")
CYRILLIC_LOWER = re.compile("[\u0430-\u044f]")


def detect(data: bytes) -> str | None:
    """Returns Python's name of the most likely charset, or None."""
    sample = data[:SAMPLE_MAX]
    high, letters = len(HIGH.findall(sample)), len(LETTERS.findall(sample))
    if high < HIGH_MIN or high < letters * FOREIGN_SHARE:
        return None
    return _two_bytes(sample) or _cyrillic(sample, high)


def _two_bytes(sample: bytes) -> str | None:
    for charset, script in SCRIPTS:
        text = _decoded(sample, charset)
        foreign = sum(not character.isascii() for character in text)
        if foreign and len(script.findall(text)) >= foreign * SCRIPT_SHARE[charset]:
            # Cyrillic letters, one byte each, would decode as rare Chinese characters.
            if charset in ("gb18030", "big5", "cp949") and _cyrillic(
                sample, len(HIGH.findall(sample))
            ):
                continue
            return charset
    return None


def _decoded(sample: bytes, charset: str) -> str:
    for end in (len(sample), len(sample) - 1):
        try:
            return sample[:end].decode(charset)
        except UnicodeError:
            continue
    return ""


def _cyrillic(sample: bytes, high: int) -> str | None:
    """Returns the Cyrillic charset in which most of the letters are in lower case, or None."""
    if high and not re.search(rb"[ \n][\x80-\xff]", sample) and high > 40:
        return None
    counts = {
        charset: len(CYRILLIC_LOWER.findall(sample.decode(charset, "replace")))
        for charset in CYRILLIC
    }
    best = max(counts, key=lambda charset: counts[charset])
    return best if counts[best] >= high * 0.75 else None
