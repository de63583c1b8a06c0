"""Headings behind new words in the same line: lines in, the places where they begin out.

Programs that convert HTML join the last new line with what follows it, and some people answer in
the line of the attribution. Without a place, all of the line would be taken for the attribution.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence

from services.parser.reply.attribution import WINDOW_LINES, mark_attribution_ends
from services.parser.reply.attribution_words import ADDRESS, DATE, VERB_WITHIN
from services.parser.reply.headings import BLOCK_LINES, FIELD_NAME_MAX, heading_at
from services.parser.reply.lines import COMPARED_MAX, Line, bare, fold, mark_initials
from services.parser.reply.words import ABBREVIATIONS, FIELDS, OPENERS

# At most this number of lines of a text is tried, and of each the last places.
LINES_TRIED = 100
PLACES_TRIED = 6
PLAIN_MAX = 120
CLAUSES = (". ", "!", "?", "--", "\u2014", "\u2013", "\u2026", "\u3002", " - ", "___", "===", "~~~")
# A header block may follow the words of a whole paragraph.
SEARCHED_MAX = 4000
DATE_WITHIN = 40
# With fewer words before it, an opener may be the second word of the attribution.
WORDS_BEFORE = 3
MONTHS = frozenset(
    re.findall(
        r"\w+",
        "jan feb mar apr may jun jul aug sep oct nov dec january february march april june july"
        " august september october november december",
    )
)
PREPOSITIONS = frozenset(re.findall(r"\w+", "on at am le el il em op den dne dňa w pe på 在 於 于"))
# Words between an opener and a date: "W dniu", "In data", "Il giorno", "Am Montag, dem".
BETWEEN = frozenset(re.findall(r"\w+", "dniu data giorno dia día dem the"))
# The fields with which a header block begins.
FIRST_FIELDS = frozenset(name for name, role in FIELDS.items() if role in ("from", "date"))
FIELD_WORDS = 3
# "dim.", "ven."
WEEKDAY_MAX = 4
# Each pattern finds places where a heading may begin; the letters decide, whatever is before them.
OPENER = re.compile(
    r"[A-Z\u00c0-\u00de\u0400-\u042f][^\W\d_A-Z\u00c0-\u00de\u0400-\u042f]{0,12}(?=[\s,.])"
    r"|(?:在|於|于|בתאריך)(?= ?\S*\d)"
)
WHOLE_DATE = re.compile(
    r"(?<![\w./:-])(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?!\d)|\d{4}[年년]"
)
SENTENCE = re.compile(
    r"(?<=[^\W\d_]{2})[.!?\u2026]+[\"')\u201d\u00bb]*\s+"
    r"(?=(?P<small>[^\W\d_]{2,4}\.? \d|\d{1,2}\.? [^\W\d_])|[^\W\d_a-z])|[。！？]\s*"
)
DASHES = re.compile(r"-{2,}|\u2014+|\u2013+|_{3,}|={3,}|~{3,}")
LONG_DASHES = ("\u2013", "\u2014")
COLON = re.compile(r" ?[:\uff1a]")
WORD = re.compile(r"[^\W_]+")
ENDS = "-:\uff1a"
JOINTS = " \t\u00a0-\u2013\u2014_=~"
CLAUSE_ENDS = ".!?\u2026\u3002\uff01\uff1f)-\u2013\u2014"


def parted(lines: list[Line]) -> list[Line]:
    """Divides lines in which a heading begins, and marks what `layers_of` needs."""
    places = inner_headings(lines)
    if not places:
        return lines
    found: list[Line] = []
    for index, line in enumerate(lines):
        if (place := places.get(index)) is None:
            found.append(line)
            continue
        found.append(Line(line.text[:place], 0, bare(line.text[:place])))
        found.append(_behind(line, place))
    mark_attribution_ends(found)
    return found


def inner_headings(lines: Sequence[Line]) -> dict[int, int]:
    """Returns the lines in which a heading begins behind new words, each with the place."""
    mark_initials(lines)
    mark_attribution_ends(lines)
    found: dict[int, int] = {}
    tried = 0
    for index, line in enumerate(lines):
        text = line.text
        # Most lines are prose without a colon.
        plain = ":" not in text and "\uff1a" not in text and text[-1:] not in ENDS
        if plain and line.attribution_end is None and len(text) <= COMPARED_MAX:
            continue
        if not line.bare or line.depth or tried == LINES_TRIED or not _may_contain(lines, index):
            continue
        tried += 1
        if place := _place(lines, index):
            found[index] = place
    return found


def _may_contain(lines: Sequence[Line], index: int) -> bool:
    """Tells quickly whether a heading may begin within this line."""
    line = lines[index]
    if line.attribution_end is not None:
        return True
    text, following = line.text, lines[index + 1] if index + 1 < len(lines) else line
    if len(text) > COMPARED_MAX and (following.attribution_end is not None or text[-1] in ENDS):
        return True
    if ":" not in text and "\uff1a" not in text:
        return text[-1] in ENDS and "--" in text
    # A header block names an address or a year in one of its first lines.
    block = any(sign in text or sign in following.text for sign in ("@", "20"))
    return block and any(_fields(text))


def _place(lines: Sequence[Line], index: int) -> int:
    """Returns where the heading begins, or 0: the last place where all that follows is one."""
    text = lines[index].text
    # Most attributions begin their line, and are alone in it.
    if len(text) < PLAIN_MAX and _first_word_opens(text) and not any(s in text for s in CLAUSES):
        return 0
    for place in sorted(_places(text), reverse=True)[:PLACES_TRIED]:
        start = len(text[:place].rstrip(JOINTS))
        if any(map(str.isalnum, text[:start])) and _is_heading(lines, index, start):
            return start
    return 0


def _is_heading(lines: Sequence[Line], index: int, place: int) -> bool:
    behind = _behind(lines[index], place)
    within = VERB_WITHIN.search(fold(behind.bare))
    if within and behind.bare[within.end() :].strip(JOINTS)[:1] not in ("", ">"):
        # A sentence that goes on behind "wrote:".
        return False
    if not any(map(str.isalnum, behind.bare)):
        return False
    count = (
        BLOCK_LINES if ":" in behind.bare[:FIELD_NAME_MAX].replace("\uff1a", ":") else WINDOW_LINES
    )
    window = [behind, *map(copy.copy, lines[index + 1 : index + 1 + count])]
    mark_attribution_ends(window)
    heading = heading_at(window, 0)
    return heading is not None and not heading.forwards


def _behind(line: Line, place: int) -> Line:
    text = line.text[place:]
    return Line(text, 0, bare(text), joined=True)


def _places(text: str) -> Iterator[int]:
    """Yields the places where a heading may begin."""
    first = max(1, len(text) - COMPARED_MAX)
    for found in OPENER.finditer(text, first):
        if _is_opener(text, found):
            yield found.start()
    for found in WHOLE_DATE.finditer(text, first):
        if _is_before_date(text, found.start()):
            yield found.start()
    for found in SENTENCE.finditer(text, first):
        before = text[: found.start()]
        if _is_sentence(before) and not (found["small"] and _may_be_date(before)):
            yield found.end()
    for found in DASHES.finditer(text, first):
        if found.group() not in LONG_DASHES or not _is_within(text, found.start()):
            yield found.start()
    yield from _fields(text)


def _may_be_date(before: str) -> bool:
    """Tells whether words before a day may be the weekday or the month of its date."""
    return len(before) <= WEEKDAY_MAX or any(map(str.isdigit, before))


def _is_within(text: str, place: int) -> bool:
    """Tells a place between the only date of an attribution and its author."""
    return bool(DATE.search(text[:place])) and not DATE.search(text, place)


def _fields(text: str) -> Iterator[int]:
    """Yields the places of the fields with which a header block may begin."""
    for colon in COLON.finditer(text, 1, SEARCHED_MAX):
        start = max(0, colon.start() - FIELD_NAME_MAX)
        words = list(WORD.finditer(text, start, colon.start()))
        for word in words[-FIELD_WORDS:]:
            name = text[word.start() : colon.start()]
            if not name[0].islower() and fold(name) in FIRST_FIELDS:
                yield word.start()
                break


def _is_opener(text: str, found: re.Match[str]) -> bool:
    """Tells an opener before a date, that is not within an attribution."""
    before, word = text[: found.start()], fold(found.group())
    if word not in OPENERS or word in MONTHS or before[-1:].isupper():
        return False
    if not any(map(str.isdigit, text[found.end() : found.end() + DATE_WITHIN])):
        return False
    if _ends_in_opener(before):
        return False
    if _ends_clause(before):
        return True
    if DATE.search(before) or ADDRESS.search(before):
        return False
    if len(before.split()) >= WORDS_BEFORE:
        return True
    # A weekday may be the second word of an attribution in a language without a table.
    return word in PREPOSITIONS and not _first_word_opens(before)


def _is_before_date(text: str, place: int) -> bool:
    """Tells words before a date that is the first word of an attribution."""
    before = text[:place]
    if _ends_in_opener(before) or _ends_clause(before):
        return _ends_clause(before) and not _ends_in_opener(before)
    if DATE.search(before) or ADDRESS.search(before) or _first_word_opens(before):
        return False
    return bool(ADDRESS.search(text, place))


def _ends_clause(before: str) -> bool:
    return before.rstrip()[-1:] in CLAUSE_ENDS


def _first_word_opens(before: str) -> bool:
    words = before.split(None, 1)
    return bool(words) and fold(words[0].strip(".,")) in OPENERS


def _ends_in_opener(before: str) -> bool:
    words = WORD.findall(before[-COMPARED_MAX:])
    return bool(words) and (fold(words[-1]) in OPENERS or fold(words[-1]) in BETWEEN)


def _is_sentence(before: str) -> bool:
    """Tells whether the words before a full stop are a sentence, and no part of a name."""
    last = fold("".join(WORD.findall(before[-COMPARED_MAX:])[-1:]))
    if last in ABBREVIATIONS or last in OPENERS:
        return False
    return not DATE.search(before) and not ADDRESS.search(before)
