"""Lists the messages of a folder in Microsoft Graph that are to be read, by the ledger's numbers.

Delta reports what has changed. Its link is saved after the messages that it reported are recorded:
after a crash they are reported again, and the ledger recognizes them. Delta loses messages (with
immutable ids one that was moved away and back is reported as removed, and never again:
microsoft-graph-docs-contrib, issue 72), so the whole folder is listed from time to time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from postrail.clock import Clock
from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.graph.delta import Delta, Deltas
from postrail.mailbox.graph.faults import DeltaExpired, Refused
from postrail.mailbox.graph.http import GraphClient
from postrail.mailbox.ledger import Ledger
from postrail.observe.log import log
from postrail.wire.graph import segment

logger = log(__name__)

# PidTagMessageSize (MS-OXPROPS), as Graph's message has no field for its size. In the answer the
# number is written in another way.
SIZE_PROPERTY = "Long 0x0E08"
FIELDS = {"$select": "receivedDateTime"}
SIZES = {"$expand": f"singleValueExtendedProperties($filter=id eq '{SIZE_PROPERTY}')"}
DELTA_PAGE = 500
LIST_PAGE = 1000
# In larger folders keys are not forgotten, as that takes all keys at once.
FORGETTABLE = 20_000
# The newest read messages are remembered, as they may still have to be marked.
REMEMBERED = 1000
# A message that delta has not reported after this time is lost, or older than `only_after`.
OVERDUE = timedelta(minutes=10)
# A link without changes is saved again before it expires at Graph.
SAVED_AGAIN = timedelta(hours=1)
BAD_REQUEST = 400
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """A message in the folder."""

    number: int
    id: str
    size: int | None
    received_at: datetime | None

    @property
    def key(self) -> str:
        """Returns the key that identifies the message for good."""
        return key_of(self.id)


def key_of(immutable_id: str) -> str:
    """Returns the ledger's key, from which the mail_id is made."""
    return f"graph={immutable_id}"


