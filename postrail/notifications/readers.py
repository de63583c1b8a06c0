"""Writes what is for one recipient only: the greeting by name, and the time in their zone. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from unicodedata import normalize
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from postrail.notifications.mime.fields import without_directions
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.words import GREETING, TIME

NAME_CHARACTERS = 60
# "Lee, Ann", as directories write names; but not "Lee, Ann and Bob" or "Acme, Inc."
_TURNED = re.compile(r"([^\W\d_][\w'’ -]{0,40}), ([^\W\d_][\w'’-]{1,30}(?: [^\W\d_]\.?)?)")
_COMPANY = {"inc", "ltd", "llc", "gmbh", "corp", "co", "ag", "sa", "kg", "jr", "sr", "phd", "md"}
# Writings in which the family name comes first, also without a comma.
_FAMILY_FIRST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_ASIDE = re.compile(r"\s*[(\[{<][^)\]}>]*[)\]}>]?\s*")
# A name with one of these is an address, a link or a sentence: nobody is greeted so.
_NO_NAME = re.compile(r"[@/\\<>:;|=]|\.\w{2,}\b|\bwww\b", re.I)


def greeted(name: str) -> str:
    """Returns the name as people write it in a greeting, or ""."""
    words = " ".join(_ASIDE.sub(" ", without_directions(name)).strip(" \"'`´,").split())
    if not words or len(words) > NAME_CHARACTERS or _NO_NAME.search(normalize("NFKC", words)):
        return ""
    turned = _TURNED.fullmatch(words)
    if turned and turned[2].rstrip(".").lower() not in _COMPANY:
        names = turned[2], turned[1]
        words = " ".join(reversed(names) if _FAMILY_FIRST.search(words) else names)
    return words


def greeting(name: str, phrases: Phrases) -> str:
    """Returns the greeting of a person with this name, or of one whose name is not known."""
    found = greeted(name)
    return phrases.greeting.format(name=found) if found else phrases.greeting_of_all


def shown_time(at: datetime, time_zone: str) -> str:
    """Returns the time in the zone, with the zone's name; in UTC where the zone is not known."""
    local = at.astimezone(zone_of(time_zone))
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """Returns the time zone of this name; UTC if it is not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def tokens_of(
    shared: str, name: str, time_zone: str, at: datetime, phrases: Phrases
) -> Mapping[str, str]:
    """Returns the recipient's own texts, by name, as far as the text has a place."""
    found = {}
    if GREETING in shared:
        found["greeting"] = greeting(name, phrases)
    if TIME in shared:
        found["time"] = shown_time(at, time_zone)
    return found
