"""Pop3Mailbox on servers that lack, break or refuse something."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount, plain_login_allowed
from postrail.errors import ConfigurationError, PipelineError
from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable
from postrail.mailbox import spool as spool_module
from postrail.mailbox.pop3 import login as pop3_login
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.mailbox.spool import Spool
from postrail.wire.faults import LoginRefused
from postrail.wire.login import Login
from tests.fakes.fetching import account_named
from tests.fakes.ledgers import MemoryLedger
from tests.servers.pop3_server import Pop3Server

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"
THREE = b"Subject: three\r\n\r\nthird\r\n"


@pytest.fixture
def server() -> Iterator[Pop3Server]:
    with Pop3Server() as found:
        yield found


def account_on(server: Pop3Server, **changes: Any) -> MailAccount:
    values: dict[str, Any] = {
        "protocol": "pop3",
        "host": "127.0.0.1",
        "port": server.port,
        "encryption": "none",
        "after_download": "remove",
        "timeout_ms": 2_000,
    }
    return account_named("support", **(values | changes))


class Polls:
    """Mailboxes over one ledger: each poll lists and reads the new messages."""

    def __init__(self, server: Pop3Server, **changes: Any) -> None:
        self.ledger = MemoryLedger()
        self._account = account_on(server, **changes)
        self.last = 0

    def mailbox(self, login: Login = "secret", **options: Any) -> Pop3Mailbox:
        return Pop3Mailbox(self._account, login, self.ledger, **options)

    def new(self) -> list[bytes]:
        """Polls in a session of its own; returns the contents of the new messages."""
        mailbox = self.mailbox()
        mailbox.open()
        uids = [mail.uid for mail in mailbox.list_after(self.last)]
        contents = []
        for mail in mailbox.read(uids):
            with contextlib.closing(mail):
                contents.append(b"".join(mail.chunks()))
        self.last = max([self.last, *uids])
        mailbox.rest()
        return contents


def test_without_uidl_a_message_is_identified_by_its_content(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE, TWO)
    polls = Polls(server)
    assert polls.new() == [ONE, TWO]
    assert all(key.startswith("sha256=") for key in polls.ledger.numbers)
    # The places have moved, a size is listed for another message, and one message is new.
    del server.mails[0]
    server.add(ONE.replace(b"first", b"other"), THREE)
    assert polls.new() == [ONE.replace(b"first", b"other"), THREE]
    assert polls.new() == []


def test_without_uidl_marks_of_reading_do_not_change_the_key(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE)
    polls = Polls(server)
    assert polls.new() == [ONE]
    server.mails[0] = b"Status: RO\r\nX-UIDL: 7\r\n" + ONE
    assert polls.new() == []


def test_without_uidl_equal_messages_are_one_and_are_removed_together(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE, TWO, ONE)
    polls = Polls(server)
    mailbox = polls.mailbox()
    mailbox.open()
    assert [mail.uid for mail in mailbox.list_after(0)] == [1, 2]
    mailbox.finish([1])
    mailbox.rest()
    assert server.mails == [TWO]


def test_without_uidl_a_refused_message_is_listed_and_unreadable(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE, TWO)
    server.answers["RETR 1"] = b"-ERR broken\r\n"
    mailbox = Polls(server).mailbox()
    mailbox.open()
    first, second = mailbox.list_after(0)
    with pytest.raises(MailUnreadable, match="broken"):
        mailbox.read([first.uid])
    assert [mail.content for mail in mailbox.read([second.uid])] == [TWO]
    mailbox.close()


def test_without_uidl_a_too_large_message_is_identified_by_its_header(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE + b"x" * 1000 + b"\r\n")
    mailbox = Polls(server, max_message_bytes=500).mailbox()
    mailbox.open()
    (listed,) = mailbox.list_after(0)
    header = mailbox.read_header(listed)
    assert header is not None
    assert header.content == b"Subject: one\r\n\r\n"
    assert server.done("RETR") == []
    mailbox.close()


@pytest.mark.parametrize("knows_top", [True, False])
def test_equal_unique_ids_do_not_hide_a_message(server: Pop3Server, knows_top: bool) -> None:
    server.knows_top = knows_top
    server.add(ONE, TWO, THREE)
    server.ids = [b"same", b"same", b"other"]
    polls = Polls(server)
    assert polls.new() == [ONE, TWO, THREE]
    assert len(polls.ledger.numbers) == 3
    assert polls.new() == []
    # One of two that is left is read again: that is better than taking it for the other one.
    del server.mails[0], server.ids[0]
    assert polls.new() == [TWO]
    assert polls.new() == []


IDS = [
    (b"1", "uidl=1"),
    (b"<a@b>|;=,'\"", "uidl=<a@b>|;=,'\""),
    (b"x" * 70, "uidl=" + "x" * 70),
    # Longer than RFC 1939 allows, or with characters that it does not.
    (b"x" * 71, "uidl-sha256="),
    (b"x" * 100_000, "uidl-sha256="),
    (b"\xff\x00\x01", "uidl-sha256="),
    (b"two words", "uidl-sha256="),
    # An empty id.
    (b"", "sha256="),
]


@pytest.mark.parametrize(("unique_id", "beginning"), IDS)
def test_accepts_any_unique_id(server: Pop3Server, unique_id: bytes, beginning: str) -> None:
    server.add(ONE)
    server.ids = [unique_id]
    polls = Polls(server)
    assert polls.new() == [ONE]
    (key,) = polls.ledger.numbers
    assert key.startswith(beginning)
    assert len(key) <= 80
    assert polls.new() == []


@pytest.mark.parametrize(
    "answer",
    [
        # The server calls it temporary; or it offers UIDL and refuses it.
        b"-ERR [SYS/TEMP] the index is rebuilt\r\n",
        b"-ERR not now\r\n",
        # The listing is cut.
        b"+OK\r\n1 a\r\n",
    ],
)
def test_a_mailbox_with_refused_unique_ids_is_unavailable(
    server: Pop3Server, answer: bytes
) -> None:
    server.add(ONE, TWO)
    server.answers["UIDL"] = answer
    if answer.startswith(b"+OK"):
        server.cuts["UIDL"] = len(answer)
    polls = Polls(server)
    with pytest.raises(MailboxUnavailable):
        polls.new()
    assert polls.ledger.numbers == {}


def test_sizes_are_not_relied_on(server: Pop3Server) -> None:
    large = b"A: 1\r\n\r\n" + (b"x" * 70 + b"\r\n") * 50_000
    server.add(ONE, large, TWO)
    server.listed_size = 3
    mailbox = Polls(server).mailbox()
    mailbox.open()
    listed = mailbox.list_after(0)
    assert [mail.size for mail in listed] == [3, 3, 3]
    mails = mailbox.read([mail.uid for mail in listed])
    assert [b"".join(mail.chunks()) for mail in mails] == [ONE, large, TWO]
    # A message that is larger than listed does not stay in memory.
    assert [mail.spool is not None for mail in mails] == [False, True, False]
    for mail in mails:
        mail.close()
    mailbox.close()


def test_a_lost_session_leaves_nothing_on_disk(
    server: Pop3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools: list[Spool] = []

    class Remembered(Spool):
        def __init__(self) -> None:
            super().__init__()
            spools.append(self)

    monkeypatch.setattr(spool_module, "Spool", Remembered)
    large = b"A: 1\r\n\r\n" + (b"x" * 70 + b"\r\n") * 50_000
    server.add(large, large)
    server.cuts["RETR 2"] = 3_000_000
    mailbox = Polls(server).mailbox()
    mailbox.open()
    mailbox.list_after(0)
    with pytest.raises(MailboxUnavailable):
        mailbox.read([1, 2])
    assert [spool.closed for spool in spools] == [True, True]
    mailbox.close()


def test_without_list_sizes_are_unknown(server: Pop3Server) -> None:
    server.add(ONE)
    server.answers["LIST"] = b"-ERR unknown\r\n"
    mailbox = Polls(server).mailbox()
    mailbox.open()
    assert [mail.size for mail in mailbox.list_after(0)] == [None]
    mailbox.close()


ODD_LISTINGS = [
    # Lines of another form are skipped, and any blanks are accepted.
    b"+OK\r\n\r\nhello\r\n1  id-one \r\n-2 x\r\n99999999999999999999 x\r\n.\r\n",
    b"+OK\n1 id-one\n.\n",
]


@pytest.mark.parametrize("listing", ODD_LISTINGS)
def test_reads_odd_listings(server: Pop3Server, listing: bytes) -> None:
    server.add(ONE)
    server.answers["UIDL"] = listing
    if b"\r\n" not in listing:
        server.greeting, server.line_end = b"+OK ready\n", b"\n"
    polls = Polls(server)
    polls.new()
    assert list(polls.ledger.numbers) == ["uidl=id-one"]


MAILS = [
    # A dot alone after a lone LF does not end the message.
    b"A: 1\r\n\r\nbefore\n.\nafter\r\n",
    b"A: 1\r\n\r\n.\r\n..\r\n...x\r\n",
    # Lines longer than poplib accepts, and longer than our buffer.
    b"A: " + b"x" * 5_000_000 + b"\r\n\r\n" + b"y" * 3000 + b"\r\n",
    b"\0\xff\r\r\n\r\n\x1a\r\n",
    b"",
]


@pytest.mark.parametrize("content", MAILS)
def test_messages_arrive_unchanged(server: Pop3Server, content: bytes) -> None:
    server.add(content)
    assert Polls(server).new() == [content]
    mailbox = Polls(server).mailbox()
    mailbox.open()
    read = mailbox.read_to_spool(mailbox.list_after(0)[0])
    assert read is not None
    assert b"".join(read.chunks()) == content
    read.close()
    mailbox.close()


def test_a_server_that_ends_lines_by_lf_is_understood(server: Pop3Server) -> None:
    server.greeting, server.line_end = b"+OK ready\n", b"\n"
    server.add(b"A: 1\r\n\r\n.\r\nx\r\n")
    assert Polls(server).new() == [b"A: 1\n\n.\nx\n"]


# The byte at which the connection ends in the answer "+OK\r\nA: 1\r\n\r\nxx\r\n.\r\n".
@pytest.mark.parametrize("size", range(20))
def test_a_cut_at_any_byte_of_a_message_is_a_lost_connection(server: Pop3Server, size: int) -> None:
    server.add(b"A: 1\r\n\r\nxx\r\n")
    server.cuts["RETR"] = size
    mailbox = Polls(server).mailbox()
    mailbox.open()
    (listed,) = mailbox.list_after(0)
    with pytest.raises(MailboxUnavailable, match="broke off"):
        mailbox.read([1])
    mailbox.close()
    with pytest.raises(MailboxUnavailable, match="broke off"):
        mailbox.read_to_spool(listed)
    mailbox.close()


def test_a_refused_message_is_unreadable_only_if_a_second_session_lists_it(
    server: Pop3Server,
) -> None:
    server.add(ONE, TWO)
    server.answers["RETR 2"] = b"-ERR cannot read it\r\n"
    mailbox = Polls(server).mailbox()
    mailbox.open()
    mailbox.list_after(0)
    with pytest.raises(MailUnreadable, match="cannot read it"):
        mailbox.read([1, 2])
    assert len(server.done("PASS")) == 2
    # The second session reads another message.
    assert [mail.content for mail in mailbox.read([1])] == [ONE]
    mailbox.close()


def test_a_message_that_was_removed_meanwhile_is_left_out(server: Pop3Server) -> None:
    server.add(ONE, TWO)
    mailbox = Polls(server).mailbox()
    mailbox.open()
    listed = mailbox.list_after(0)
    assert server.ids is not None
    del server.mails[0], server.ids[0]
    server.answers["RETR 2"] = server.answers["TOP 2"] = b"-ERR gone\r\n"
    # The second message has moved to the first place.
    server.answers["RETR 1"] = b"-ERR gone\r\n"
    assert mailbox.read([1]) == []
    server.answers.clear()
    assert [mail.content for mail in mailbox.read([2])] == [TWO]
    assert mailbox.read_header(listed[0]) is None
    mailbox.close()


def test_a_header_alone_needs_top(server: Pop3Server) -> None:
    server.knows_top = False
    server.add(ONE)
    mailbox = Polls(server).mailbox()
    mailbox.open()
    with pytest.raises(MailUnreadable, match="TOP") as told:
        mailbox.read_header(ListedMail(1, 9, mailbox.list_after(0)[0].key))
    assert told.value.setting == "mail account support: max_message_bytes"
    mailbox.close()


REFUSALS = [
    # RFC 2449 and RFC 3206: temporary refusals.
    ("PASS", b"-ERR [IN-USE] locked\r\n", MailboxUnavailable),
    ("PASS", b"-ERR [LOGIN-DELAY] wait\r\n", MailboxUnavailable),
    ("PASS", b"-ERR [sys/temp] disk\r\n", MailboxUnavailable),
    ("USER", b"-ERR [SYS/TEMP] disk\r\n", MailboxUnavailable),
    ("PASS", b"-ERR [AUTH] no\r\n", LoginRefused),
    ("PASS", b"-ERR [SYS/PERM] gone\r\n", LoginRefused),
    ("PASS", b"-ERR no\r\n", LoginRefused),
    ("USER", b"-ERR who?\r\n", LoginRefused),
    # Not an answer of POP3.
    ("PASS", b"what?\r\n", MailboxUnavailable),
    ("PASS", b"\xff\xfe\r\n", MailboxUnavailable),
]


@pytest.mark.parametrize(("command", "answer", "kind"), REFUSALS)
def test_a_refused_login_is_temporary_or_final(
    server: Pop3Server, command: str, answer: bytes, kind: type[PipelineError]
) -> None:
    server.answers[command] = answer
    mailbox = Polls(server).mailbox()
    with pytest.raises(kind) as told:
        mailbox.open()
    assert type(told.value) is kind
    assert "127.0.0.1" in told.value.problem
    assert mailbox.fileno() == -1


GREETINGS = [
    (b"-ERR [SYS/TEMP] busy\r\n", "busy"),
    (b"-ERR go away\r\n", "go away"),
    (b"* OK IMAP4rev1\r\n", "does not expect"),
    (b"+OK without an end", "broke off"),
    (b"", "broke off"),
]


@pytest.mark.parametrize(("greeting", "words"), GREETINGS)
def test_after_a_refusing_greeting_it_is_unavailable(
    server: Pop3Server, greeting: bytes, words: str
) -> None:
    server.greeting = greeting
    server.cuts[""] = 100
    with pytest.raises(MailboxUnavailable, match=words):
        Polls(server).mailbox().open()


def test_a_refused_removal_does_not_stop_the_mailbox(server: Pop3Server) -> None:
    server.add(ONE, TWO)
    server.answers["DELE 1"] = b"-ERR no\r\n"
    mailbox = Polls(server).mailbox()
    mailbox.open()
    mailbox.list_after(0)
    assert mailbox.finish([1])
    assert not mailbox.finish([1, 2])
    mailbox.rest()
    assert server.mails == [ONE]
    assert [mail.uid for mail in mailbox.held(2)] == [1]
    server.answers["QUIT"] = b"-ERR some deleted messages not removed\r\n"
    mailbox.list_after(0)
    mailbox.rest()
    assert mailbox.fileno() == -1


@pytest.mark.parametrize("cut", [True, False])
def test_a_removal_without_an_answer_is_repeated(server: Pop3Server, cut: bool) -> None:
    server.add(ONE)
    if cut:
        server.cuts["QUIT"] = 2
    else:
        server.answers["QUIT"] = b"-ERR [SYS/TEMP] later\r\n"
    polls = Polls(server)
    mailbox = polls.mailbox()
    mailbox.open()
    mailbox.list_after(0)
    mailbox.finish([1])
    with pytest.raises(MailboxUnavailable):
        mailbox.rest()
    mailbox.interrupt()
    mailbox.close()
    server.cuts.clear()
    server.answers.clear()
    left = [mail.uid for mail in polls.mailbox().unfinished_between(1, 1)]
    # The server removed it, and only its answer was cut.
    assert left == ([] if cut else [1])


def test_held_needs_no_session_of_its_own(server: Pop3Server) -> None:
    server.add(ONE, TWO, THREE)
    mailbox = Polls(server).mailbox()
    mailbox.open()
    mailbox.list_after(0)
    mailbox.finish([2])
    mailbox.rest()
    assert [mail.uid for mail in mailbox.held(3)] == [1, 3]
    assert [mail.uid for mail in mailbox.held(2)] == [1]
    assert len(server.done("PASS")) == 1


class Seconds:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("told", "delay"),
    [
        (["LOGIN-DELAY 900"], 900),
        # A delay for each user, which is listed after the login.
        (["LOGIN-DELAY 900 USER"], 900),
        (["LOGIN-DELAY"], 0),
        (["LOGIN-DELAY soon"], 0),
    ],
)
def test_logs_in_only_after_the_login_delay(
    server: Pop3Server, told: list[str], delay: int
) -> None:
    server.capabilities = ["USER", "UIDL", *told]
    seconds = Seconds()
    server.add(ONE)
    mailbox = Polls(server).mailbox(monotonic=seconds)
    mailbox.open()
    assert len(mailbox.list_after(0)) == 1
    mailbox.rest()
    if delay:
        # A poll that is too early lists nothing; reading a message is an error then.
        seconds.now += delay - 1
        assert mailbox.open() == 0
        assert mailbox.list_after(0) == []
        with pytest.raises(MailboxUnavailable, match="so soon"):
            mailbox.read([1])
        assert len(server.done("PASS")) == 1
        seconds.now += 1
    mailbox.open()
    assert len(mailbox.list_after(0)) == 1
    mailbox.close()
    assert len(server.done("PASS")) == 2


@pytest.mark.parametrize(
    ("host", "allowed", "logs_in"),
    [
        # Anyone on the way could read it.
        ("mail.example.org", False, False),
        ("mail.example.org", True, True),
        # It does not leave this machine.
        ("127.0.0.1", False, True),
    ],
)
def test_without_stls_the_password_waits_for_permission(
    server: Pop3Server, monkeypatch: pytest.MonkeyPatch, host: str, allowed: bool, logs_in: bool
) -> None:
    there = account_named(host=host, allow_plain_login=allowed)
    monkeypatch.setattr(pop3_login, "plain_login_allowed", lambda _: plain_login_allowed(there))
    mailbox = Polls(server, encryption="starttls_if_available").mailbox()
    if logs_in:
        mailbox.open()
        mailbox.close()
    else:
        with pytest.raises(ConfigurationError, match="password was not sent") as told:
            mailbox.open()
        assert told.value.setting == "mail account support: encryption, allow_plain_login"
    assert bool(server.done("USER")) is logs_in


def test_a_server_without_the_required_stls_is_an_error(server: Pop3Server) -> None:
    with pytest.raises(ConfigurationError, match="does not offer STARTTLS") as told:
        Polls(server, encryption="starttls").mailbox().open()
    assert "port 995" in told.value.remedy


def test_sends_no_password_that_the_server_refuses_unencrypted(
    server: Pop3Server,
) -> None:
    server.capabilities = ["UIDL", "STLS"]
    with pytest.raises(ConfigurationError, match="accepts no password over an unencrypted"):
        Polls(server).mailbox().open()
    assert server.done("USER") == []


def test_uses_plain_where_user_is_missing(server: Pop3Server) -> None:
    server.capabilities = ["UIDL", "SASL PLAIN XOAUTH2"]
    Polls(server).new()
    (auth,) = server.done("AUTH")
    assert base64.b64decode(auth.split()[2]) == b"\0support\0secret"


class Tokens:
    """Returns the next token at each call, and the last one again and again."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.refused: list[str] = []

    def __call__(self, refused: str) -> str:
        self.refused.append(refused)
        return self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]


