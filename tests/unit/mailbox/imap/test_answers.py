"""Answers that servers should not give make one message unreadable, and harm nothing else."""

from __future__ import annotations

import imaplib
from types import SimpleNamespace
from typing import Any

import pytest

from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.imap.memory_limits import LONGEST_ANSWER, BoundedAnswers
from tests.fakes.fetching import account_named


def mailbox_answering(answer: dict[int, dict[bytes, Any]]) -> ImapMailbox:
    """Returns an open mailbox whose server gives this answer to each FETCH."""
    mailbox = ImapMailbox(account_named(), "password")
    mailbox._session.client = SimpleNamespace(
        fetch=lambda uids, items: answer,
        search=lambda criteria: list(answer),
        new_mail_announced=False,
        forget_announcements=lambda: None,
    )
    return mailbox


@pytest.mark.parametrize("size", [None, b"many"])
def test_a_size_that_is_not_a_number_is_unknown(size: Any) -> None:
    mailbox = mailbox_answering({1: {b"RFC822.SIZE": 10}, 2: {b"RFC822.SIZE": size}, 3: {}})
    assert [mail.size for mail in mailbox.list_after(0)] == [10, None, None]


@pytest.mark.parametrize("content", [None, 123, (b"a", b"b")])
def test_content_that_is_not_bytes_makes_the_message_unreadable(content: Any) -> None:
    answer = {b"BODY[]": content, b"BODY[]<0>": content, b"BODY[HEADER]<0>": content}
    mailbox, mail = mailbox_answering({1: answer}), ListedMail(1, None)
    for read in (lambda: mailbox.read([1]), lambda: mailbox.read_to_spool(mail)):
        with pytest.raises(MailUnreadable):
            read()
    with pytest.raises(MailUnreadable):
        mailbox.read_header(mail)


def test_a_literal_that_fills_the_memory_ends_the_connection() -> None:
    imap = SimpleNamespace(read=bytes, readline=bytes, send=len)
    BoundedAnswers(imap)
    assert len(imap.read(3)) == 3
    mailbox = mailbox_answering({})
    mailbox._session.client.fetch = lambda *_: imap.read(LONGEST_ANSWER + 1)
    # The fetcher reads it alone next time, and reports it as unreadable after several times.
    with pytest.raises(MailboxUnavailable, match="more than we accept"):
        mailbox.read([1])


def test_an_answer_without_end_ends_the_connection_and_many_short_ones_do_not() -> None:
    megabyte = 1024 * 1024
    imap = SimpleNamespace(read=bytes, readline=lambda: bytes(megabyte), send=len)
    BoundedAnswers(imap)
    for _ in range(3):
        imap.send(b"A1 NOOP")
        for _ in range(LONGEST_ANSWER // megabyte):
            imap.readline()
    with pytest.raises(imaplib.IMAP4.abort):
        imap.readline()


@pytest.mark.parametrize(
    ("listed", "starts"),
    [
        # All of the listed size came.
        (9, [0, 5]),
        # The server sends less at once than it is asked for.
        (12, [0, 5, 9]),
        # It reported more than there is (Exchange), or no size.
        (20, [0, 5, 9, 12]),
        (None, [0, 5]),
    ],
)
def test_a_short_chunk_ends_the_message_only_at_the_listed_size(
    monkeypatch: pytest.MonkeyPatch, listed: int | None, starts: list[int]
) -> None:
    monkeypatch.setattr("postrail.mailbox.imap.retrieval.CHUNK_BYTES", 5)
    pieces = {0: b"abcde", 5: b"fghi", 9: b"jkl", 12: b""}
    asked = []

    def fetch(uids: list[int], items: list[str]) -> dict[int, dict[bytes, Any]]:
        if items == ["INTERNALDATE"]:
            return {1: {}}
        start = int(items[0].partition("<")[2].partition(".")[0])
        asked.append(start)
        return {1: {b"BODY[]<%d>" % start: pieces[start]}}

    mailbox = mailbox_answering({})
    mailbox._session.client.fetch = fetch
    mail = mailbox.read_to_spool(ListedMail(1, listed))
    assert mail is not None
    assert asked == starts
    assert b"".join(mail.chunks()) == b"".join(pieces[start] for start in starts)
    mail.close()


class Folders:
    """A server with MOVE, whose target folder the test removes."""

    def __init__(self) -> None:
        self.there = False
        self.log: list[str] = []

    def has_capability(self, name: str) -> bool:
        return True

    def folder_exists(self, name: str) -> bool:
        return self.there

    def create_folder(self, name: str) -> None:
        self.there = True
        self.log.append("create")

    def subscribe_folder(self, name: str) -> None:
        """Does nothing."""

    def move(self, uids: list[int], name: str) -> None:
        if not self.there:
            raise imaplib.IMAP4.error("[TRYCREATE] no such folder")
        self.log.append(f"move {uids[0]}")


def test_a_target_folder_that_was_removed_is_created_again() -> None:
    mailbox = ImapMailbox(account_named(after_download="move", move_to="Done"), "password")
    mailbox._session.client = server = Folders()
    assert mailbox.finish([1])
    server.there = False
    assert mailbox.finish([2])
    assert server.log == ["create", "move 1", "create", "move 2"]
