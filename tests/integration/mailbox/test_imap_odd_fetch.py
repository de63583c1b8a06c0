"""ImapMailbox on servers whose answers to FETCH are odd: each message arrives under its own UID.

A message is asked for in several ways before it counts as unreadable, with the server's answer as
the reason.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from postrail.mailbox import ListedMail, MailUnreadable
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.spool import CHUNK_BYTES
from tests.fakes.fetching import account_named
from tests.servers.imap_server import Ask, ImapServer

Fetch = Callable[[ImapServer, Ask], bytes]
DONE = b"@ OK done\r\n"


def content(uid: int) -> bytes:
    return b"Subject: message %d\r\n\r\nthe-secret of %d\r\n" % (uid, uid)


@contextlib.contextmanager
def opened(server: ImapServer) -> Iterator[ImapMailbox]:
    with server.serving() as port:
        account = account_named(
            host="127.0.0.1", port=port, encryption="none", timeout_ms=5000, after_download="seen"
        )
        mailbox = ImapMailbox(account, "password")
        with contextlib.closing(mailbox):
            mailbox.open()
            yield mailbox


def without_uid(server: ImapServer, ask: Ask) -> bytes:
    """Answers about the 20th message of several without its UID (nextcloud/mail#13507)."""
    if len(ask.uids) == 1:
        return server.full(ask)
    answers = [server.answer(uid, ask.items, named=server.place(uid) != 20) for uid in ask.uids]
    return b"".join(answers) + DONE


def never_with_uid_first(server: ImapServer, ask: Ask) -> bytes:
    """Answers without any UID to the first FETCH for content."""
    first = ask.content and sum(each.content for each in server.asks) == 1
    answers = [server.answer(uid, ask.items, named=not first) for uid in ask.uids]
    return b"".join(answers) + DONE


def for_others(server: ImapServer, ask: Ask) -> bytes:
    """Answers for the next message, too, and for one that does not exist."""
    first = server.full(ask)[: -len(DONE)]
    others = [uid for uid in server.messages if uid not in ask.uids][:1]
    more = b"".join(server.answer(uid, ask.items) for uid in others)
    return first + more + b"* 900 FETCH (UID 900 BODY[] {5}\r\nother)\r\n" + DONE


def with_two_contents(server: ImapServer, ask: Ask) -> bytes:
    """Names the second message's answer by the first one's UID."""
    if len(ask.uids) == 1:
        return server.full(ask)
    first, second, *_ = ask.uids
    wrong = server.answer(second, ask.items).replace(b"UID %d " % second, b"UID %d " % first)
    rest = [server.answer(uid, ask.items) for uid in ask.uids if uid != second]
    return rest[0] + wrong + b"".join(rest[1:]) + DONE


def unintelligible(server: ImapServer, ask: Ask) -> bytes:
    """Breaks one answer of several."""
    if len(ask.uids) == 1:
        return server.full(ask)
    broken = b"* 1 FETCH (UID %d BODY[] (the-secret)\r\n" % ask.uids[0]
    return broken + server.full(ask, *ask.uids[1:])


def empty_until_third(server: ImapServer, ask: Ask) -> bytes:
    """Answers OK without a literal twice for the first message (mail-mcp#22, iCloud)."""
    first = min(server.messages)
    asked = sum(first in each.uids for each in server.asks if "BODY" in each.items)
    if "BODY" not in ask.items or first not in ask.uids or asked > 2:
        return server.full(ask)
    empty = b"* 1 FETCH (UID %d)\r\n" % first
    rest = [server.answer(uid, ask.items) for uid in ask.uids if uid != first]
    return empty + b"".join(rest) + DONE


def bracket_too_early(server: ImapServer, ask: Ask) -> bytes:
    """Closes the bracket after the literal, with loose text behind (paperless-ngx#13412, Xeams)."""
    if not ask.bracketed or not ask.content:
        return server.full(ask)
    answers = b""
    for uid in ask.uids:
        answers += server.answer(uid, "BODY.PEEK[]") + b' INTERNALDATE "the-secret")\r\n'
    return answers + DONE


def only(*forms: str) -> Fetch:
    """Answers content only in these forms; to others it says OK, without a literal."""

    def fetch(server: ImapServer, ask: Ask) -> bytes:
        if "BODY" not in ask.items or any(form in ask.items for form in forms):
            return server.full(ask)
        return b"".join(b"* 1 FETCH (UID %d)\r\n" % uid for uid in ask.uids) + DONE

    return fetch


def refusing(*forms: str) -> Fetch:
    """Refuses these forms."""

    def fetch(server: ImapServer, ask: Ask) -> bytes:
        if any(form in ask.items for form in forms):
            return b"@ NO [SERVERBUG] not in this form\r\n"
        return server.full(ask)

    return fetch


# The oddity, and the UIDs: also those that are sequence numbers of other messages.
ODD: list[tuple[Fetch, range]] = [
    (without_uid, range(11, 61)),
    (without_uid, range(1, 51)),
    (without_uid, range(101, 151)),
    (never_with_uid_first, range(2, 8)),
    (for_others, range(11, 21)),
    (with_two_contents, range(5, 9)),
    (unintelligible, range(5, 9)),
    (empty_until_third, range(7, 10)),
    (bracket_too_early, range(1, 4)),
    (only("<"), range(1, 4)),
    (only("HEADER", "TEXT"), range(1, 4)),
    (refusing("INTERNALDATE"), range(1, 2)),
    (refusing("BODY.PEEK[]"), range(1, 2)),
]


@pytest.mark.parametrize(("fetch", "uids"), ODD)
def test_each_message_arrives_under_its_own_uid(fetch: Fetch, uids: range) -> None:
    server = ImapServer({uid: content(uid) for uid in uids}, fetch=fetch)
    with opened(server) as mailbox:
        listed = [message.uid for message in mailbox.list_after(0)]
        found = [(mail.uid, mail.content) for mail in mailbox.read(listed)]
    assert found == [(uid, content(uid)) for uid in uids]
    # Bounded, and nothing was marked as seen.
    assert max(Counter(uid for ask in server.asks for uid in ask.uids).values()) <= 9
    assert not [line for line in server.log if b"STORE" in line]


def test_a_server_that_breaks_over_a_list_of_items_is_asked_for_one_item_from_then_on() -> None:
    server = ImapServer({uid: content(uid) for uid in range(1, 7)}, fetch=bracket_too_early)
    with opened(server) as mailbox:
        for first in (1, 4):
            uids = range(first, first + 3)
            assert [mail.content for mail in mailbox.read(uids)] == [content(uid) for uid in uids]
    assert server.logins == 2


def loose_words(server: ImapServer, ask: Ask) -> bytes:
    return b"the-secret of another message\r\n" + DONE


# The oddity that stays in all ways of asking, and the words of the reason.
HOPELESS: list[tuple[Fetch, str]] = [
    (only("nothing"), "answers OK without its content"),
    (refusing("BODY"), r"does not send it: .*\[SERVERBUG\] not in this form"),
    (lambda server, ask: DONE, "lists it, and answers FETCH without it"),
    (loose_words, "does not expect: .*words out of place"),
]


@pytest.mark.parametrize(("fetch", "words"), HOPELESS)
@pytest.mark.parametrize("how", ["read", "read_to_spool", "read_header"])
def test_the_reason_of_an_unreadable_message_is_the_servers_answer(
    fetch: Fetch, words: str, how: str
) -> None:
    server = ImapServer({7: content(7), 8: content(8)})
    with opened(server) as mailbox:
        server.fetch = fetch
        given = [7] if how == "read" else ListedMail(7, 10)
        with pytest.raises(MailUnreadable, match=words) as told:
            getattr(mailbox, how)(given)
        assert "the-secret" not in str(told.value)
        # The session can be used for the others.
        server.fetch = ImapServer.full
        assert [mail.content for mail in mailbox.read([8])] == [content(8)]
    assert len(server.asks) <= 10


def test_one_that_is_unreadable_does_not_withhold_the_others_of_its_batch() -> None:
    def fetch(server: ImapServer, ask: Ask) -> bytes:
        good = [uid for uid in ask.uids if uid != 2]
        return server.full(ask, *good) if good else DONE

    server = ImapServer({uid: content(uid) for uid in (1, 2, 3)})
    with opened(server) as mailbox:
        server.fetch = fetch
        assert [mail.uid for mail in mailbox.read([1, 2, 3])] == [1, 3]


def test_messages_that_were_removed_are_not_asked_for_again() -> None:
    server = ImapServer({uid: content(uid) for uid in range(1, 6)})
    with opened(server) as mailbox:
        del server.messages[2], server.messages[4]
        assert [mail.uid for mail in mailbox.read(range(1, 6))] == [1, 3, 5]
    assert len(server.asks) == 1


@pytest.mark.parametrize("fetch", [refusing("<"), only("BODY.PEEK[] "), bracket_too_early])
def test_a_large_message_is_asked_for_at_once_when_chunks_fail(fetch: Fetch) -> None:
    large = content(7) + b"x" * CHUNK_BYTES
    server = ImapServer({7: large}, fetch=fetch)
    with opened(server) as mailbox:
        found = mailbox.read_to_spool(ListedMail(7, len(large)))
        assert found is not None
        assert b"".join(found.chunks()) == large
        found.close()


@pytest.mark.parametrize("fetch", [refusing("<"), only("[HEADER]"), refusing("INTERNALDATE")])
def test_a_header_is_asked_for_in_another_way(fetch: Fetch) -> None:
    server = ImapServer({7: content(7)}, fetch=fetch)
    with opened(server) as mailbox:
        found = mailbox.read_header(ListedMail(7, 10))
        assert found is not None
        assert found.content == b"Subject: message 7\r\n\r\n"


@pytest.mark.parametrize("uid_next", [3, None])
def test_tells_the_uidnext_of_the_folder(uid_next: int | None) -> None:
    server = ImapServer({7: content(7)}, uid_next=uid_next)
    with opened(server) as mailbox:
        assert mailbox.uid_next == (uid_next or 8)