def words(token: str) -> str:
    """Returns the response of XOAUTH2 in base64."""
    return base64.b64encode(f"user=support\1auth=Bearer {token}\1\1".encode()).decode()


@pytest.mark.parametrize("length", [10, 2000])
def test_a_token_logs_in(server: Pop3Server, length: int) -> None:
    server.capabilities = ["SASL XOAUTH2", "UIDL"] if length > 100 else None
    token = "t" * length
    if length > 100:
        # RFC 5034, 4: too long for the command, so it is sent on a line of its own.
        server.answers["AUTH"] = b"+ \r\n"
        server.answers["dXNlcj1"] = b"+OK\r\n"
    mailbox = Polls(server).mailbox(Tokens(token))
    mailbox.open()
    mailbox.close()
    expected = ["AUTH XOAUTH2", words(token)]
    sent = [line for line in server.log if line not in ("CAPA", "QUIT")]
    assert sent == ([" ".join(expected)] if length < 100 else expected)


REFUSED = "eyJzdGF0dXMiOiI0MDEifQ=="


def test_a_refused_token_is_renewed_once(server: Pop3Server) -> None:
    server.capabilities = None
    server.answers[f"AUTH XOAUTH2 {words('old')}"] = f"+ {REFUSED}\r\n".encode()
    server.answers["AUTH"] = b"+OK\r\n"
    server.answers["CAPA"] = server.answers["QUIT"] = b"-ERR unknown\r\n"
    # The challenge is answered by an empty line.
    server.answers[""] = b"-ERR [AUTH] no\r\n"
    tokens = Tokens("old", "new")
    mailbox = Polls(server).mailbox(tokens)
    mailbox.open()
    mailbox.close()
    assert tokens.refused == ["", "old"]
    assert "" in server.log


