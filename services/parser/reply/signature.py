"""Signatures: the new lines of a reply in, the line where the signature begins out.

It follows a delimiter or a closing formula, or was added by a mail program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.parser.reply.lines import Line, fold, is_rule
from services.parser.reply.signature_words import (
    APOLOGIES,
    APOLOGY_TOPICS,
    CARRIERS,
    CLOSINGS,
    DEVICES,
    DISCLAIMERS,
    FROM_MY,
    FROM_MY_SENT,
    NOT_DEVICES,
    PROGRAM_PHRASES,
    SENT_FROM,
    SENT_FROM_MY,
)

# "-- " begins a signature (RFC 3676, section 4.3) of at most this length.
SIGNATURE_LINES = 30
# An element may contain more, as each cell of a table is a line.
MARKED_LINES = 60
DIVIDERS_MIN = 3
CLOSING_LINES = 16
CLOSING_MAX = 50
DETAILS_MAX = 200
MANY_LINES = 5
PROGRAM_MAX = 120
PROGRAM_WORDS = 10
# The names of devices that no table contains are at most this long.
DEVICE_WORDS = 4
DEVICE_MAX = 40
SHORT_WORDS = 3
APPS = (" app", " apps")
# The name of a device or a program that no table contains has a digit or a capital in a word.
DEVICE = re.compile(r"[^\W\d_]-?[A-Z0-9]")
APOLOGY_MAX = 90
# Mail trackers leave this character, which most fonts show as a dot, in a line of its own.
TRACKER_MARKS = "\u1427 "
FRAME = "[]<>(){}*|\"'-\u2013\u2014_~=\u00ab\u00bb "
PHONE = re.compile(r"\d[\d ()/.-]{5,}\d")
DETAIL = re.compile(r"@|https?:|www\.|" + PHONE.pattern)
# Ends the name of the device; the person's own sentence may follow.
CLAUSE_END = re.compile(r"[,;:!?\u3002\uff0c(]|\.\s|\s[-\u2013\u2014]+\s")
LINK = re.compile(r"<[^<>]*>|\(https?:[^()]*\)|https?:\S+")
GET_APP = re.compile(r"Get [A-Z]\w+ for (?:iPhone|iPad|iOS|Android|Mac|Windows)")
PUNCTUATION = " \t,.!;:-\u2013\u2014\uff0c\u3002*_~"
AROUND = PUNCTUATION + FRAME
_FIRST_WORDS = frozenset(before.split(" ")[0] for before, _ in SENT_FROM if before)
_UNSPACED = tuple(before for before, _ in SENT_FROM if before and ord(before[0]) > 0x2E7F)
_FROM_MY = SENT_FROM_MY + FROM_MY + tuple(before for before, _ in FROM_MY_SENT)
_ENDINGS = tuple(after for before, after in SENT_FROM if not before)


def signature_at(lines: Sequence[Line], start: int, end: int) -> int:
    """Returns the line where the signature in lines[start:end] begins, or `end`."""
    while end > start and not lines[end - 1].bare:
        end -= 1
    stop = _delimiter(lines, start, end)
    stop = _disclaimer(lines, start, stop)
    stop = _program(lines, start, stop)
    for find in (_marked, _ruled, _closing):
        if (above := find(lines, start, stop)) < stop:
            stop = _program(lines, start, above)
    return stop


def _marked(lines: Sequence[Line], start: int, end: int) -> int:
    """Returns the first of the last lines that are in the element of a signature."""
    first = end
    for index in range(end - 1, max(start, end - MARKED_LINES) - 1, -1):
        if lines[index].signs:
            first = index
        elif lines[index].bare:
            break
    return first


def _delimiter(lines: Sequence[Line], start: int, end: int) -> int:
    first = max(start, end - SIGNATURE_LINES)
    for index in range(first, end):
        text = lines[index].text
        dashes = text.startswith("--") and text.strip("-\u00a0 \t\r") == ""
        if dashes and text.count("-") == 2 and not _divides(text, lines[first:end]):
            return index
        if text.startswith("__") and not text.strip("_ \t"):
            following = lines[index + 1 : end]
            if following and _is_footer(following):
                return index
    return end


def _divides(text: str, lines: Sequence[Line]) -> bool:
    """Tells whether a delimiter, without the space of the standard, is one of several in a list."""
    same = (line.text.rstrip("\r") == "--" for line in lines)
    return text.rstrip("\r") == "--" and sum(same) >= DIVIDERS_MIN


def _is_footer(lines: Sequence[Line]) -> bool:
    """Recognizes the footer of a mailing list: a few short lines with an address."""
    if len(lines) > CLOSING_LINES or any(len(line.bare) > DETAILS_MAX for line in lines):
        return False
    return any(DETAIL.search(line.bare) for line in lines)


def _disclaimer(lines: Sequence[Line], start: int, end: int) -> int:
    for index in range(max(start, end - SIGNATURE_LINES), end):
        if index and lines[index - 1].bare and index > start:
            continue
        if fold(lines[index].bare[:40]).lstrip("*_ ").startswith(DISCLAIMERS):
            return index
    return end


def _program(lines: Sequence[Line], start: int, end: int) -> int:
    """Returns the first of the last lines that a device or a program added."""
    while end > start:
        index = end - 1
        while index > start and not lines[index].bare:
            index -= 1
        if not is_program_line(lines[index].bare):
            break
        ruled = index - 1 > start and is_rule(lines[index - 1].bare)
        end = index - 1 if ruled else index
    return _apology(lines, start, end)


def _apology(lines: Sequence[Line], start: int, end: int) -> int:
    """Returns the line that apologizes for the device which the line below names."""
    if end == len(lines) or not is_program_line(lines[end].bare):
        return end
    index = end - 1
    while index > start and not lines[index].bare:
        index -= 1
    return index if index > start and is_apology(lines[index].bare) else end


def is_program_line(bare: str) -> bool:
    """Recognizes lines like "Sent from my iPhone" and the marks of mail trackers."""
    if not bare or len(bare) > 2 * PROGRAM_MAX:
        return False
    if not bare.strip(TRACKER_MARKS):
        return True
    linked = "<" in bare or "http" in bare
    line = (LINK.sub(" ", bare.strip(FRAME)) if linked else bare).strip(AROUND)
    text = fold(line)
    if not text.strip() or len(text) > PROGRAM_MAX:
        return False
    phrase, _, rest = _clauses(text)
    if rest and is_apology(phrase) and phrase not in PROGRAM_PHRASES:
        line, text = line[-len(rest) :], rest
        phrase, _, rest = _clauses(text)
    if GET_APP.fullmatch(line) or _sent_by_program(text, line) or _sent_by_device(text, line):
        return True
    if phrase.strip() not in PROGRAM_PHRASES:
        return False
    return not rest or any(topic in rest for topic in APOLOGY_TOPICS)


def is_apology(text: str) -> bool:
    """Recognizes "Please excuse typos", as it stands beside the name of the device."""
    text = fold(text).strip(PUNCTUATION)
    if len(text) > APOLOGY_MAX or not any(topic in text for topic in APOLOGY_TOPICS):
        return False
    return text.startswith(APOLOGIES) or len(text.split()) <= SHORT_WORDS


def _apologizes(rest: str) -> bool:
    """Accepts nothing but an apology behind a device, or a few words and then an apology."""
    few, _, last = _clauses(rest)
    short = len(few.split()) <= SHORT_WORDS
    return not rest or is_apology(rest) or (short and is_apology(last))


def _clauses(text: str) -> tuple[str, str, str]:
    """Splits a text at the end of its first clause."""
    end = CLAUSE_END.search(text)
    if end is None:
        return text, "", ""
    return text[: end.start()], end.group(), text[end.end() :].strip(AROUND)


def _sent_by_program(text: str, line: str) -> bool:
    first = next(iter(text.split(None, 1)), "")
    if first not in _FIRST_WORDS and not text.startswith(_UNSPACED) and not text.endswith(_ENDINGS):
        return False
    return any(_matches_program(text, line, before, after) for before, after in SENT_FROM)


def _sent_by_device(text: str, line: str) -> bool:
    """Recognizes the sender's own device: "Sent from my KX-90"."""
    if not text.startswith(_FROM_MY):
        return False
    if any(text.startswith(before) and after in text for before, after in FROM_MY_SENT):
        named, _, rest = _clauses(text)
        short = len(named.split()) <= DEVICE_WORDS + SHORT_WORDS
        place = any(word in named for word in NOT_DEVICES)
        ends = any(named.endswith(after) for _, after in FROM_MY_SENT)
        device = _is_device(named, line, rest)
        return short and ends and not place and device and _apologizes(rest)
    for before in SENT_FROM_MY:
        if text.startswith(before):
            named, _, rest = _clauses(text[len(before) :].strip())
            words = named.split()
            short = 0 < len(words) <= DEVICE_WORDS and len(named) <= DEVICE_MAX
            place = any(word in named for word in NOT_DEVICES)
            device = _is_device(named, line, rest)
            return short and not place and device and _apologizes(rest)
    for before in FROM_MY:
        if text.startswith(before):
            named, _, rest = _clauses(text[len(before) :].strip())
            words = named.split()
            known = all(word.startswith(DEVICES) or word[-1:].isdigit() for word in words)
            return known and bool(words) and _apologizes(rest)
    return False


