"""Reports once a second over Kafka what a process did for each mailbox, for the monitor.

Best effort: a lost report spoils a figure, never a message.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from postrail import __version__
from postrail.clock import Clock
from postrail.message_parts import MailboxProgress
from postrail.observe import metrics
from postrail.observe.health import Health
from postrail.observe.health_server import HealthServer
from postrail.records import PipelineProgress
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.topics import PIPELINE_PROGRESS
from postrail.tasks import set_within

REPORT_SECONDS = 1.0
# Upper bounds of the age buckets as the record spells them; the last has no bound.
AGE_BUCKETS = (*(f"{bound:g}" for bound in metrics.AGE_BUCKETS_SECONDS), "+Inf")


class Offers(Protocol):
    """The part of a producer that progress needs."""

    def offer(self, entry: Entry) -> None:
        """Hands a record over, best effort, without waiting."""


class Counts(Protocol):
    """The part of the progress that stages need."""

    def count(
        self,
        mailbox: str,
        outcome: str,
        *,
        age_seconds: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Counts a finished message: its outcome, its age since reception, the stage's own time."""


class CountsContacts(Counts, Protocol):
    """The part of the progress that the fetcher needs."""

    def contact(self, mailbox: str) -> None:
        """Notes that the mail server of this mailbox has just answered."""


@dataclass
class _Tally:
    """The counts of one mailbox since the last report."""

    outcomes: Counter[str] = field(default_factory=Counter)
    age_buckets: Counter[str] = field(default_factory=Counter)
    age_sum_seconds: float = 0.0
    last_contact_at: datetime | None = None

    def progress(self, mailbox: str) -> MailboxProgress:
        return MailboxProgress(
            mailbox=mailbox,
            outcomes=dict(self.outcomes),
            age_buckets=dict(self.age_buckets),
            age_sum_seconds=self.age_sum_seconds,
            last_contact_at=self.last_contact_at,
        )


class Progress:
    """Counts what the process does. Safe to call from any thread."""

    def __init__(
        self, *, service: str, health: Health, server: HealthServer, producer: Offers, clock: Clock
    ) -> None:
        self._service = service
        self._health = health
        self._server = server
        self._producer = producer
        self._clock = clock
        self._process = f"{service}@{socket.gethostname()}:{os.getpid()}"
        # Not the time, which is known later: see `SharedClock`.
        self._started = clock.steady()
        self._tallies: dict[str, _Tally] = {}
        self._lock = threading.Lock()

    def count(
        self,
        mailbox: str,
        outcome: str,
        *,
        age_seconds: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Counts a finished message: its outcome, its age since reception, the stage's own time."""
        metrics.observe_stage(self._service, outcome, seconds, age_seconds)
        with self._lock:
            tally = self._tally(mailbox)
            tally.outcomes[outcome] += 1
            if age_seconds is not None:
                tally.age_buckets[age_bucket(age_seconds)] += 1
                tally.age_sum_seconds += age_seconds

    def contact(self, mailbox: str) -> None:
        """Notes that the mail server of this mailbox has just answered."""
        with self._lock:
            self._tally(mailbox).last_contact_at = self._clock.now()

    def _tally(self, mailbox: str) -> _Tally:
        return self._tallies.setdefault(mailbox, _Tally())

    async def run(self, stop: asyncio.Event) -> None:
        """Reports at once, then once a second until `stop`, and once more at the end."""
        self.report()
        while not stop.is_set():
            await set_within(stop, REPORT_SECONDS)
            self.report()

    def report(self) -> None:
        """Sends the counts since the last report, and starts new ones."""
        entry = Entry(PIPELINE_PROGRESS, self._process, avro.encode(self._take()))
        self._producer.offer(entry)

    def _take(self) -> PipelineProgress:
        with self._lock:
            tallies, self._tallies = self._tallies, {}
        now = self._clock.now()
        return PipelineProgress(
            process=self._process,
            service=self._service,
            version=__version__,
            started_at=now - timedelta(seconds=self._clock.steady() - self._started),
            reported_at=now,
            address=self._server.address,
            ready=self._health.ready,
            mailboxes=[tally.progress(mailbox) for mailbox, tally in tallies.items()],
        )


def age_bucket(age_seconds: float) -> str:
    """Returns the upper bound of the bucket that an age falls into."""
    return AGE_BUCKETS[bisect_left(metrics.AGE_BUCKETS_SECONDS, age_seconds)]
