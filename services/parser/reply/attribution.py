"""Attributions, which say who wrote a quotation and when: lines in, their lengths out.

One to four lines are an attribution if they end like one and contain its elements: a verb for
"wrote", a date or a time, an address. This recognizes most of them in any language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.parser.reply.lines import COMPARED_MAX, Line, fold, other_quote_mark
from services.parser.reply.words import (
    OPENERS,
    QUOTING,
    SAID,
    WROTE,
    WROTE_BEFORE_NAME,
    WROTE_UNSPACED,
)
from services.parser.text.word_patterns import Words

WINDOW_LINES = 4
# Patterns of bounded length without nested repetition: each is linear on any line.
# The digit that begins each date comes first, so that the search skips to digits.
DATE = re.compile(
    r"\d(?:\d? ?[:.h時时시点] ?\d\d|\d{0,3}[./-] ?\d{1,2}[./-] ?\d{2,4}"
    r"|\d{3}[年년.]|(?<=\b1)9\d\d\b|(?<=\b2)0\d\d\b)"
)
CLOCK = re.compile(r"\d{1,2} ?[:.h時时시点] ?\d\d")
ADDRESS = re.compile(r"[^\s<>@]@[^\s<>@]")
_VERB = (
    r"(?:(?<!\w)(?:" + "|".join(map(re.escape, sorted(WROTE, key=len, reverse=True))) + r")(?!\w)"
    "|" + "|".join(map(re.escape, sorted(WROTE_UNSPACED, key=len, reverse=True))) + ")"
)
VERB = re.compile(_VERB)
# Most lines do not match, which RE2 finds out in a fifth of the time.
_LIKE_VERB = Words("|".join(map(re.escape, (*WROTE, *WROTE_UNSPACED))))
# The quotation may begin in the line of its attribution.
VERB_WITHIN = re.compile(_VERB + r" ?[:\uff1a](?=[ >])")
DASHES = " -\u2013\u2014*_="
COLONS = ":\uff1a"
LAST_WORDS = frozenset(verb.split()[-1] for verb in WROTE)
SENTENCE_END = (".", "!", "?", "\u3002", "\uff01", "\uff1f")
WORDS_AFTER_VERB_MAX = 12
ALONE_MAX = 120
# In a language without a table, at most this many characters may follow the address.
VERB_MAX = 25


def mark_attribution_ends(lines: Sequence[Line]) -> None:
    """Sets `attribution_end` of each line: the nearest line of its paragraph that ends like one.

    This is computed once for all lines, since few of them are near such an end.
    """
    end = None
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if not line.bare or len(line.bare) > COMPARED_MAX:
            end = None
        elif _ends_like_attribution(line.bare) or (
            line.bare[-1] == ">" and _quote_follows(lines, index)
        ):
            end = index
        elif end is not None and (line.depth != lines[end].depth or end - index >= WINDOW_LINES):
            end = None
        line.attribution_end = end


def attribution_at(lines: Sequence[Line], start: int) -> int:
    """Returns the number of lines of the attribution that begins here, or 0."""
    end = lines[start].attribution_end
    if end is None:
        return 0
    first = lines[start].bare
    if end > start and (_ends_sentence(first) or not _begins_like_attribution(first)):
        return 0
    joined = _joined(lines, start, end)
    quoted = _quote_follows(lines, end) or (bool(DATE.search(joined)) and _mark_follows(lines, end))
    if not _is_attribution(joined, quoted):
        return 0
    # If the lines from a later one on are a whole attribution, this line belongs to the reply.
    for later in range(start + 1, end + 1):
        following = _joined(lines, later, end)
        if _is_whole(following) and not _names_author(first, following):
            return 0
    return end - start + 1


def _ends_sentence(bare: str) -> bool:
    # A date may be wrapped after its year: "2024.", then "máj. 6.".
    return bare.endswith(SENTENCE_END) and not bare[-2:-1].isdigit()


def _names_author(first: str, following: str) -> bool:
    """Tells whether "Name <address>" precedes a date and a verb without an address."""
    return first.endswith(">") and not ADDRESS.search(following)


def _ends_like_attribution(bare: str) -> bool:
    last = bare[-1]
    if last in COLONS:
        return True
    if "@" in bare and VERB_WITHIN.search(fold(bare)):
        return True
    if last.isalnum() or last in "-)":
        words = bare[-40:].rstrip(DASHES).rsplit(None, 1)
        return bool(words) and fold(words[-1].rstrip(COLONS)) in LAST_WORDS
    return False


def _joined(lines: Sequence[Line], start: int, end: int) -> str:
    """Joins the window to one line, up to the quotation if one begins in it."""
    text = fold(" ".join(line.bare for line in lines[start : end + 1]).strip(DASHES))
    if not text or text[-1] in COLONS or (within := VERB_WITHIN.search(text)) is None:
        return text
    head = text[: within.end()]
    return head if DATE.search(head) and ADDRESS.search(head) else text


def _begins_like_attribution(bare: str) -> bool:
    text = fold(bare[:COMPARED_MAX].strip(DASHES + "(\"'"))
    if not text:
        return False
    return (
        "<" in text
        or _begins_with_opener(text)
        or bool(_LIKE_VERB.search(text) and VERB.search(text))
    )


def _begins_with_opener(text: str) -> bool:
    words = text.split(None, 1)
    return text[0].isdigit() or bool(words and words[0].rstrip(".,") in OPENERS)


def _quote_follows(lines: Sequence[Line], end: int) -> bool:
    depth = lines[end].depth
    for line in lines[end + 1 : end + 4]:
        if line.bare or line.depth > depth:
            return line.depth > depth
    return False


def _mark_follows(lines: Sequence[Line], end: int) -> bool:
    following = next((line.bare for line in lines[end + 1 : end + 4] if line.bare), "")
    return bool(other_quote_mark(following))


def _is_whole(text: str) -> bool:
    return bool(DATE.search(text)) and _is_attribution(text, quoted=False)


def _is_attribution(text: str, quoted: bool) -> bool:
    if not text or len(text) > COMPARED_MAX + 200:
        return False
    colon = text[-1] in COLONS
    body = text.rstrip(COLONS + DASHES)
    date, address = bool(DATE.search(text)), bool(ADDRESS.search(text))
    if colon and address and text.startswith(QUOTING):
        return True
    verbs = list(VERB.finditer(body))
    if not verbs:
        if not (address and date):
            return False
        near = len(body) - max(map(body.rfind, ">)]")) <= VERB_MAX
        return (colon and near) or ((colon or quoted) and _begins_with_opener(text))
    last = verbs[-1]
    if last.group() in SAID and not quoted:
        return False
    if last.end() == len(body):
        return _ends_in_verb(text, colon, date, address, quoted)
    if not colon:
        return False
    if quoted and (address or date or len(text) <= ALONE_MAX):
        return True
    few = body.count(" ", last.end()) <= WORDS_AFTER_VERB_MAX
    return date and few and (address or last.group() in WROTE_BEFORE_NAME)


def _ends_in_verb(text: str, colon: bool, date: bool, address: bool, quoted: bool) -> bool:
    if date and address:
        return True
    if not colon:
        return date and quoted
    return (
        address or (date and _begins_like_attribution(text)) or (quoted and len(text) <= ALONE_MAX)
    )