def _matches_program(text: str, line: str, before: str, after: str) -> bool:
    if not text.startswith(before) or not (text.endswith(after) or after in text[-30:]):
        return False
    rest = text[len(before) :]
    named = CLAUSE_END.split(rest, maxsplit=1)[0].strip(PUNCTUATION)
    if not named or len(named.split()) > PROGRAM_WORDS:
        return False
    if named.endswith(APPS):
        return True
    if any(device in named for device in DEVICES):
        return _names_device(named)
    # "Sent from TypeApp": an unknown name is accepted if the line contains nothing else.
    own = line[len(before) :].strip(PUNCTUATION)
    if not before:
        # "AQUOS\u304b\u3089\u9001\u4fe1": a name in other letters than the words around it.
        name = line[: len(line) - len(after)].strip()
        short = name.isascii() and 0 < len(name) <= DEVICE_MAX
        return not after.isascii() and short and bool(DEVICE.search(name))
    short = len(named.split()) <= 2 and own[:1].isupper() and named == rest.strip()
    return short and _is_device(named, line, "")


def _is_device(named: str, line: str, apology: str) -> bool:
    """Tells a device or a program from a person or a place, which may be the sender's, too."""
    in_capitals = line[:2].isupper()
    named_so = bool(DEVICE.search(line)) and not in_capitals and named not in CARRIERS
    known = any(device in named for device in DEVICES) and _names_device(named)
    return bool(apology) or known or named_so


