"""Says when a person's day is summed up, and what of it is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from postrail.notifications.bundles.combine import MAX_CHARACTERS
from postrail.notifications.bundles.words import section
from postrail.notifications.issue_words import excerpt
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.readers import zone_of
from postrail.notifications.templates.words import Words

# How much of one comment, and of one issue, a digest holds: the issue has all of it.
COMMENT_MAX_CHARACTERS = 300
ISSUE_MAX_EVENTS = 20
DIGEST_MAX_ISSUES = 100


def next_hour(hour: int, time_zone: str, now: datetime) -> datetime:
    """Returns when it is next this hour in the time zone, in UTC where that is not known."""
    local = now.astimezone(zone_of(time_zone))
    at = local.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
    while at.astimezone(UTC) <= now:
        at += timedelta(days=1)
    return at.astimezone(UTC)


def lines_of_day(
    issues: Iterable[Sequence[Words]], phrases: Phrases
) -> list[tuple[tuple[str, str], ...]]:
    """Returns what happened to each issue, by its key and summary; more than fit is a further part.

    Nothing is left out: of an issue with very many events the rest follows below it again.
    """
    lines: list[tuple[str, str]] = []
    for events in issues:
        named = f"{events[-1].issue_key}{phrases.colon}{events[-1].issue_summary}"
        for start in range(0, len(events), ISSUE_MAX_EVENTS):
            part = events[start : start + ISSUE_MAX_EVENTS]
            lines.append((named, "\n\n".join(_told(one, phrases) for one in part)))
    return list(_parts(lines))


def _parts(lines: Sequence[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], ...]]:
    part: list[tuple[str, str]] = []
    characters = 0
    for line in lines:
        size = sum(map(len, line))
        if part and (len(part) >= DIGEST_MAX_ISSUES or characters + size > MAX_CHARACTERS):
            yield tuple(part)
            part, characters = [], 0
        part.append(line)
        characters += size
    if part:
        yield tuple(part)


def _told(words: Words, phrases: Phrases) -> str:
    sentence, text = section(words)
    if not text:
        return sentence
    return f"{sentence} {excerpt(text, COMMENT_MAX_CHARACTERS, words.issue_key, phrases)}"
