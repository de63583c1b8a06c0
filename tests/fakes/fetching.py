"""The fetcher's resources in memory: producer, PostgreSQL, blob store, progress."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from postrail.clock import Clock, SettableClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.in_flight.mark import Deaths
from postrail.incoming.fetched import FetchedRow, UnreadableRow
from postrail.incoming.refetching import Refetch
from postrail.mailbox_state.reconciliation import Reconciliation, Round
from postrail.mailbox_state.sync_state import SyncState
from postrail.observe.health import Health
from postrail.records import BlobReference, MailFetched
from postrail.settings import FetcherSettings
from postrail.stream import avro
from postrail.stream.producer import Entry, Placed
from services.fetcher.in_flight import InFlight
from services.fetcher.reading.batch_read import Limits, Suspects
from services.fetcher.reading.publish import Publisher
from services.fetcher.refetch.queue import RefetchQueue
from services.fetcher.resources import SharedResources
from services.fetcher.step import Fetch
from services.fetcher.threads import Threads
from tests.fakes.mailboxes import MemoryMailbox, MemoryServer


class MemoryProducer:
    """Acknowledges all records, or raises the fault that a test has set."""

    def __init__(self) -> None:
        self.records: list[MailFetched] = []
        self.fault: Exception | None = None
        self.before_acknowledging: Callable[[], None] = lambda: None

    async def send(self, entries: Sequence[Entry]) -> list[Placed]:
        if self.fault:
            raise self.fault
        first = len(self.records)
        for entry in entries:
            record = avro.decode(entry.value)
            assert isinstance(record, MailFetched)
            assert entry.key == record.mailbox
            self.records.append(record)
        self.before_acknowledging()
        return [Placed(0, first + number) for number in range(len(entries))]


class NoMarks:
    """A mark that is not kept: no process has died."""

    async def take(self, work_ids: Sequence[str]) -> dict[str, Deaths]:
        return {}

    async def release(self) -> None:
        """Has nothing to clear."""

    async def forget(self, work_id: str, *, keep: int) -> None:
        """Has nothing to forget."""


class MemoryStore:
    """Keeps rows and states as PostgreSQL would; raises the faults that a test has set."""

    def __init__(self) -> None:
        self.all_accounts: list[MailAccount] = []
        self.states: dict[tuple[str, str], SyncState] = {}
        self.fetched: dict[str, FetchedRow] = {}
        self.unreadable: dict[str, UnreadableRow] = {}
        self.recorded_keys: set[str] = set()
        self.due: list[Reconciliation] = []
        self.rounds: list[Round] = []
        self.faults: list[Exception] = []
        self.contacts: list[tuple[str, str | None]] = []
        # Of each contact: when the poll began, if it left no message behind.
        self.read_until: list[datetime | None] = []
        self.asked_for: list[tuple[list[str], str, bool]] = []

    async def accounts(self) -> list[MailAccount]:
        self._check()
        return list(self.all_accounts)

    async def begin(self, mailbox: str, folder: str, uid_validity: int) -> SyncState:
        self._check()
        found = self.states.get((mailbox, folder))
        if found is None or found.uid_validity != uid_validity:
            generation = found.generation if found else 0
            found = SyncState(
                mailbox=mailbox, folder=folder, uid_validity=uid_validity, generation=generation
            )
            self.states[mailbox, folder] = found
        return found

    async def count_again(self, state: SyncState) -> SyncState:
        self._check()
        again = replace(state, generation=state.generation + 1, last_uid=0, finished_uid=0)
        self.states[state.mailbox, state.folder] = again
        return again

    async def record(
        self,
        state: SyncState,
        fetched: Sequence[FetchedRow],
        unreadable: Sequence[UnreadableRow],
        keys: Sequence[str] = (),
    ) -> set[str]:
        self._check()
        self.recorded_keys |= set(keys)
        new = {row.mail_id: row for row in fetched if row.mail_id not in self.unreadable}
        self.fetched = new | self.fetched
        self.unreadable = {row.mail_id: row for row in unreadable} | self.unreadable
        before = self.states[state.mailbox, state.folder]
        assert before.uid_validity == state.uid_validity
        self.states[state.mailbox, state.folder] = replace(
            state,
            last_uid=max(before.last_uid, state.last_uid),
            finished_uid=max(before.finished_uid, state.finished_uid),
        )
        return set(new)

    async def acknowledged(self, mail_ids: Sequence[str]) -> set[str]:
        self._check()
        return set(mail_ids) & set(self.fetched)

    async def contact(
        self, mailbox: str, error: PipelineError | None, read_until: datetime | None = None
    ) -> None:
        self.contacts.append((mailbox, error.problem if error else None))
        self.read_until.append(read_until)

    async def fetched_since(self, mailbox: str, since: datetime) -> int:
        return sum(
            row.mailbox == mailbox and row.fetched_at > since for row in self.fetched.values()
        )

    async def known(self, mail_ids: Sequence[str]) -> set[str]:
        self._check()
        return set(mail_ids) & (self.fetched.keys() | self.unreadable.keys())

    async def ask_for_failed(
        self, mail_ids: Sequence[str], requested_by: str, *, at_once: bool
    ) -> None:
        self.asked_for.append((sorted(mail_ids), requested_by, at_once))

    async def due_reconciliation(self, mailbox: str) -> Reconciliation | None:
        return self.due.pop(0) if self.due else None

    async def note_reconciliation(self, made: Reconciliation, found: Round) -> None:
        self.rounds.append(found)
        if not found.finished:
            self.due.insert(0, made)

    def _check(self) -> None:
        if self.faults:
            raise self.faults.pop(0)


class MemoryBlobs:
    """Keeps blobs and archived messages; raises the faults that a test has set."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.archived: dict[tuple[date, str, str], bytes] = {}
        self.faults: list[Exception] = []

    async def put_chunks(self, reference: BlobReference, chunks: Iterable[bytes]) -> None:
        if self.faults:
            raise self.faults.pop(0)
        data = b"".join(chunks)
        assert reference == BlobReference(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        self.blobs[reference.sha256] = data

    async def archive(
        self, day: date, mailbox: str, mail_id: str, size: int, chunks: Iterable[bytes]
    ) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.archived[day, mailbox, mail_id] = data = b"".join(chunks)
        assert len(data) == size


class NoRefetches(RefetchQueue):
    """Has no requests to publish messages again."""

    def __init__(self) -> None:
        """Needs no database."""

    async def due(
        self,
        mailboxes: Sequence[str],
        *,
        only_in_mailbox: bool,
        most: int | None = None,
        but: Collection[str] = (),
    ) -> list[Refetch]:
        return []


@dataclass
class MemoryProgress:
    """Keeps what was counted."""

    outcomes: list[tuple[str, str]] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)

    def count(
        self,
        mailbox: str,
        outcome: str,
        *,
        age_seconds: float | None = None,
        seconds: float | None = None,
    ) -> None:
        self.outcomes.append((mailbox, outcome))

    def contact(self, mailbox: str) -> None:
        self.contacts.append(mailbox)


