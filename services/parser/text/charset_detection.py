"""Which charset a text is in that says none, or a wrong one: by what its bytes would then spell."""

from __future__ import annotations

import re

SAMPLE_MAX = 8 * 1024
HIGH = re.compile(rb"[\x80-\xff]")
LETTERS = re.compile(rb"[A-Za-z\x80-\xff]")
# Fewer say nothing: "\xe4" alone is a letter of any alphabet.
HIGH_MIN = 6
# So many of the letters of a text in another script than the Latin one are no ASCII.
FOREIGN_SHARE = 0.4
# What each charset's texts are mostly made of.
SCRIPTS = (
    ("cp932", re.compile("[\u3040-\u30ff]")),
    ("euc_jp", re.compile("[\u3040-\u30ff]")),
    ("cp949", re.compile("[\uac00-\ud7a3]")),
    ("gb18030", re.compile("[\u4e00-\u9fff\u3000-\u3002\uff0c\uff01]")),
    ("big5", re.compile("[\u4e00-\u9fff\u3000-\u3002\uff0c\uff01]")),
)
# Half of what is no ASCII, at least, must be of the script.
SCRIPT_SHARE = {"cp932": 0.3, "euc_jp": 0.3, "cp949": 0.8, "gb18030": 0.9, "big5": 0.9}
CYRILLIC = ("cp1251", "koi8_r", "iso8859_5", "cp866")
CYRILLIC_LOWER = re.compile("[\u0430-\u044f]")


def detect(data: bytes) -> str | None:
    """Python's name of the charset that these bytes are likely in, or None."""
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
            # Cyrillic letters in one byte each look like rare Chinese ones.
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
    """The charset in which most letters are small ones; words separated by spaces tell more."""
    if high and not re.search(rb"[ \n][\x80-\xff]", sample) and high > 40:
        return None
    counts = {
        charset: len(CYRILLIC_LOWER.findall(sample.decode(charset, "replace")))
        for charset in CYRILLIC
    }
    best = max(counts, key=lambda charset: counts[charset])
    return best if counts[best] >= high * 0.75 else None
