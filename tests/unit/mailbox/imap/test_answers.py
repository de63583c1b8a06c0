"""Answers that no server should give: they cost one mail, and never the memory or the mailbox."""

from __future__ import annotations

import imaplib
from types import SimpleNamespace
from typing import Any

import pytest

from postrail.mailbox import ListedMail, MailboxAway, MailUnreadable
from postrail.mailbox.imap.literals import LONGEST_LITERAL, bound_literals
from postrail.mailbox.imap.mailbox import ImapMailbox
from tests.fakes.fetching import account_named


def mailbox_told(answer: dict[int, dict[bytes, Any]]) -> ImapMailbox:
    """An open mailbox whose server answers each FETCH with this."""
    mailbox = ImapMailbox(account_named(), "password")
    mailbox._client = SimpleNamespace(
        fetch=lambda uids, items: answer,
        search=lambda criteria: list(answer),
        _imap=SimpleNamespace(untagged_responses={}),
    )
    return mailbox


@pytest.mark.parametrize("size", [None, b"many"])
def test_a_size_that_is_no_number_is_not_known(size: Any) -> None:
    mailbox = mailbox_told({1: {b"RFC822.SIZE": 10}, 2: {b"RFC822.SIZE": size}, 3: {}})
    assert [mail.size for mail in mailbox.list_after(0)] == [10, None, None]


@pytest.mark.parametrize("content", [None, 123, (b"a", b"b")])
def test_a_content_that_is_no_text_makes_the_mail_unreadable(content: Any) -> None:
    answer = {b"BODY[]": content, b"BODY[]<0>": content, b"BODY[HEADER]<0>": content}
    mailbox, mail = mailbox_told({1: answer}), ListedMail(1, None)
    for read in (lambda: mailbox.read([1]), lambda: mailbox.read_to_spool(mail)):
        with pytest.raises(MailUnreadable):
            read()
    with pytest.raises(MailUnreadable):
        mailbox.read_header(mail)


def test_a_literal_that_fills_the_memory_ends_the_connection() -> None:
    imap = imaplib.IMAP4.__new__(imaplib.IMAP4)
    imap.read = lambda size: b"x" * size  # type: ignore[method-assign]
    bound_literals(imap)
    assert imap.read(3) == b"xxx"
    mailbox = mailbox_told({})
    mailbox._client.fetch = lambda *_: imap.read(LONGEST_LITERAL + 1)
    # The next time it is read alone, and after some times told as unreadable.
    with pytest.raises(MailboxAway, match="more than we take into memory"):
        mailbox.read([1])