def test_a_refused_fresh_token_is_a_configuration_error(server: Pop3Server) -> None:
    server.capabilities = None
    server.answers["CAPA"] = b"-ERR unknown\r\n"
    server.answers["AUTH"] = f"+ {REFUSED}\r\n".encode()
    server.answers[""] = b"-ERR [AUTH] no such token\r\n"
    with pytest.raises(ConfigurationError, match="refused a fresh token") as told:
        Polls(server).mailbox(Tokens("one")).open()
    assert "status 401" in told.value.problem
    assert "no such token" in told.value.problem
    assert "POP3 is enabled" in told.value.remedy


def test_a_temporary_refusal_does_not_renew_the_token(server: Pop3Server) -> None:
    server.capabilities = None
    server.answers["AUTH"] = b"-ERR [SYS/TEMP] busy\r\n"
    tokens = Tokens("one", "two")
    with pytest.raises(MailboxUnavailable, match="busy"):
        Polls(server).mailbox(tokens).open()
    assert tokens.refused == [""]


def test_a_server_without_tokens_is_an_error(server: Pop3Server) -> None:
    with pytest.raises(ConfigurationError, match="accepts no tokens"):
        Polls(server).mailbox(Tokens("one")).open()


def test_a_password_that_the_server_repeats_is_masked(
    server: Pop3Server,
) -> None:
    server.answers["PASS"] = b"-ERR unknown command: PASS hunter2\r\n"
    with pytest.raises(ConfigurationError) as told:
        Polls(server).mailbox("hunter2").open()
    assert "unknown command: PASS ***" in str(told.value)
    assert "hunter2" not in str(told.value)