class GraphListing:
    """The messages to be read from one folder, during one session."""

    def __init__(
        self,
        *,
        client: GraphClient,
        account: MailAccount,
        ledger: Ledger,
        deltas: Deltas,
        clock: Clock,
        full_listing: timedelta,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._deltas = deltas
        self._clock = clock
        self._full_listing = full_listing
        self._filter = (
            {"$filter": f"receivedDateTime ge {account.only_after}T00:00:00Z"}
            if account.only_after
            else {}
        )

    def begin(self, folder_id: str) -> None:
        """Continues where the last process stopped, if folder and filter are the same."""
        self._entries: dict[int, Entry] = {}
        # Messages up to this number are not remembered when they are reported.
        self._floor = 0
        self._delta_followed = False
        # Delta has reported all changes that it has.
        self._all_reported = True
        self._fields = FIELDS | SIZES
        self._newest = 0
        # The links to be saved, each once all messages up to its number are recorded.
        self._pending: list[tuple[int, Delta]] = []
        self._saved_at = self._clock.now()
        self._messages = f"mailFolders/{segment(folder_id)}/messages"
        selection = folder_id + self._filter.get("$filter", "")
        saved = self._deltas.load()
        if saved is not None and saved.selection == selection:
            self._delta = saved
        else:
            # Without a link delta reports all messages.
            self._delta = Delta(selection, "", self._clock.now())

    def above(self, number: int) -> list[Entry]:
        """Returns the messages above a number, in order; asks Graph when it knows none of them."""
        self._floor = number
        self._follow_delta(lambda: self._known_above(number))
        if not (found := self._known_above(number)) and self._listing_is_due():
            started = self._clock.now()
            self._list_all()
            self._delta = replace(self._delta, listed_at=started)
            self._save_later()
            found = self._known_above(number)
        return found

    def between(self, first: int, last: int) -> list[Entry]:
        """Returns the messages from `first` to `last` that delta reports again."""
        self._floor = first - 1
        self._follow_delta(lambda: self._known_above(last))
        return [entry for entry in self._known_above(first - 1) if entry.number <= last]

    def held(self, last: int) -> list[Entry]:
        """Returns all messages up to a number, and those that delta should have reported by now."""
        self._floor, known = 0, set(self._entries)
        there = set(self._list_all())
        overdue = self._clock.now() - OVERDUE

        def is_held(entry: Entry) -> bool:
            lost = self._all_reported and entry.number not in known
            return entry.number <= last or (lost and (entry.received_at or LONG_AGO) < overdue)

        return [entry for entry in self._known_above(0) if entry.key in there and is_held(entry)]

    def save(self, recorded: int) -> None:
        """Saves the last link that reported only messages up to a number.

        The caller has recorded them, and marked or moved them if the account asks for that.
        """
        passed = [delta for number, delta in self._pending if number <= recorded]
        if passed:
            self._deltas.save(passed[-1])
            self._saved_at = self._clock.now()
            del self._pending[: len(passed)]
        behind = sorted(number for number in self._entries if number <= recorded)
        for number in behind[:-REMEMBERED]:
            self.drop(number)

    def get(self, number: int) -> Entry | None:
        """Returns the message; None when it is gone."""
        if not self._delta_followed:
            self._follow_delta(lambda: self._known_above(number - 1))
        return self._entries.get(number)

    def drop(self, number: int) -> None:
        """Forgets a message that is gone."""
        self._entries.pop(number, None)

    def _known_above(self, number: int) -> list[Entry]:
        return [self._entries[found] for found in sorted(self._entries) if found > number]

    def _follow_delta(self, enough: Callable[[], Sequence[Entry]]) -> None:
        """Follows delta until `enough` returns something, or until all changes are read."""
        self._delta_followed = more = True
        followed: set[str] = set()
        while more and not enough():
            self._client.note_page(self._delta.link, followed)
            try:
                more = self._read_page()
            except DeltaExpired as error:
                if not self._delta.link:
                    raise
                logger.warning("delta expired, so all is listed anew", reason=error.problem)
                self._delta = replace(self._delta, link="")

    def _read_page(self) -> bool:
        """Reads a page of delta; returns whether another one follows."""
        if link := self._delta.link:
            page = self._client.get(link, page_size=DELTA_PAGE)
        else:
            page = self._first_page(f"{self._messages}/delta", self._filter, DELTA_PAGE)
        items = self._client.items(page)
        self._add([item for item in items if "@removed" not in item])
        self._remove({key_of(item["id"]) for item in items if "@removed" in item})
        following = page.get("@odata.nextLink")
        self._all_reported = following is None
        self._delta = replace(self._delta, link=following or page.get("@odata.deltaLink", ""))
        if items or self._clock.now() - self._saved_at > SAVED_AGAIN:
            self._save_later()
        return following is not None

    def _save_later(self) -> None:
        if self._pending and self._pending[-1][0] == self._newest:
            self._pending.pop()
        self._pending.append((self._newest, self._delta))

    def _add(self, items: Sequence[dict[str, Any]]) -> list[str]:
        """Numbers the messages, older ones first; returns their keys."""
        found = sorted(
            map(_entry, items), key=lambda entry: (entry.received_at or LONG_AGO, entry.id)
        )
        keys = [entry.key for entry in found]
        numbers = self._ledger.number(keys, whole=False) if keys else {}
        for entry in found:
            number = numbers[entry.key]
            if number > self._floor:
                self._entries[number] = replace(entry, number=number)
            self._newest = max(self._newest, number)
        return keys

    def _remove(self, keys: set[str]) -> None:
        gone = [number for number, entry in self._entries.items() if entry.key in keys]
        for number in gone:
            self.drop(number)

    def _listing_is_due(self) -> bool:
        return self._clock.now() - self._delta.listed_at >= self._full_listing

    def _list_all(self) -> list[str]:
        """Lists the whole folder, including what delta has lost; returns all keys."""
        keys = [key for page in self._pages() for key in self._add(page)]
        if len(keys) <= FORGETTABLE:
            self._ledger.number(keys, whole=True)
        return keys

    def _pages(self) -> Iterator[list[dict[str, Any]]]:
        query = self._filter | {"$top": str(LIST_PAGE), "$orderby": "receivedDateTime"}
        page, followed = self._first_page(self._messages, query), set[str]()
        while True:
            yield self._client.items(page)
            if not (link := page.get("@odata.nextLink")):
                return
            self._client.note_page(link, followed)
            page = self._client.get(link)

    def _first_page(self, path: str, query: dict[str, str], page_size: int = 0) -> dict[str, Any]:
        """Returns the first page, with sizes unless Graph refuses to list them."""
        try:
            return self._client.get(path, self._fields | query, page_size=page_size)
        except Refused as error:
            if error.status != BAD_REQUEST or self._fields == FIELDS:
                raise
            logger.warning("sizes of mails are not told", reason=error.problem)
            self._fields = FIELDS
            return self._client.get(path, self._fields | query, page_size=page_size)


def _entry(item: dict[str, Any]) -> Entry:
    return Entry(0, str(item["id"]), _size(item), _time(item.get("receivedDateTime")))


def _size(item: dict[str, Any]) -> int | None:
    """Returns the only property that we asked for; Graph may write its id in another way."""
    for found in item.get("singleValueExtendedProperties", []):
        value = str(found.get("value", ""))
        if value.isascii() and value.isdigit():
            return int(value)
    return None


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
