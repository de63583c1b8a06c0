"""A release of imapclient or Python that changes the private parts that we use fails here."""

from __future__ import annotations

import contextlib
import imaplib
import inspect
from collections.abc import Callable, Iterator

import pytest
from imapclient import IMAPClient

from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.imap.client import ImapClient
from postrail.wire.dialogue_log import DialogueLog
from tests.fakes.fetching import account_named
from tests.servers.scripted_server import answering, serving

ANSWERS = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n@ OK done\r\n",
    b"LOGIN": b"@ OK done\r\n",
    b"SELECT": b"* 1 EXISTS\r\n@ OK [READ-WRITE] done\r\n",
    b"SEARCH": b"* SEARCH 1\r\n* 2 EXISTS\r\n@ OK done\r\n",
    b"FETCH": b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n@ OK done\r\n",
    b"LOGOUT": b"* BYE\r\n@ OK done\r\n",
}


@contextlib.contextmanager
def selected(idle: bytes = b"+ idling\r\n") -> Iterator[ImapClient]:
    """Yields a client with an open folder, on a server that gives this answer to IDLE."""
    with serving(answering(b"* OK ready\r\n", ANSWERS | {b"IDLE": idle})) as port:
        account = account_named(host="127.0.0.1", port=port, encryption="none", timeout_ms=5000)
        client = ImapClient(account, DialogueLog(account.name))
        with contextlib.closing(client.socket()):
            client.login("me", "password")
            client.select_folder("INBOX")
            # As the fetcher does first: idle_check() asks for it, and would send CAPABILITY.
            assert client.has_capability("IDLE")
            yield client


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (IMAPClient.__init__, ["host", "port", "ssl", "ssl_context", "timeout"]),
        (IMAPClient._poll_socket, ["sock", "timeout"]),
        (IMAPClient.idle, []),
        (IMAPClient.idle_check, ["timeout"]),
        (IMAPClient.idle_done, []),
        (IMAPClient.starttls, ["ssl_context"]),
        (imaplib.IMAP4._command, ["name"]),  # type: ignore[attr-defined]
        (imaplib.IMAP4._get_response, []),  # type: ignore[attr-defined]
        (imaplib.IMAP4.send, ["data"]),
        (imaplib.IMAP4.read, ["size"]),
        (imaplib.IMAP4.readline, []),
    ],
)
def test_has_the_functions_that_we_call_or_replace(
    function: Callable[..., object], parameters: list[str]
) -> None:
    signature = inspect.signature(function).parameters
    assert set(parameters) <= signature.keys()
    required = {
        name
        for name, parameter in signature.items()
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    }
    assert required <= {"self", *parameters}


def test_has_the_attributes_that_we_read_and_set() -> None:
    with selected() as client:
        imap = client._imap
        assert isinstance(imap, imaplib.IMAP4)
        assert imap.welcome == b"* OK ready"
        assert imap.debug == 0
        assert isinstance(imap.untagged_responses, dict)
        assert isinstance(imap.tagged_commands, dict)
        assert client._idle_tag is None
        assert client.normalise_times is False
        assert client.ssl_context is None


def test_all_that_is_sent_and_read_goes_through_the_functions_that_we_replace() -> None:
    """The log of the dialogue and the limit of an answer's size depend on it."""
    with selected() as client:
        imap = client._imap
        seen: list[str] = []

        def replace(name: str) -> None:
            replaced = getattr(imap, name)

            def noting(*given: object) -> object:
                seen.append(name)
                return replaced(*given)

            setattr(imap, name, noting)

        for name in ("send", "read", "readline"):
            replace(name)
        assert client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"] == b"abc"
    assert {"send", "read", "readline"} == set(seen)


def test_an_announcement_stays_until_it_is_forgotten() -> None:
    with selected() as client:
        announced = [client.new_mail_announced]
        client.forget_announcements()
        announced.append(client.new_mail_announced)
        assert client.search(["ALL"]) == [1]
        assert [*announced, client.new_mail_announced] == [True, False, True]


@pytest.mark.parametrize(
    ("answer", "announced"),
    [
        (b"+ idling\r\n", False),
        # Here imapclient's own idle() fails.
        (b"* 3 EXISTS\r\n+ idling\r\n", True),
    ],
)
def test_waits_for_the_go_ahead_of_idle(answer: bytes, announced: bool) -> None:
    with selected(answer) as client:
        client.forget_announcements()
        client.idle()
        assert client.new_mail_announced is announced
        assert client._idle_tag


def test_a_refused_idle_says_so() -> None:
    refused = pytest.raises(MailboxUnavailable, match="refused to idle")
    with selected(b"@ NO not now\r\n") as client, refused:
        client.idle()


def test_idle_check_sees_what_lies_in_the_buffer() -> None:
    """The announcement came with the go-ahead, so poll() on the socket would not report it."""
    with selected(b"+ idling\r\n* 4 EXISTS\r\n") as client:
        client.forget_announcements()
        client.idle()
        assert client.idle_check(timeout=0) == [(4, b"EXISTS")]
        assert client.socket().gettimeout() == 5