def _names_device(named: str) -> bool:
    """Tells whether a word names a device; in scripts without spaces, any part of the text."""
    if not named.isascii() and any(ord(letter) > 0x2E7F for letter in named):
        return True
    words = re.findall(r"[\w&.-]+", named)
    return any(word.startswith(DEVICES) for word in words)


def _closing(lines: Sequence[Line], start: int, end: int) -> int:
    """Returns the first line of contact details after a closing formula and a name, or `end`."""
    for index in range(max(start, end - CLOSING_LINES), end):
        bare = lines[index].bare
        if len(bare) > CLOSING_MAX or fold(bare.strip(PUNCTUATION)) not in CLOSINGS:
            continue
        written = [at for at in range(index + 1, end) if lines[at].bare]
        details = [lines[at].bare for at in written[1:]]
        if not details or any(_is_prose(detail) for detail in details):
            continue
        if len(details) >= MANY_LINES or any(DETAIL.search(detail) for detail in details):
            return written[1]
    return end


def _ruled(lines: Sequence[Line], start: int, end: int) -> int:
    """Returns the first of two equal rules around a name and its contact details, or `end`."""
    last = end - 1
    while last > start and not lines[last].bare:
        last -= 1
    if last <= start or not is_rule(lines[last].bare):
        return end
    for index in range(last - 1, max(start, last - 1 - CLOSING_LINES), -1):
        if is_rule(lines[index].bare):
            details = [line.bare for line in lines[index + 1 : last] if line.bare]
            above = next((line.bare for line in reversed(lines[start:index]) if line.bare), "")
            announced = above.endswith((":", "\uff1a"))
            equal = lines[index].bare == lines[last].bare
            return index if equal and not announced and _is_card(details) else end
    return end


def _is_card(details: Sequence[str]) -> bool:
    """Recognizes a name, an address and a telephone number."""
    if not details or DETAIL.search(details[0]) or any(_is_prose(detail) for detail in details):
        return False
    return any("@" in detail for detail in details) and any(map(PHONE.search, details))


def _is_prose(detail: str) -> bool:
    return len(detail) > DETAILS_MAX or fold(detail[:4]).startswith(("p.s", "ps:", "ps "))
