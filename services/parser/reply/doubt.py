"""Doubts about an attribution: its first line in, whether new words may precede it out.

Such a line is both new and quoted, so that no words are lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.parser.reply.attribution_words import DASHES, DATE, VERB
from services.parser.reply.lines import fold
from services.parser.reply.words import ABBREVIATIONS, ANSWERS, OPENERS, PARTICLES, QUOTING

# At most this many words in small letters are between the opener and the date.
WORDS_BEFORE_MAX = 2
# Without an opener, they may be words of a language without a table.
UNKNOWN_WORDS_MAX = 3
DATES_MAX = 3
NO_NAME = re.compile(r"[\d@<]")
IN_PARENTHESES = re.compile(r"\([^()]*+\)|\"[^\"]*+\"")
PUNCTUATION = ".,:;!?*\"'()"
WHOLE_ADDRESS = re.compile(r"<[^<>]*+>|[^\s<>@]*+@[^\s<>@]*+")
# A full stop, before a capital letter or behind a word that is no abbreviation.
SENTENCE_WITHIN = re.compile(
    r"([^\W\d_]{2,}+|\d{4})[.!?]+[\"')]?\s*(?=[A-Z\u00c0-\u00de\u0400-\u042f])"
    r"|([^\W\d_]{2,}+)[.!?]+[\"')]?\s+(?=[^\W\d_]|[-*_]|\d{1,2}\.? ?[^\W\d_]|\d{4}[.-])"
    r"|[\u3002!?](?=.)"
)
STOPS = (".", "!", "?", "\u3002")
INNER_DASHES = re.compile(r"(?<=[^\W_])(?:-{2,}|\u2014)\s?(?=\w)")


def is_doubtful(bare: str) -> bool:
    """Tells whether new words may precede the attribution in this line."""
    text = WHOLE_ADDRESS.sub("@", bare) if "@" in bare else bare
    stops = any(sign in text for sign in STOPS)
    if stops and any(
        _is_word(found.group(1) or found.group(2)) for found in SENTENCE_WITHIN.finditer(text)
    ):
        return True
    dashes = "--" in text or "\u2014" in text
    if (dashes and INNER_DASHES.search(text)) or (stops and len(DATE.findall(text)) > DATES_MAX):
        return True
    head = IN_PARENTHESES.sub(" ", text).strip(DASHES)
    end = NO_NAME.search(head)
    verb = VERB.search(fold(head))
    head = head[: min(end.start() if end else len(head), verb.start() if verb else len(head))]
    return _is_prose(head.split())


def _is_word(before: str | None) -> bool:
    word = fold(before or "")
    return word not in ABBREVIATIONS and word not in OPENERS


def _is_prose(words: Sequence[str]) -> bool:
    """Tells whether these words, before a date or an address, are neither a name nor an opener."""
    if not words:
        return False
    first = fold(words[0].strip(PUNCTUATION))
    small = [word for word in words if word[0].islower() and fold(word) not in PARTICLES]
    if first in OPENERS:
        return len(small) > WORDS_BEFORE_MAX
    quoting = fold(" ".join(words)).startswith(QUOTING)
    return first in ANSWERS or (len(small) > UNKNOWN_WORDS_MAX and not quoting)
