"""What all mailboxes of a fetcher process share: threads, limits, Kafka, PostgreSQL, statistics."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.clock import Clock
from postrail.settings import FetcherSettings
from postrail.stream.progress import CountsContacts
from services.fetcher.in_flight import InFlight
from services.fetcher.reading.publish import Publisher
from services.fetcher.refetch.queue import RefetchQueue
from services.fetcher.store import Store
from services.fetcher.threads import Threads


@dataclass(frozen=True, kw_only=True)
class SharedResources:
    """The resources that all mailboxes of a process share."""

    settings: FetcherSettings
    store: Store
    publisher: Publisher
    refetches: RefetchQueue
    progress: CountsContacts
    threads: Threads
    in_flight: InFlight
    clock: Clock
