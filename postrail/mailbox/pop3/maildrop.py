"""Lists the messages that a POP3 session sees, with their keys, sizes and our numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.ledger import Ledger
from postrail.mailbox.pop3.dialogue import Dialogue, OutOfStep, Refused
from postrail.mailbox.pop3.faults import is_temporary
from postrail.mailbox.pop3.login import Capabilities
from postrail.mailbox.pop3.message_keys import hash_of, keys_of, numbered, size_of


@dataclass(frozen=True, slots=True)
class Maildrop:
    """The messages by our numbers; their places are valid in this session only (RFC 1939, 3)."""

    # Messages with the same key share a number.
    places: dict[int, list[int]]
    keys: dict[int, str]
    sizes: dict[int, int | None]
    # All numbers, in order.
    numbers: list[int]

    def place_of(self, number: int) -> int | None:
        """Returns the place of a message; None when it is gone."""
        return self.places.get(number, [None])[0]


class MaildropListing:
    """Lists the maildrop of a new session. Raises Refused and what the dialogue raises.

    A message that the server cuts while it is read for its key makes the session useless; its place
    is added to `cut_places`, and a listing in a new session does not read it.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        account: MailAccount,
        capabilities: Capabilities,
        cut_places: set[int],
    ) -> None:
        self._dialogue = dialogue
        self._account = account
        self._capabilities = capabilities
        self._cut_places = cut_places

    def take(self, ledger: Ledger, *, with_sizes: bool) -> Maildrop:
        """Lists all messages; reads those that have no unique id of their own."""
        ids = self._unique_ids()
        sizes = self._sizes(needed=not ids) if with_sizes or not ids else {}
        keys = keys_of(
            ids,
            sorted(ids.keys() | sizes.keys()),
            header_hash=self._header_hash,
            content_hash=lambda place: self._content_hash(place, sizes.get(place)),
        )
        numbers = ledger.number(list(dict.fromkeys(keys.values())))
        places: dict[int, list[int]] = {}
        for place, key in keys.items():
            places.setdefault(numbers[key], []).append(place)
        return Maildrop(
            places=places,
            keys={number: keys[first] for number, (first, *_) in places.items()},
            sizes={number: sizes.get(first) for number, (first, *_) in places.items()},
            numbers=sorted(places),
        )

    def _unique_ids(self) -> dict[int, bytes]:
        """Returns the unique id of each place; empty when the server lacks UIDL."""
        try:
            return dict(numbered(self._dialogue.listing("UIDL")))
        except Refused as error:
            # With other keys the known messages would count as new.
            if is_temporary(error) or "UIDL" in self._capabilities:
                raise
            return {}

    def _sizes(self, *, needed: bool) -> dict[int, int | None]:
        try:
            listed = numbered(self._dialogue.listing("LIST"))
            return {place: size_of(words) for place, words in listed}
        except Refused as error:
            if needed or is_temporary(error):
                raise
            return {}

    def _content_hash(self, place: int, size: int | None) -> str:
        if 0 < self._account.max_message_bytes < (size or 0):
            return self._header_hash(place)
        return self._hash_by_reading(place, size)

    def _header_hash(self, place: int) -> str:
        try:
            return self._hash(f"TOP {place} 0", place, header_only=True)
        except Refused:
            return self._hash_by_reading(place, header_only=True)

    def _hash_by_reading(
        self, place: int, size: int | None = None, *, header_only: bool = False
    ) -> str:
        try:
            return self._hash(f"RETR {place}", place, size, header_only=header_only)
        except Refused as error:
            if is_temporary(error):
                raise
            return _unread(place)

    def _hash(
        self, command: str, place: int, size: int | None = None, *, header_only: bool = False
    ) -> str:
        if place in self._cut_places:
            return _unread(place)
        read = 0

        def counted() -> Iterator[bytes]:
            nonlocal read
            for chunk in self._dialogue.chunks(command):
                read += len(chunk)
                yield chunk

        self._dialogue.require_in_step()
        digest = hash_of(counted(), header_only=header_only)
        try:
            self._dialogue.require_whole(read, size)
        except OutOfStep:
            self._cut_places.add(place)
            raise
        return digest


def _unread(place: int) -> str:
    """Returns a key all the same, by which a message is reported as unreadable."""
    return f"unread-{place}"
