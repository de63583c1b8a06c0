"""Pop3Mailbox on servers that end a message early, or answer what was not asked.

Nothing that may be cut is given as whole, nothing is removed by a session that is out of step, and
no part of a message gets into the words of a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from postrail.errors import PipelineError
from postrail.mailbox import MailboxUnavailable, MailUnreadable
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from services.fetcher.opener import MailboxOpener
from services.fetcher.watch import MailboxWatch
from tests.fakes.fetching import Neighbours, until
from tests.fakes.ledgers import MemoryLedger
from tests.fakes.watching import Waits
from tests.integration.mailbox.test_pop3_servers import ONE, THREE, TWO, Polls, account_on
from tests.servers.pop3_server import Pop3Server
from tests.servers.scripted_server import serving

SECRET = b"the-secret-of-the-message"
BEGINNING = b"Subject: cut\r\n\r\nbefore\r\n.\r\n"

# What follows the line of one dot.
RESTS = [
    SECRET + b"\r\n" + b"more\r\n" * 50,
    # It looks like the answer to a command; twice; or like a whole message.
    b"+OK " + SECRET + b"\r\n" + b"more\r\n" * 50,
    b"+OK\r\n+OK " + SECRET + b"\r\n",
    b"+OK\r\nSubject: smuggled\r\n\r\n" + SECRET + b"\r\n",
    b"-ERR " + SECRET + b"\r\n",
    # Nothing at all.
    b"",
]


@pytest.fixture
def server() -> Iterator[Pop3Server]:
    with Pop3Server() as found:
        found.doubles_dots = False
        yield found


def opened(server: Pop3Server) -> Pop3Mailbox:
    mailbox = Polls(server).mailbox()
    mailbox.open()
    return mailbox


@pytest.mark.parametrize("rest", RESTS)
# Exact sizes; a size that is too small; a server that lacks LIST.
@pytest.mark.parametrize("listed", ["exact", "small", "missing"])
def test_a_message_that_is_cut_at_a_dot_is_not_given_as_whole(
    server: Pop3Server, rest: bytes, listed: str
) -> None:
    server.add(ONE, BEGINNING + rest, THREE)
    server.listed_size = 3 if listed == "small" else None
    if listed == "missing":
        server.answers["LIST"] = b"-ERR unknown\r\n"
    mailbox = opened(server)
    messages = mailbox.list_after(0)
    assert [mail.content for mail in mailbox.read([1])] == [ONE]
    assert not mailbox.finish([1])
    for read in (lambda: mailbox.read([2]), lambda: mailbox.read_to_spool(messages[1])):
        with pytest.raises(MailUnreadable, match="does not double a line of one dot") as told:
            read()
        assert SECRET.decode() not in str(told.value)
        # The session was dropped, so that what it had marked is still there.
        assert len(server.mails) == 3
    # In a new session the others go on, and what was marked is marked again.
    assert [mail.content for mail in mailbox.read([3])] == [THREE]
    assert not mailbox.finish([3])
    mailbox.rest()
    assert server.mails == [BEGINNING + rest]


def test_what_a_dropped_session_marked_is_removed_also_when_the_cut_message_is_the_last(
    server: Pop3Server,
) -> None:
    server.add(ONE, BEGINNING + RESTS[0])
    mailbox = opened(server)
    mailbox.list_after(0)
    mailbox.read([1])
    mailbox.finish([1])
    with pytest.raises(MailUnreadable):
        mailbox.read([2])
    mailbox.rest()
    assert server.mails == [BEGINNING + RESTS[0]]


def test_sizes_that_are_too_large_are_estimates_and_do_not_stop_a_message(
    server: Pop3Server,
) -> None:
    server.doubles_dots = True
    server.add(ONE, b"A: 1\r\n\r\n.\r\n" * 3, TWO)
    server.listed_size = 900
    mailbox = opened(server)
    mailbox.list_after(0)
    assert [mail.content for mail in mailbox.read([1, 2, 3])] == server.mails
    mailbox.close()
    assert len(server.done("PASS")) == 1


def test_without_uidl_a_cut_message_gets_a_key_and_the_others_go_on(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE, BEGINNING + RESTS[1], THREE)
    mailbox = opened(server)
    numbers = [mail.uid for mail in mailbox.list_after(0)]
    assert [mail.content for mail in mailbox.read(numbers[::2])] == [ONE, THREE]
    with pytest.raises(MailUnreadable, match="does not double"):
        mailbox.read(numbers[1:2])
    mailbox.close()
    assert len(server.mails) == 3


def test_a_header_that_is_followed_by_more_is_not_given(server: Pop3Server) -> None:
    server.add(ONE)
    server.answers["TOP"] = b"+OK\r\nSubject: one\r\n.\r\n" + SECRET + b"\r\n.\r\n"
    mailbox = opened(server)
    with pytest.raises(MailUnreadable, match="does not double"):
        mailbox.read_header(mailbox.list_after(0)[0])
    mailbox.close()


# The command before which the server sends what nothing asked for, and what it sends.
UNASKED = [
    ("DELE 1", b"+OK\r\n+OK " + SECRET + b"\r\n"),
    ("DELE 1", b"+OK\r\n-ERR idle for too long\r\n"),
    ("DELE 1", SECRET + b"\r\n"),
    ("DELE 1", b"+ERR " + SECRET + b"\r\n"),
    ("DELE 1", b"+" + SECRET + b"\r\n"),
    ("QUIT", SECRET + b"\r\n"),
]


@pytest.mark.parametrize(("command", "answer"), UNASKED)
def test_a_session_that_is_out_of_step_removes_nothing_and_tells_no_secret(
    server: Pop3Server, command: str, answer: bytes
) -> None:
    server.add(ONE, TWO)
    server.answers[command] = answer
    mailbox = opened(server)
    mailbox.list_after(0)
    mailbox.read([1, 2])
    with pytest.raises(MailboxUnavailable) as told:
        _remove(mailbox, [1], [2])
    assert SECRET.decode() not in str(told.value)
    before = len(server.done("QUIT"))
    mailbox.close()
    assert len(server.done("QUIT")) == before
    assert server.mails == [ONE, TWO]


@pytest.mark.parametrize("command", ["USER", "PASS", "UIDL", "LIST", "QUIT", "DELE", "RETR"])
# hMailServer says "+ERR Server error"; others are not answers either.
@pytest.mark.parametrize("answer", [b"+ERR Server error\r\n", b"+OKAY\r\n", b"+\r\n", b"OK\r\n"])
def test_only_ok_is_success(server: Pop3Server, command: str, answer: bytes) -> None:
    server.add(ONE)
    server.answers[command] = answer
    mailbox = Polls(server).mailbox()
    with pytest.raises(PipelineError, match="answered what POP3 does not expect"):
        _take_all(mailbox)
    mailbox.close()
    assert server.mails == [ONE]


def _take_all(mailbox: Pop3Mailbox) -> None:
    mailbox.open()
    numbers = [mail.uid for mail in mailbox.list_after(0)]
    mailbox.read(numbers)
    _remove(mailbox, numbers)


def _remove(mailbox: Pop3Mailbox, *batches: list[int]) -> None:
    for uids in batches:
        mailbox.finish(uids)
    mailbox.rest()


def test_the_rest_of_a_message_that_comes_late_is_no_answer() -> None:
    """The rest follows in packets of its own, after the client has taken the first part."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"+OK\r\n")
        for line in connection.makefile("rb"):
            verb = line.split()[0].upper()
            if verb == b"UIDL":
                connection.sendall(b"+OK\r\n1 a\r\n.\r\n")
            elif verb == b"LIST":
                connection.sendall(b"+OK\r\n1 900\r\n.\r\n")
            elif verb == b"RETR":
                connection.sendall(b"+OK\r\n" + BEGINNING)
                # The first NOOP is on its way before the rest is.
                time.sleep(0.05)
                connection.sendall(b"+OK " + SECRET + b"\r\nmore\r\n.\r\n")
            else:
                connection.sendall(b"-ERR unknown\r\n" if verb == b"CAPA" else b"+OK\r\n")

    with serving(script) as port, Pop3Server() as unused:
        account = Polls(unused, port=port)
        mailbox = account.mailbox()
        mailbox.open()
        mailbox.list_after(0)
        with contextlib.closing(mailbox), pytest.raises(MailUnreadable, match="does not double"):
            mailbox.read([1])


@pytest.mark.logs_errors("mail cannot be read")
async def test_the_fetcher_parks_the_cut_message_and_takes_and_removes_the_others(
    server: Pop3Server,
) -> None:
    server.add(ONE, BEGINNING + RESTS[3], THREE)
    neighbours, ledger, waits = Neighbours(), MemoryLedger(), Waits()
    account = account_on(server)
    opener = MailboxOpener(
        mailbox_for=lambda account: Pop3Mailbox(account, "secret", ledger),
        slots=asyncio.Semaphore(1),
    )
    watching = asyncio.create_task(MailboxWatch(account, neighbours.resources, opener, waits).run())
    # The first wait is the one for the next poll: no pause was needed.
    await until(lambda: waits.seconds == [account.poll_seconds])
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await asyncio.to_thread(neighbours.close)
    assert [record.body for record in neighbours.producer.records] == [ONE, THREE]
    (parked,) = neighbours.store.unreadable.values()
    assert "does not double a line of one dot" in parked.reason
    assert SECRET.decode() not in parked.reason
    assert server.mails == [BEGINNING + RESTS[3]]
