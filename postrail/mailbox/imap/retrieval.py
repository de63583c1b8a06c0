"""Reads messages of a selected folder: whole, large ones in chunks, or the header alone."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from postrail.mailbox import ListedMail, MailUnreadable, ReadMail
from postrail.mailbox.imap.faults import connection_fault
from postrail.mailbox.imap.session import ImapSession
from postrail.mailbox.limits import HEADER_MAX_BYTES
from postrail.mailbox.spool import CHUNK_BYTES, spooled


class Removed(Exception):
    """The message was removed since it was listed."""


class ImapRetrieval:
    """Fetches from the folder of an open session, by BODY.PEEK, which leaves \\Seen as it is."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        """Reads messages whole, in order, less those that were removed."""
        answer = self._fetch(list(uids), ["BODY.PEEK[]", "INTERNALDATE"])
        return [_read_mail(uid, answer[uid]) for uid in uids if uid in answer]

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        """Reads a message in chunks, by BODY.PEEK[]<start.length> (RFC 3501, 6.4.5)."""
        try:
            data = self._fetch_one(mail.uid, ["INTERNALDATE"])
            spool = spooled(self._chunks(mail))
        except Removed:
            return None
        return ReadMail(mail.uid, b"", _utc(data.get(b"INTERNALDATE")), spool=spool)

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
        answer = self._fetch([mail.uid], [item, "INTERNALDATE"])
        if mail.uid not in answer:
            return None
        return _read_mail(mail.uid, answer[mail.uid], b"BODY[HEADER]<0>", full_size=mail.size)

    def _fetch_one(self, uid: int, items: list[str]) -> dict[bytes, Any]:
        """Fetches items of one message; raises Removed when it is gone."""
        answer = self._fetch([uid], items)
        if uid not in answer:
            raise Removed
        return answer[uid]

    def _fetch(self, uids: list[int], items: list[str]) -> dict[int, dict[bytes, Any]]:
        with connection_fault(self._session.account):
            try:
                return dict(self._session.client.fetch(uids, items))
            except imaplib.IMAP4.abort:
                raise
            except (imaplib.IMAP4.error, ValueError) as error:
                raise MailUnreadable(f"the mail server does not send it: {error}") from error


def _read_mail(
    uid: int, data: dict[bytes, Any], item: bytes = b"BODY[]", full_size: int | None = None
) -> ReadMail:
    content = data.get(item)
    if not isinstance(content, bytes):
        raise MailUnreadable("the mail server sends no content for it")
    return ReadMail(uid, content, _utc(data.get(b"INTERNALDATE")), full_size=full_size)


def _chunk(data: dict[bytes, Any], start: int) -> bytes:
    """Returns the bytes from `start` on; some servers send the whole message at once."""
    whole = data.get(b"BODY[]")
    if isinstance(whole, bytes):
        return whole[start:]
    chunk = data.get(b"BODY[]<%d>" % start)
    if not isinstance(chunk, bytes):
        raise MailUnreadable("the mail server sends no content for it")
    return chunk


def _utc(internal_date: datetime | None) -> datetime | None:
    try:
        return internal_date.astimezone(UTC) if internal_date else None
    except OverflowError:
        # The last hours of the year 9999, in a zone west of Greenwich.
        return None
