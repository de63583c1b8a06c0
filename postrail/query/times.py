"""Reads dates, times, differences such as -7d, and functions such as startOfDay()."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from postrail.query.errors import error_at
from postrail.query.tree import Call, Value, Word
from postrail.query.vocabulary import Vocabulary

_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")
_DIFFERENCE = re.compile(r"([+-]?)((?:\d{1,6}[yMwdhm]\s*)+)")
_PART = re.compile(r"(\d+)([yMwdhm])")
_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1)}
_FORMS = "Write 2026-01-31, '2026-01-31 10:30', -7d (y M w d h m), now() or startOfDay()"
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A day, or a minute: its first moment, and the first one after it; in UTC."""

    start: datetime
    end: datetime
    # The day of the first moment, in the zone of the person who asks.
    day: date


def span_of(value: Value, text: str, vocabulary: Vocabulary) -> Span:
    """Returns the time that a value means; raises QueryError for any other value."""
    word = value.name if isinstance(value, Call) else value
    try:
        if isinstance(value, Call):
            return _span(_called(value, text, vocabulary), timedelta(minutes=1))
        return _written(value, text, vocabulary)
    except (OverflowError, ValueError):
        raise error_at(word, text, f"{word.text!r} is no possible time", remedy=_FORMS) from None


def _written(word: Word, text: str, vocabulary: Vocabulary) -> Span:
    if found := _DATE.fullmatch(word.text.strip()):
        year, month, day, hour, minute = (int(part or 0) for part in found.groups())
        local = datetime(year, month, day, hour, minute, tzinfo=vocabulary.zone)
        return _span(local, timedelta(minutes=1) if found[4] else timedelta(days=1))
    if _DIFFERENCE.fullmatch(word.text.strip()):
        return _span(_shifted(_now(vocabulary), word), timedelta(minutes=1))
    raise error_at(word, text, f"{word.text!r} is not a time", remedy=_FORMS)


def _span(local: datetime, length: timedelta) -> Span:
    # A day is from midnight to midnight by the clock on the wall, also when the clock changes.
    return Span(local.astimezone(UTC), (local + length).astimezone(UTC), local.date())


def _now(vocabulary: Vocabulary) -> datetime:
    return vocabulary.now.astimezone(vocabulary.zone)


def _shifted(local: datetime, word: Word) -> datetime:
    """Returns the time moved by a difference; months and days keep the time on the wall clock."""
    found = _DIFFERENCE.fullmatch(word.text.strip())
    if not found:
        raise ValueError(word.text)
    sign = -1 if found[1] == "-" else 1
    for number, unit in _PART.findall(found[2]):
        amount = sign * int(number)
        if unit in "yM":
            local = _months_later(local, amount * (12 if unit == "y" else 1))
        elif unit in "wd":
            local += amount * _UNITS[unit]
        else:
            step = _UNITS.get(unit, timedelta(minutes=1))
            local = (local.astimezone(UTC) + amount * step).astimezone(local.tzinfo)
    return local


def _months_later(local: datetime, months: int) -> datetime:
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))


def _called(call: Call, text: str, vocabulary: Vocabulary) -> datetime:
    name = call.name.text.lower()
    if name not in TIME_FUNCTIONS:
        problem = f"{call.name.text}() is not a time"
        raise error_at(call.name, text, problem, remedy=_FORMS)
    now = _now(vocabulary)
    if name == "now":
        if call.arguments:
            raise error_at(call.name, text, "now() has no argument")
        return now
    edge, unit = re.fullmatch(r"(start|end)of(\w+)", name).groups()  # type: ignore[union-attr]
    start = _STARTS[unit](_midnight(now.date(), now))
    start = _moved(start, unit, call, text)
    return start if edge == "start" else _NEXT[unit](start) - _MICROSECOND


def _moved(start: datetime, unit: str, call: Call, text: str) -> datetime:
    """Returns the time moved by the argument of a function: -1 is by one of its own unit."""
    if not call.arguments:
        return start
    if len(call.arguments) > 1 or not isinstance(call.arguments[0], Word):
        raise error_at(call.name, text, f"{call.name.text}() has one difference, such as -1d")
    word = call.arguments[0]
    if re.fullmatch(r"[+-]?\d{1,6}", word.text):
        word = Word(word.text + _LETTERS[unit], word.line, word.column)
    if not _DIFFERENCE.fullmatch(word.text):
        raise error_at(word, text, f"{word.text!r} is not a difference", remedy="Write: -1d")
    return _shifted(start, word)


def _midnight(day: date, like: datetime) -> datetime:
    return datetime.combine(day, time(), tzinfo=like.tzinfo)


_LETTERS = {"day": "d", "week": "w", "month": "M", "year": "y"}
_STARTS: dict[str, Callable[[datetime], datetime]] = {
    "day": lambda start: start,
    "week": lambda start: start - timedelta(days=start.weekday()),
    "month": lambda start: start.replace(day=1),
    "year": lambda start: start.replace(month=1, day=1),
}
_NEXT: dict[str, Callable[[datetime], datetime]] = {
    "day": lambda start: start + timedelta(days=1),
    "week": lambda start: start + timedelta(weeks=1),
    "month": lambda start: _months_later(start, 1),
    "year": lambda start: _months_later(start, 12),
}
TIME_FUNCTIONS = {"now", *(f"{edge}of{unit}" for edge in ("start", "end") for unit in _STARTS)}
