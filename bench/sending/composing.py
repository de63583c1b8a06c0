"""Measures making the texts of a notification: `python -m bench.sending.composing`.

A line for each event, a column for each language. The rounds take turns, and the least CPU time
counts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from bench.mails import mails, make
from bench.sending.messages import occasion_of
from postrail.notifications import events
from postrail.notifications.events import Event
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.phrases import LANGUAGES
from postrail.notifications.templates.configured import message_by
from tests.makers.parsing import made

MAILS = 100
ROUNDS = 7
EVENTS = (
    events.ISSUE_CREATED,
    events.ISSUE_OPENED,
    events.COMMENTED,
    events.INTERNALLY_COMMENTED,
    events.mentioning(events.COMMENTED, frozenset({"bob@example.org"})),
    events.assigned_to("bob@example.org"),
)


def main() -> None:
    """Measures all events in all languages, and prints the figures."""
    occasions = [
        occasion_of(number, made(raw).record)
        for number, raw in enumerate(mails(make, "small", MAILS))
    ]
    best: dict[tuple[Event, str], float] = {}
    for _ in range(ROUNDS):
        for event in EVENTS:
            for language in LANGUAGES:
                spent = _cpu_ms(event, language, occasions)
                best[event, language] = min(spent, best.get((event, language), spent))
    table = Table("event", *LANGUAGES, title="Words and templates, CPU ms a message")
    for event in EVENTS:
        figures = (f"{best[event, language]:.3f}" for language in LANGUAGES)
        table.add_row(event.kind.value, *figures)
    Console().print(table)


def _cpu_ms(event: Event, language: str, occasions: Sequence[Occasion]) -> float:
    begun = time.process_time()
    for occasion in occasions:
        message_by(None, partial(issue_words, event, occasion), language)
    return (time.process_time() - begun) * 1000 / len(occasions)


if __name__ == "__main__":
    main()