class Neighbours:
    """All of them together. It has threads, so a test must close it."""

    def __init__(self, settings: FetcherSettings | None = None, archive_days: int = 0) -> None:
        self.settings = settings or FetcherSettings()
        self.producer = MemoryProducer()
        self.store = MemoryStore()
        self.blobs = MemoryBlobs()
        self.progress = MemoryProgress()
        self.health = Health()
        self.clock: Clock = SettableClock()
        self._archive_days = archive_days
        self._pool = ThreadPoolExecutor(2)
        self.threads = Threads(self._pool)

    @property
    def resources(self) -> SharedResources:
        publisher = Publisher(
            producer=self.producer,
            blobs=self.blobs,
            health=self.health,
            inline_max_bytes=self.settings.inline_max_bytes,
            archive_days=self._archive_days,
        )
        return SharedResources(
            settings=self.settings,
            store=self.store,
            publisher=publisher,
            refetches=NoRefetches(),
            progress=self.progress,
            threads=self.threads,
            in_flight=InFlight(NoMarks(), 2),
            clock=self.clock,
        )

    def close(self) -> None:
        self._pool.shutdown()


async def opened(
    server: MemoryServer,
    neighbours: Neighbours,
    suspects: Suspects | None = None,
    limits: Limits | None = None,
) -> Fetch:
    """Makes a fetch on a new connection, as a watch does."""
    mailbox = MemoryMailbox(server)
    state = await neighbours.store.begin("support", "INBOX", mailbox.open())
    return Fetch(neighbours.resources, mailbox, state, suspects or Suspects(), limits)


async def poll(fetch: Fetch) -> None:
    """Polls the mailbox once, as a watch does."""
    await fetch.take_new()
    await fetch.rest()


def account_named(name: str = "support", **changes: Any) -> MailAccount:
    """Makes an account; the test sets its server."""
    values: dict[str, Any] = {
        "name": name,
        "host": "localhost",
        "username": name,
        "password": "env:POSTRAIL_SECRET_MAIL",
        "address": f"{name}@example.org",
        "project": "HELP",
        "idle": False,
    }
    return MailAccount.model_validate(values | changes)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Waits until the condition holds; raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  There is no event to wait for.
            await asyncio.sleep(0.005)


async def until_blocking(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Waits as `until` does, for a condition that blocks, such as a query."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
