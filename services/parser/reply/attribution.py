"""Attributions, which say who wrote a quotation and when: lines in, their lengths out.

One to four lines are an attribution if they end like one and contain its elements: a verb for
"wrote", a date or a time, an address. This recognizes most of them in any language. More lines,
with empty ones between them, are one if they are its pieces, as made from elements of HTML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.parser.reply.lines import COMPARED_MAX, Line, fold, other_quote_mark
from services.parser.reply.words import (
    ABBREVIATIONS,
    ANSWERS,
    OPENERS,
    PARTICLES,
    QUOTING,
    SAID,
    WROTE,
    WROTE_BEFORE_NAME,
    WROTE_UNSPACED,
)
from services.parser.text.word_patterns import Words

WINDOW_LINES = 4
SCATTERED_LINES = 12
PIECE_MAX = 100
# Patterns of bounded length without nested repetition: each is linear on any line.
# The digit that begins each date comes first, so that the search skips to digits.
DATE = re.compile(
    r"\d(?:\d? ?[:.h時时시点] ?\d\d|\d{0,3}[./-] ?\d{1,2}[./-] ?\d{2,4}"
    r"|\d{3}[年년.]|(?<=\b1)9\d\d\b|(?<=\b2)0\d\d\b)"
)
DAY = re.compile(r"\d[./-] ?\d{1,2}[./-]|\d[\d年년]\d\d(?!\d)|\d\d\d[年년]")
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
# The date, up to its last digit and the words for the time.
AFTER_DATE = re.compile(r"\d(?: ?(?:uhr|h|hrs|hours|[ap]\.? ?m\.?)(?!\w))?[,.:)]*", re.IGNORECASE)
DASHES = " -\u2013\u2014*_="
COLONS = ":\uff1a"
# Before a date in the next line. Others that precede a date are also answers: "no", "a".
ALONE_OPENERS = frozenset(
    ("on", "at", "am", "le", "el", "il", "em", "op", "den", "dne", "dňa", "w", "pe", "på")
)
LAST_WORDS = frozenset(verb.split()[-1] for verb in WROTE)
SENTENCE_END = (".", "!", "?", "\u3002", "\uff01", "\uff1f")
WORDS_AFTER_VERB_MAX = 12
ALONE_MAX = 120
# "---- Jo Lindqvist wrote ----" has at most this many words.
FRAMED_WORDS = 6
NAME_WORDS = 5
FRAMES = "-\u2013\u2014_=*"
# At most this many words in small letters are between the opener and the date.
WORDS_BEFORE_MAX = 2
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
INNER_DASHES = re.compile(r"(?<=[^\W_])(?:-{2,}|\u2014)\s?(?=\w)")
# In a language without a table, at most this many characters may follow the address.
VERB_MAX = 25


def mark_attribution_ends(lines: Sequence[Line]) -> None:
    """Sets `attribution_end` of each line: the nearest line of its paragraph that ends like one.

    This is computed once for all lines, since few of them are near such an end.
    """
    end = None
    last = len(lines) + SCATTERED_LINES
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if not line.bare or len(line.bare) > COMPARED_MAX:
            end = None
        elif _ends_like_attribution(line.bare) or _ends_above_quote(lines, index):
            end = last = index
        elif end is not None and (line.depth != lines[end].depth or end - index >= WINDOW_LINES):
            end = None
        line.attribution_end = end
        line.pieces_end = last - index < SCATTERED_LINES


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
    if not _is_attribution(joined, quoted, framed=_is_framed(first, lines[end].bare)):
        return 0
    # If the lines from a later one on are a whole attribution, this line belongs to the reply.
    for later in range(start + 1, end + 1):
        if _is_next(first, _joined(lines, later, end)):
            return 0
    return end - start + 1


def scattered_attribution_at(lines: Sequence[Line], start: int) -> int:
    """Returns the number of lines of the attribution whose first piece is this line, or 0."""
    first = lines[start].bare
    if not lines[start].pieces_end or not _is_first_piece(first):
        return 0
    pieces = [first]
    for index in range(start + 1, min(start + SCATTERED_LINES, len(lines))):
        line = lines[index]
        if line.depth != lines[start].depth or len(line.bare) > PIECE_MAX:
            return 0
        if not line.bare:
            continue
        pieces.append(line.bare)
        if _ends_like_attribution(line.bare):
            whole = fold(" ".join(pieces))
            later = fold(" ".join(pieces[1:]))
            if not ADDRESS.search(whole) or not _is_whole(whole) or _is_next(first, later):
                return 0
            return index - start + 1
        if _ends_sentence(line.bare):
            return 0
    return 0


def _is_first_piece(bare: str) -> bool:
    """Tells whether a line is a date, with at most a name behind it, or the word before one."""
    if len(bare) > PIECE_MAX or not _begins_with_opener(fold(bare)) or _ends_sentence(bare):
        return False
    if not DATE.search(bare):
        return fold(bare) in ALONE_OPENERS
    behind = AFTER_DATE.split(bare)[-1].split()
    names = [word for word in behind if fold(word) not in WROTE]
    return len(names) <= NAME_WORDS and not any(word[0].islower() for word in names)


def _is_next(first: str, following: str) -> bool:
    """Tells whether an attribution begins behind this line, which then belongs to the reply."""
    if not _is_whole(following) or _names_author(first, following) or fold(first) in ALONE_OPENERS:
        return False
    # The time may be wrapped after the day.
    return bool(DAY.search(following)) or not DAY.search(first)


def _is_framed(first: str, last: str) -> bool:
    """Tells whether an attribution stands between dashes."""
    ends = first[:4].replace(" ", "")[:2] + last[-4:].replace(" ", "")[-2:]
    return len(ends) == 4 and not ends.strip(FRAMES)


def _ends_above_quote(lines: Sequence[Line], index: int) -> bool:
    """Tells whether a line with an address, in place of a verb, precedes marked lines."""
    bare = lines[index].bare
    if "@" not in bare or not (bare[-1] == ">" or DATE.search(bare)):
        return False
    return _quote_follows(lines, index) or _mark_follows(lines, index)


def is_doubtful(bare: str) -> bool:
    """Tells whether new words may precede the attribution in this line."""
    text = WHOLE_ADDRESS.sub("@", bare)
    if any(_is_word(found.group(1) or found.group(2)) for found in SENTENCE_WITHIN.finditer(text)):
        return True
    if INNER_DASHES.search(text) or len(DATE.findall(text)) > DATES_MAX:
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
    return first in ANSWERS or (bool(small) and not fold(" ".join(words)).startswith(QUOTING))


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
    if not last.isalnum() and last not in FRAMES + ")":
        return False
    text = fold(bare[-40:].rstrip(DASHES + COLONS))
    if not text.isascii() and text.endswith(WROTE_UNSPACED):
        return True
    words = text.rsplit(None, 1)
    if words and words[-1] in LAST_WORDS:
        return True
    framed = last in FRAMES and _is_framed(bare, bare)
    return framed and bool(DATE.search(bare) and VERB.search(fold(bare)))


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


def _begins_with_address(text: str) -> bool:
    """Tells whether a text begins with "Name <address>", and a few words follow."""
    name, opened, rest = text.partition("<")
    address, closed, behind = rest.partition(">")
    few = len(name.split()) <= NAME_WORDS and len(behind.split()) <= NAME_WORDS + 3
    return bool(opened and closed and few and ADDRESS.search(address))


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


def _is_attribution(text: str, quoted: bool, framed: bool = False) -> bool:
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
        named = _begins_with_opener(text) or _begins_with_address(text)
        return (colon and near) or ((colon or quoted) and named)
    last = verbs[-1]
    if last.group() in SAID and not quoted:
        return False
    if last.end() == len(body):
        if framed and (date or quoted or body.count(" ") < FRAMED_WORDS):
            return True
        return _ends_in_verb(text, colon, date, address, quoted)
    if not colon:
        return framed and date
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
