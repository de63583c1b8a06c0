"""Tells whether a text is an attribution, by its words: one line of text in, yes or no out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.parser.reply.lines import COLONS, COMPARED_MAX, fold
from services.parser.reply.words import (
    OPENERS,
    QUOTING,
    SAID,
    WROTE,
    WROTE_BEFORE_NAME,
    WROTE_UNSPACED,
)
from services.parser.text.word_patterns import Words

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
# "Jo wrote on 3 November 2025 at 10:30:", with nothing but the date behind the verb.
WROTE_ON = re.compile(r" (?:on|am|le|el|il|em|op|den|dne) (?=[^\n]*\d)[^\n]{4,40}$")
DASHES = " -\u2013\u2014*_=~"
# The third is Armenian.
ENDING_COLONS = COLONS + "\u055d"
WORDS_AFTER_VERB_MAX = 12
ALONE_MAX = 120
# "---- Jo Lindqvist wrote ----" has at most this many words.
FRAMED_WORDS = 6
NAME_WORDS = 5
# In a language without a table, at most this many characters may follow the address.
VERB_MAX = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class _Signs:
    """What a text has in common with attributions, and what stands around it."""

    date: bool
    address: bool
    # It ends with one.
    colon: bool
    # Lines that are marked as quoted follow it.
    quoted: bool
    # It stands between dashes.
    framed: bool


def is_whole(text: str) -> bool:
    """Tells whether a text is an attribution whatever follows, with its date."""
    return bool(DATE.search(text)) and is_attribution(text, quoted=False)


def is_attribution(text: str, *, quoted: bool, framed: bool = False) -> bool:
    """Tells whether a text is an attribution.

    `quoted` says that marked lines follow it, and `framed` that it stands between dashes.
    """
    if not text or len(text) > COMPARED_MAX + 200:
        return False
    signs = _Signs(
        date=bool(DATE.search(text)),
        address=bool(ADDRESS.search(text)),
        colon=text[-1] in ENDING_COLONS,
        quoted=quoted,
        framed=framed,
    )
    if signs.colon and signs.address and text.startswith(QUOTING):
        return True
    body = text.rstrip(ENDING_COLONS + DASHES)
    verbs = list(VERB.finditer(body))
    if not verbs:
        return _names_author_and_date(text, body, signs)
    last = verbs[-1]
    if last.group() in SAID and not quoted:
        return False
    if last.end() == len(body):
        return _ends_in_verb(text, body, signs)
    if signs.colon:
        return _has_verb_within(body, last, signs)
    return signs.date and (framed or (quoted and begins_with_opener(text)))


def _names_author_and_date(text: str, body: str, signs: _Signs) -> bool:
    """Tells whether a text without a known verb is an attribution."""
    if not (signs.address and signs.date):
        return False
    near = len(body) - max(map(body.rfind, ">)]")) <= VERB_MAX
    named = text[0] == '"' or begins_with_opener(text) or _begins_with_address(text)
    return (signs.colon and near) or ((signs.colon or signs.quoted) and named)


def _ends_in_verb(text: str, body: str, signs: _Signs) -> bool:
    if signs.framed and (signs.date or signs.quoted or body.count(" ") < FRAMED_WORDS):
        return True
    if signs.date and signs.address:
        return True
    if not signs.colon:
        return signs.date and signs.quoted
    dated = signs.date and begins_like_attribution(text)
    return signs.address or dated or (signs.quoted and len(text) <= ALONE_MAX)


def _has_verb_within(body: str, verb: re.Match[str], signs: _Signs) -> bool:
    """Tells whether words that end with a colon are an attribution with its verb before the end."""
    if signs.date and WROTE_ON.match(body, verb.end()):
        return True
    if signs.quoted and (signs.address or signs.date or len(body) < ALONE_MAX):
        return True
    few = body.count(" ", verb.end()) <= WORDS_AFTER_VERB_MAX
    return signs.date and few and (signs.address or verb.group() in WROTE_BEFORE_NAME)


def begins_like_attribution(bare: str) -> bool:
    """Tells whether a text may begin an attribution."""
    text = fold(bare[:COMPARED_MAX].strip(DASHES + "(\"'"))
    if not text:
        return False
    return (
        "<" in text
        or begins_with_opener(text)
        or bool(_LIKE_VERB.search(text) and VERB.search(text))
    )


def begins_with_opener(text: str) -> bool:
    """Tells whether a text begins with a number, or a word such as "On" or "Am"."""
    words = text.split(None, 1)
    return text[0].isdigit() or bool(words and fold(words[0].rstrip(".,")) in OPENERS)


def _begins_with_address(text: str) -> bool:
    """Tells whether a text begins with "Name <address>", and a few words follow."""
    name, opened, rest = text.partition("<")
    address, closed, behind = rest.partition(">")
    few = len(name.split()) <= NAME_WORDS and len(behind.split()) <= NAME_WORDS + 3
    return bool(opened and closed and few and ADDRESS.search(address))
