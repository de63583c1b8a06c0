"""Attributions, which say who wrote a quotation and when: lines in, their lengths out.

One to four lines are an attribution if they end like one and contain its elements: a verb for
"wrote", a date or a time, an address. This recognizes most of them in any language. More lines,
with empty ones between them, are one if they are its pieces, as made from elements of HTML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.parser.reply.attribution_words import (
    ADDRESS,
    DASHES,
    DATE,
    DAY,
    ENDING_COLONS,
    NAME_WORDS,
    VERB,
    VERB_WITHIN,
    begins_like_attribution,
    begins_with_opener,
    is_attribution,
    is_whole,
)
from services.parser.reply.lines import BARS, COMPARED_MAX, Line, fold, other_quote_mark
from services.parser.reply.words import PARTICLES, WROTE, WROTE_UNSPACED

WINDOW_LINES = 4
SCATTERED_LINES = 12
PIECE_MAX = 100
# Yahoo for Android writes these spaces between an attribution and its quotation.
APART = "   "
# The date, up to its last digit and the words for the time.
AFTER_DATE = re.compile(
    r"\d(?: ?(?:uhr|h|hrs|hours|[apπμ]\.? ?[mμ]\.?)(?!\w))?[,.:)]*", re.IGNORECASE
)
# Before a date in the next line. Others that precede a date are also answers: "no", "a".
ALONE_OPENERS = frozenset(
    ("on", "at", "am", "le", "el", "il", "em", "op", "den", "dne", "dňa", "w", "pe", "på")
)
LAST_WORDS = frozenset(verb.split()[-1] for verb in WROTE)
SENTENCE_END = (".", "!", "?", "\u3002", "\uff01", "\uff1f")
NO_LINE = Line("", 0, "no")
FRAMES = "-\u2013\u2014_=*~"
LAST_SIGNS = FRAMES + ")"


def mark_attribution_ends(lines: Sequence[Line]) -> None:
    """Sets `attribution_end` of each line: the nearest line of its paragraph that ends like one.

    This is computed once for all lines, since few of them are near such an end.
    """
    end = None
    last = len(lines) + SCATTERED_LINES
    below, marks = NO_LINE, False
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        bare = line.bare
        if not bare or len(bare) > COMPARED_MAX:
            end = None
        elif _ends_like_attribution(bare) or (
            # Most lines are above prose of the same depth.
            (below.depth > line.depth or marks) and _ends_above_quote(lines, index)
        ):
            end = last = index
        elif end is not None and (line.depth != lines[end].depth or end - index >= WINDOW_LINES):
            end = None
        if bare or line.depth:
            below, marks = line, ">" in bare[:4] or bare[:1] in BARS
        line.attribution_end = end
        line.pieces_end = last - index < SCATTERED_LINES


def attribution_at(lines: Sequence[Line], start: int) -> int:
    """Returns the number of lines of the attribution that begins here, or 0."""
    end = lines[start].attribution_end
    if end is None:
        return 0
    first = lines[start].bare
    if end > start and (_ends_sentence(first) or not begins_like_attribution(first)):
        return 0
    if _goes_on(lines, start, end):
        return 0
    joined = _joined(lines, start, end)
    quoted = _quote_follows(lines, end) or (bool(DATE.search(joined)) and _mark_follows(lines, end))
    # The marks of bold letters, which `bare` lacks, are also used as frames.
    framed = _is_framed(lines[start].text.strip(), lines[end].text.strip())
    if not is_attribution(joined, quoted=quoted, framed=framed):
        return 0
    # If the lines from a later one on are a whole attribution, this line belongs to the reply.
    for later in range(start + 1, end + 1):
        if _is_next(first, _joined(lines, later, end)):
            return 0
    return end - start + 1


def scattered_attribution_at(lines: Sequence[Line], start: int) -> int:
    """Returns the number of lines of the attribution whose first piece is this line, or 0."""
    first = lines[start].bare
    if not _is_first_piece(first) and not _is_name_piece(lines, start):
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
            if line.bare[-1] not in ENDING_COLONS and not ADDRESS.search(whole):
                continue
            later = fold(" ".join(pieces[1:]))
            if not ADDRESS.search(whole) or not is_whole(whole) or _is_next(first, later):
                return 0
            return index - start + 1
        if _ends_sentence(line.bare):
            return 0
    return 0


def _is_first_piece(bare: str) -> bool:
    """Tells whether a line is a date, with at most a name behind it, or the word before one."""
    if len(bare) > PIECE_MAX or not begins_with_opener(bare) or _ends_sentence(bare):
        return False
    if not DATE.search(bare):
        return fold(bare) in ALONE_OPENERS
    behind = AFTER_DATE.split(bare)[-1].split()
    names = [word for word in behind if fold(word) not in WROTE and fold(word) not in PARTICLES]
    return len(names) <= NAME_WORDS and not any(word[0].islower() for word in names)


def _is_name_piece(lines: Sequence[Line], start: int) -> bool:
    """Tells whether a line is a name, above a line that is only the "<" of its address."""
    for following in lines[start + 1 : start + 3]:
        if following.bare:
            words = lines[start].bare.split() if following.bare == "<" else []
            return 0 < len(words) <= NAME_WORDS and not words[0][0].islower()
    return False


def _is_next(first: str, following: str) -> bool:
    """Tells whether an attribution begins behind this line, which then belongs to the reply."""
    if following.startswith("<") or fold(first) in ALONE_OPENERS:
        return False
    if not is_whole(following) or _names_author(first, following):
        return False
    # The time may be wrapped after the day.
    return bool(DAY.search(following)) or not DAY.search(first)


def _is_framed(first: str, last: str) -> bool:
    """Tells whether an attribution stands between dashes."""
    ends = first[:4].replace(" ", "")[:2] + last[-4:].replace(" ", "")[-2:]
    return len(ends) == 4 and not ends.strip(FRAMES)


def _ends_above_quote(lines: Sequence[Line], index: int) -> bool:
    """Tells whether a line with an address or a verb, but no colon, precedes marked lines."""
    if not (_quote_follows(lines, index) or _mark_follows(lines, index)):
        return False
    bare = lines[index].bare
    dated = bool(DATE.search(bare))
    if "@" in bare:
        return dated or bare[-1] == ">"
    return dated and begins_with_opener(bare) and bool(VERB.search(fold(bare)))


def _ends_sentence(bare: str) -> bool:
    # A date may be wrapped after its year: "2024.", then "máj. 6.".
    return bare.endswith(SENTENCE_END) and not bare[-2:-1].isdigit()


def _names_author(first: str, following: str) -> bool:
    """Tells whether "Name <address>" precedes a date and a verb without an address."""
    return first.endswith(">") and not ADDRESS.search(following)


def _ends_like_attribution(bare: str) -> bool:
    last = bare[-1]
    if last in ENDING_COLONS:
        return True
    if "@" in bare and VERB_WITHIN.search(fold(bare)):
        return True
    if last.isalnum():
        word = bare.rsplit(None, 1)[-1]
        return fold(word) in LAST_WORDS or (not bare.isascii() and bare.endswith(WROTE_UNSPACED))
    if last not in LAST_SIGNS:
        return False
    end = bare[-40:].rstrip(DASHES + ENDING_COLONS)
    words = end.rsplit(None, 1)
    if words and fold(words[-1]) in LAST_WORDS:
        return True
    if not end.isascii() and end.endswith(WROTE_UNSPACED):
        return True
    framed = last in FRAMES and _is_framed(bare, bare)
    return framed and bool(DATE.search(bare) and VERB.search(fold(bare)))


def _joined(lines: Sequence[Line], start: int, end: int) -> str:
    """Joins the window to one line, up to the quotation if one begins in it."""
    text = fold(" ".join(line.bare for line in lines[start : end + 1]).strip(DASHES))
    if not text or text[-1] in ENDING_COLONS or (within := VERB_WITHIN.search(text)) is None:
        return text
    head = text[: within.end()]
    return head if DATE.search(head) and ADDRESS.search(head) else text


def _goes_on(lines: Sequence[Line], start: int, end: int) -> bool:
    """Tells whether a sentence goes on behind "wrote:", and no quotation begins."""
    text = " ".join(line.text.strip() for line in lines[start : end + 1])
    if text[-1:] in ENDING_COLONS or (within := VERB_WITHIN.search(text.lower())) is None:
        return False
    behind = text[within.end() :]
    return not behind.startswith(APART) and behind.strip(DASHES)[:1] not in ("", ">")


def _quote_follows(lines: Sequence[Line], end: int) -> bool:
    following = _next_written(lines, end)
    return following is not None and following.depth > lines[end].depth


def _mark_follows(lines: Sequence[Line], end: int) -> bool:
    following = _next_written(lines, end)
    return following is not None and bool(other_quote_mark(following.bare))


def _next_written(lines: Sequence[Line], index: int) -> Line | None:
    """Returns the next line with text, or with a deeper mark, if it is near."""
    depth = lines[index].depth
    for at in range(index + 1, min(index + 4, len(lines))):
        line = lines[at]
        if line.bare or line.depth > depth:
            return line
    return None
