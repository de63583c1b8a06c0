"""Reads messages of a selected folder: whole, large ones in chunks, or the header alone.

Servers fail over one form of FETCH and not over another, so that a message is asked for in several
ways before it counts as unreadable. All use BODY.PEEK, which leaves \\Seen as it is.
"""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from postrail.mailbox import ListedMail, MailUnreadable, ReadMail
from postrail.mailbox.imap.faults import AnswerOutOfPlace, connection_fault
from postrail.mailbox.imap.session import ImapSession
from postrail.mailbox.limits import HEADER_MAX_BYTES
from postrail.mailbox.spool import CHUNK_BYTES, spooled
from postrail.wire.faults import words_of

# Perhaps with an answer without UID, for another message, or that cannot be understood.
WITHHELD = "the mail server lists it, and answers FETCH without it"

Answers = dict[int, dict[bytes, Any]]
Answer = TypeVar("Answer")


class NotAnswered(Exception):
    """The server says OK, and nothing of the message: it was removed, or is withheld."""


class ImapRetrieval:
    """Fetches from the folder of an open session."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        # The server understands only FETCH of one item, as an earlier message showed.
        self._one_item = False

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """Reads messages whole, in order, less those that were removed.

        Those that are missing in the answer, or come without content, are asked for singly.
        """
        found = self._read_together(list(uids))
        missing = [uid for uid in uids if uid not in found]
        for uid in self._still_listed(missing):
            if message := self._missing(uid, alone=len(uids) == 1):
                found[uid] = message
        return [found[uid] for uid in uids if uid in found]

    def _read_together(self, uids: list[int]) -> dict[int, ReadMail]:
        """Reads messages by one FETCH; those that it does not give are asked for singly."""
        try:
            answers = self._whole_answers(uids)
        except AnswerOutOfPlace:
            if self._one_item and len(uids) > 1:
                raise
            self._session.reopen()
            if self._one_item:
                return {}
            self._one_item = True
            return self._read_together(uids)
        except MailUnreadable:
            if len(uids) > 1:
                raise
            return {}
        contents = {uid: data.get(b"BODY[]") for uid, data in answers.items()}
        return {
            uid: ReadMail(uid, content, _utc(answers[uid].get(b"INTERNALDATE")))
            for uid, content in contents.items()
            if isinstance(content, bytes)
        }

    def _whole_answers(self, uids: list[int]) -> Answers:
        if not self._one_item:
            return self._fetch(uids, ["BODY.PEEK[]", "INTERNALDATE"])
        dates = self._dates(uids)
        answers = self._fetch(uids, ["BODY.PEEK[]"])
        return {uid: {b"INTERNALDATE": dates.get(uid), **data} for uid, data in answers.items()}

    def _dates(self, uids: list[int]) -> dict[int, datetime | None]:
        try:
            answers = self._fetch(uids, ["INTERNALDATE"])
        except MailUnreadable:
            return {}
        except AnswerOutOfPlace:
            self._session.reopen()
            return {}
        return {uid: data.get(b"INTERNALDATE") for uid, data in answers.items()}

    def _missing(self, uid: int, *, alone: bool) -> ReadMail | None:
        """Asks for one message; returns None when it was removed.

        One of several that cannot be read is left out: the caller asks for it alone.
        """
        try:
            return self._read_in_any_way(uid)
        except MailUnreadable:
            if alone:
                raise
            return None

    def _read_in_any_way(self, uid: int) -> ReadMail | None:
        """Asks for a message in one way after the other; returns None when it was removed.

        Raises MailUnreadable with the server's answer to the first way.
        """
        ways = (self._pair, self._alone, self._by_chunks, self._halves)
        content = self._first_answer(
            uid, [partial(way, uid) for way in ways], note=f" (asked in {len(ways)} ways)"
        )
        if content is None:
            return None
        return ReadMail(uid, content, _utc(self._dates([uid]).get(uid)))

    def _first_answer(
        self, uid: int, ways: Sequence[Callable[[], Answer]], *, note: str = ""
    ) -> Answer | None:
        """Asks in one way after the other; returns None when the message was removed.

        Raises MailUnreadable with the server's answer to the first way, and the note.
        """
        faults: list[str] = []
        for way in ways:
            try:
                return way()
            except NotAnswered:
                if not self._still_listed([uid]):
                    return None
                faults.append(WITHHELD)
            except MailUnreadable as error:
                faults.append(error.problem)
            except AnswerOutOfPlace as error:
                faults.append(error.problem)
                self._session.reopen()
        raise MailUnreadable(f"{faults[0]}{note}")

    def _pair(self, uid: int) -> bytes:
        return self._item(uid, b"BODY[]", ["BODY.PEEK[]", "INTERNALDATE"])

    def _alone(self, uid: int) -> bytes:
        return self._item(uid, b"BODY[]", ["BODY.PEEK[]"])

    def _by_chunks(self, uid: int) -> bytes:
        return b"".join(self._chunks(ListedMail(uid, None)))

    def _halves(self, uid: int) -> bytes:
        header = self._item(uid, b"BODY[HEADER]", ["BODY.PEEK[HEADER]"])
        return header + self._item(uid, b"BODY[TEXT]", ["BODY.PEEK[TEXT]"])

    def _item(self, uid: int, name: bytes, items: list[str]) -> bytes:
        return _content_in(self._fetch_one(uid, items), name)

    def _still_listed(self, uids: list[int]) -> list[int]:
        """Returns those of the messages that were not removed."""
        if not uids:
            return []
        with connection_fault(self._session.account):
            listed = set(self._session.client.search(["UID", ",".join(map(str, uids))]))
        return [uid for uid in uids if uid in listed]

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """Reads a message in chunks, by BODY.PEEK[]<start.length> (RFC 3501, 6.4.5)."""
        try:
            date = self._dates([mail.uid]).get(mail.uid)
            spool = spooled(self._chunks(mail))
        except AnswerOutOfPlace:
            self._session.reopen()
        except NotAnswered:
            if not self._still_listed([mail.uid]):
                return None
        except MailUnreadable:
            # Another way of asking for it may help.
            pass
        else:
            return ReadMail(mail.uid, b"", _utc(date), spool=spool)
        return self._read_in_any_way(mail.uid)

    def _chunks(self, mail: ListedMail) -> Iterator[bytes]:
        """Reads to the end: a chunk that is short once the listed size was reached, or empty."""
        start = 0
        while True:
            item = f"BODY.PEEK[]<{start}.{CHUNK_BYTES}>"
            chunk = _chunk(self._fetch_one(mail.uid, [item]), start)
            yield chunk
            start += len(chunk)
            short = len(chunk) < CHUNK_BYTES and start >= (mail.size or 0)
            if short or not chunk or len(chunk) > CHUNK_BYTES:
                return

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        """Reads the header, or 1 MiB of it, by BODY.PEEK[HEADER]."""
        item = f"BODY.PEEK[HEADER]<0.{HEADER_MAX_BYTES}>"
        ways = [
            partial(self._header, mail, b"BODY[HEADER]<0>", [item, "INTERNALDATE"]),
            partial(self._header, mail, b"BODY[HEADER]", ["BODY.PEEK[HEADER]"]),
        ]
        return self._first_answer(mail.uid, ways)

    def _header(self, mail: ListedMail, name: bytes, items: list[str]) -> ReadMail:
        data = self._fetch_one(mail.uid, items)
        date = data.get(b"INTERNALDATE")
        return ReadMail(mail.uid, _content_in(data, name), _utc(date), full_size=mail.size)

    def _fetch_one(self, uid: int, items: list[str]) -> dict[bytes, Any]:
        """Fetches items of one message; raises NotAnswered when the answer lacks it."""
        answers = self._fetch([uid], items)
        if uid not in answers:
            raise NotAnswered
        return answers[uid]

    def _fetch(self, uids: list[int], items: list[str]) -> Answers:
        with connection_fault(self._session.account):
            try:
                return dict(self._session.client.fetch(uids, items))
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise MailUnreadable(
                    f"the mail server does not send it: {words_of(error)}"
                ) from error


def _content_in(data: dict[bytes, Any], item: bytes) -> bytes:
    content = data.get(item)
    if not isinstance(content, bytes):
        raise MailUnreadable("the mail server answers OK without its content")
    return content


def _chunk(data: dict[bytes, Any], start: int) -> bytes:
    """Returns the bytes from `start` on; some servers send the whole message at once."""
    whole = data.get(b"BODY[]")
    if isinstance(whole, bytes):
        return whole[start:]
    return _content_in(data, b"BODY[]<%d>" % start)


def _utc(internal_date: datetime | None) -> datetime | None:
    try:
        return internal_date.astimezone(UTC) if internal_date else None
    except OverflowError:
        # The last hours of the year 9999, in a zone west of Greenwich.
        return None
