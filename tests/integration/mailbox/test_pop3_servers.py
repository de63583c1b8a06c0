"""Pop3Mailbox on servers that lack, break or refuse something, and what it makes of that."""

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
from postrail.mailbox.login import Login
from postrail.mailbox.pop3 import login as pop3_login
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.mailbox.spool import Spool
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


class Looks:
    """Mailboxes over one ledger: what a look lists as new, and what it reads."""

    def __init__(self, server: Pop3Server, **changes: Any) -> None:
        self.ledger = MemoryLedger()
        self._account = account_on(server, **changes)
        self.last = 0

    def mailbox(self, login: Login = "secret", **options: Any) -> Pop3Mailbox:
        return Pop3Mailbox(self._account, login, self.ledger, **options)

    def new(self) -> list[bytes]:
        """A look in a session of its own: the contents of what is listed above what was before."""
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


def test_without_uidl_a_mail_is_known_by_its_content(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE, TWO)
    looks = Looks(server)
    assert looks.new() == [ONE, TWO]
    assert all(key.startswith("sha256=") for key in looks.ledger.numbers)
    # The places have moved, one size stands at the place of another mail, and a mail is new.
    del server.mails[0]
    server.add(ONE.replace(b"first", b"other"), THREE)
    assert looks.new() == [ONE.replace(b"first", b"other"), THREE]
    assert looks.new() == []


def test_without_uidl_the_marks_of_reading_make_no_other_mail(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE)
    looks = Looks(server)
    assert looks.new() == [ONE]
    server.mails[0] = b"Status: RO\r\nX-UIDL: 7\r\n" + ONE
    assert looks.new() == []


def test_without_uidl_equal_mails_are_one_and_are_removed_together(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE, TWO, ONE)
    looks = Looks(server)
    mailbox = looks.mailbox()
    mailbox.open()
    assert [mail.uid for mail in mailbox.list_after(0)] == [1, 2]
    mailbox.finish([1])
    mailbox.rest()
    assert server.mails == [TWO]


def test_without_uidl_a_refused_mail_is_listed_and_cannot_be_read(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE, TWO)
    server.answers["RETR 1"] = b"-ERR broken\r\n"
    mailbox = Looks(server).mailbox()
    mailbox.open()
    first, second = mailbox.list_after(0)
    with pytest.raises(MailUnreadable, match="broken"):
        mailbox.read([first.uid])
    assert [mail.content for mail in mailbox.read([second.uid])] == [TWO]
    mailbox.close()


def test_without_uidl_a_too_large_mail_is_known_by_its_header(server: Pop3Server) -> None:
    server.ids, server.capabilities = None, None
    server.add(ONE + b"x" * 1000 + b"\r\n")
    mailbox = Looks(server, max_message_bytes=500).mailbox()
    mailbox.open()
    (listed,) = mailbox.list_after(0)
    header = mailbox.read_header(listed)
    assert header is not None
    assert header.content == b"Subject: one\r\n\r\n"
    assert server.done("RETR") == []
    mailbox.close()


@pytest.mark.parametrize("knows_top", [True, False])
def test_equal_unique_ids_do_not_hide_a_mail(server: Pop3Server, knows_top: bool) -> None:
    server.knows_top = knows_top
    server.add(ONE, TWO, THREE)
    server.ids = [b"same", b"same", b"other"]
    looks = Looks(server)
    assert looks.new() == [ONE, TWO, THREE]
    assert len(looks.ledger.numbers) == 3
    assert looks.new() == []
    # A twin that is alone is read once more: that costs less than a mail taken for its twin.
    del server.mails[0], server.ids[0]
    assert looks.new() == [TWO]
    assert looks.new() == []


IDS = [
    (b"1", "uidl=1"),
    (b"<a@b>|;=,'\"", "uidl=<a@b>|;=,'\""),
    (b"x" * 70, "uidl=" + "x" * 70),
    # Longer than RFC 1939 allows, or with characters that it does not.
    (b"x" * 71, "uidl-sha256="),
    (b"x" * 100_000, "uidl-sha256="),
    (b"\xff\x00\x01", "uidl-sha256="),
    (b"two words", "uidl-sha256="),
    # None at all.
    (b"", "sha256="),
]


@pytest.mark.parametrize(("unique_id", "beginning"), IDS)
def test_unique_ids_of_all_kinds(server: Pop3Server, unique_id: bytes, beginning: str) -> None:
    server.add(ONE)
    server.ids = [unique_id]
    looks = Looks(server)
    assert looks.new() == [ONE]
    (key,) = looks.ledger.numbers
    assert key.startswith(beginning)
    assert len(key) <= 80
    assert looks.new() == []


@pytest.mark.parametrize(
    "answer",
    [
        # The server says that it passes; or it knows UIDL and does not give it now.
        b"-ERR [SYS/TEMP] the index is rebuilt\r\n",
        b"-ERR not now\r\n",
        # A listing that ends in its middle is none.
        b"+OK\r\n1 a\r\n",
    ],
)
def test_a_mailbox_without_its_unique_ids_is_away(server: Pop3Server, answer: bytes) -> None:
    server.add(ONE, TWO)
    server.answers["UIDL"] = answer
    if answer.startswith(b"+OK"):
        server.cuts["UIDL"] = len(answer)
    looks = Looks(server)
    with pytest.raises(MailboxUnavailable):
        looks.new()
    assert looks.ledger.numbers == {}


def test_sizes_are_not_relied_on(server: Pop3Server) -> None:
    large = b"A: 1\r\n\r\n" + (b"x" * 70 + b"\r\n") * 50_000
    server.add(ONE, large, TWO)
    server.listed_size = 3
    mailbox = Looks(server).mailbox()
    mailbox.open()
    listed = mailbox.list_after(0)
    assert [mail.size for mail in listed] == [3, 3, 3]
    mails = mailbox.read([mail.uid for mail in listed])
    assert [b"".join(mail.chunks()) for mail in mails] == [ONE, large, TWO]
    # What is large all the same does not stay in memory.
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
    mailbox = Looks(server).mailbox()
    mailbox.open()
    mailbox.list_after(0)
    with pytest.raises(MailboxUnavailable):
        mailbox.read([1, 2])
    assert [spool.closed for spool in spools] == [True, True]
    mailbox.close()


def test_without_list_sizes_are_unknown(server: Pop3Server) -> None:
    server.add(ONE)
    server.answers["LIST"] = b"-ERR unknown\r\n"
    mailbox = Looks(server).mailbox()
    mailbox.open()
    assert [mail.size for mail in mailbox.list_after(0)] == [None]
    mailbox.close()


ODD_LISTINGS = [
    # Lines that say nothing of a mail, and blanks of all kinds, are no matter.
    b"+OK\r\n\r\nhello\r\n1  id-one \r\n-2 x\r\n99999999999999999999 x\r\n.\r\n",
    b"+OK\n1 id-one\n.\n",
]


@pytest.mark.parametrize("listing", ODD_LISTINGS)
def test_odd_listings(server: Pop3Server, listing: bytes) -> None:
    server.add(ONE)
    server.answers["UIDL"] = listing
    if b"\r\n" not in listing:
        server.greeting, server.line_end = b"+OK ready\n", b"\n"
    looks = Looks(server)
    looks.new()
    assert list(looks.ledger.numbers) == ["uidl=id-one"]


MAILS = [
    # A dot alone behind a lone LF ends nothing.
    b"A: 1\r\n\r\nbefore\n.\nafter\r\n",
    b"A: 1\r\n\r\n.\r\n..\r\n...x\r\n",
    # Lines longer than poplib and than our own buffer take.
    b"A: " + b"x" * 5_000_000 + b"\r\n\r\n" + b"y" * 3000 + b"\r\n",
    b"\0\xff\r\r\n\r\n\x1a\r\n",
    b"",
]


@pytest.mark.parametrize("content", MAILS)
def test_mails_come_byte_by_byte(server: Pop3Server, content: bytes) -> None:
    server.add(content)
    assert Looks(server).new() == [content]
    mailbox = Looks(server).mailbox()
    mailbox.open()
    read = mailbox.read_to_spool(mailbox.list_after(0)[0])
    assert read is not None
    assert b"".join(read.chunks()) == content
    read.close()
    mailbox.close()


def test_a_server_that_ends_lines_by_lf_is_understood(server: Pop3Server) -> None:
    server.greeting, server.line_end = b"+OK ready\n", b"\n"
    server.add(b"A: 1\r\n\r\n.\r\nx\r\n")
    assert Looks(server).new() == [b"A: 1\n\n.\nx\n"]


# Where the connection ends within the answer "+OK\r\nA: 1\r\n\r\nxx\r\n.\r\n".
@pytest.mark.parametrize("size", range(20))
def test_a_cut_at_any_byte_of_a_mail_is_a_lost_connection(server: Pop3Server, size: int) -> None:
    server.add(b"A: 1\r\n\r\nxx\r\n")
    server.cuts["RETR"] = size
    mailbox = Looks(server).mailbox()
    mailbox.open()
    (listed,) = mailbox.list_after(0)
    with pytest.raises(MailboxUnavailable, match="broke off"):
        mailbox.read([1])
    mailbox.close()
    with pytest.raises(MailboxUnavailable, match="broke off"):
        mailbox.read_to_spool(listed)
    mailbox.close()


def test_a_refused_mail_is_asked_for_in_a_second_session_before_it_is_unreadable(
    server: Pop3Server,
) -> None:
    server.add(ONE, TWO)
    server.answers["RETR 2"] = b"-ERR cannot read it\r\n"
    mailbox = Looks(server).mailbox()
    mailbox.open()
    mailbox.list_after(0)
    with pytest.raises(MailUnreadable, match="cannot read it"):
        mailbox.read([1, 2])
    assert len(server.done("PASS")) == 2
    # Another one is read in that second session.
    assert [mail.content for mail in mailbox.read([1])] == [ONE]
    mailbox.close()


def test_a_mail_that_somebody_removed_meanwhile_is_left_out(server: Pop3Server) -> None:
    server.add(ONE, TWO)
    mailbox = Looks(server).mailbox()
    mailbox.open()
    listed = mailbox.list_after(0)
    assert server.ids is not None
    del server.mails[0], server.ids[0]
    server.answers["RETR 2"] = server.answers["TOP 2"] = b"-ERR gone\r\n"
    # The second one moved to the first place.
    server.answers["RETR 1"] = b"-ERR gone\r\n"
    assert mailbox.read([1]) == []
    server.answers.clear()
    assert [mail.content for mail in mailbox.read([2])] == [TWO]
    assert mailbox.read_header(listed[0]) is None
    mailbox.close()


def test_a_header_alone_needs_top(server: Pop3Server) -> None:
    server.knows_top = False
    server.add(ONE)
    mailbox = Looks(server).mailbox()
    mailbox.open()
    with pytest.raises(MailUnreadable, match="TOP") as told:
        mailbox.read_header(ListedMail(1, 9, mailbox.list_after(0)[0].key))
    assert told.value.setting == "mail account support: max_message_bytes"
    mailbox.close()


REFUSALS = [
    # RFC 2449 and RFC 3206: the same may be granted later.
    ("PASS", b"-ERR [IN-USE] locked\r\n", MailboxUnavailable),
    ("PASS", b"-ERR [LOGIN-DELAY] wait\r\n", MailboxUnavailable),
    ("PASS", b"-ERR [sys/temp] disk\r\n", MailboxUnavailable),
    ("USER", b"-ERR [SYS/TEMP] disk\r\n", MailboxUnavailable),
    ("PASS", b"-ERR [AUTH] no\r\n", ConfigurationError),
    ("PASS", b"-ERR [SYS/PERM] gone\r\n", ConfigurationError),
    ("PASS", b"-ERR no\r\n", ConfigurationError),
    ("USER", b"-ERR who?\r\n", ConfigurationError),
    # What is no answer at all.
    ("PASS", b"what?\r\n", MailboxUnavailable),
    ("PASS", b"\xff\xfe\r\n", MailboxUnavailable),
]


@pytest.mark.parametrize(("command", "answer", "kind"), REFUSALS)
def test_logins_are_refused_for_now_or_for_good(
    server: Pop3Server, command: str, answer: bytes, kind: type[PipelineError]
) -> None:
    server.answers[command] = answer
    mailbox = Looks(server).mailbox()
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
def test_a_greeting_that_is_no_welcome(server: Pop3Server, greeting: bytes, words: str) -> None:
    server.greeting = greeting
    server.cuts[""] = 100
    with pytest.raises(MailboxUnavailable, match=words):
        Looks(server).mailbox().open()


def test_what_the_server_does_not_remove_stays_and_stops_nothing(server: Pop3Server) -> None:
    server.add(ONE, TWO)
    server.answers["DELE 1"] = b"-ERR no\r\n"
    mailbox = Looks(server).mailbox()
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
def test_a_removal_without_its_answer_has_to_be_asked_for_again(
    server: Pop3Server, cut: bool
) -> None:
    server.add(ONE)
    if cut:
        server.cuts["QUIT"] = 2
    else:
        server.answers["QUIT"] = b"-ERR [SYS/TEMP] later\r\n"
    looks = Looks(server)
    mailbox = looks.mailbox()
    mailbox.open()
    mailbox.list_after(0)
    mailbox.finish([1])
    with pytest.raises(MailboxUnavailable):
        mailbox.rest()
    mailbox.interrupt()
    mailbox.close()
    server.cuts.clear()
    server.answers.clear()
    left = [mail.uid for mail in looks.mailbox().unfinished_between(1, 1)]
    # With the answer cut off the server had removed it.
    assert left == ([] if cut else [1])


def test_held_needs_no_session_of_its_own(server: Pop3Server) -> None:
    server.add(ONE, TWO, THREE)
    mailbox = Looks(server).mailbox()
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
        # For each user another one, which is told after the login.
        (["LOGIN-DELAY 900 USER"], 900),
        (["LOGIN-DELAY"], 0),
        (["LOGIN-DELAY soon"], 0),
    ],
)
def test_no_login_comes_sooner_than_the_server_allows(
    server: Pop3Server, told: list[str], delay: int
) -> None:
    server.capabilities = ["USER", "UIDL", *told]
    seconds = Seconds()
    server.add(ONE)
    mailbox = Looks(server).mailbox(monotonic=seconds)
    mailbox.open()
    assert len(mailbox.list_after(0)) == 1
    mailbox.rest()
    if delay:
        # A look too soon sees nothing, and is no fault; a mail that is wanted is not just missing.
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
        # Whoever is on the way could read it.
        ("mail.example.org", False, False),
        ("mail.example.org", True, True),
        # Nobody is on the way.
        ("127.0.0.1", False, True),
    ],
)
def test_without_stls_the_password_waits_for_permission(
    server: Pop3Server, monkeypatch: pytest.MonkeyPatch, host: str, allowed: bool, logs_in: bool
) -> None:
    there = account_named(host=host, allow_plain_login=allowed)
    monkeypatch.setattr(pop3_login, "plain_login_allowed", lambda _: plain_login_allowed(there))
    mailbox = Looks(server, encryption="starttls_if_available").mailbox()
    if logs_in:
        mailbox.open()
        mailbox.close()
    else:
        with pytest.raises(ConfigurationError, match="password was not sent") as told:
            mailbox.open()
        assert told.value.setting == "mail account support: encryption, allow_plain_login"
    assert bool(server.done("USER")) is logs_in


def test_stls_that_is_wanted_and_missing_is_told(server: Pop3Server) -> None:
    with pytest.raises(ConfigurationError, match="does not offer STARTTLS") as told:
        Looks(server, encryption="starttls").mailbox().open()
    assert "port 995" in told.value.remedy


def test_a_server_that_takes_no_password_over_a_plain_line_gets_none(server: Pop3Server) -> None:
    server.capabilities = ["UIDL", "STLS"]
    with pytest.raises(ConfigurationError, match="accepts no password over an unencrypted"):
        Looks(server).mailbox().open()
    assert server.done("USER") == []


def test_where_user_is_missing_plain_is_taken(server: Pop3Server) -> None:
    server.capabilities = ["UIDL", "SASL PLAIN XOAUTH2"]
    Looks(server).new()
    (auth,) = server.done("AUTH")
    assert base64.b64decode(auth.split()[2]) == b"\0support\0secret"


class Tokens:
    """Gives tokens, each time the next one, and the last one for ever."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.refused: list[str] = []

    def __call__(self, refused: str) -> str:
        self.refused.append(refused)
        return self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]


def words(token: str) -> str:
    """What XOAUTH2 sends."""
    return base64.b64encode(f"user=support\1auth=Bearer {token}\1\1".encode()).decode()


@pytest.mark.parametrize("length", [10, 2000])
def test_a_token_logs_in(server: Pop3Server, length: int) -> None:
    server.capabilities = ["SASL XOAUTH2", "UIDL"] if length > 100 else None
    token = "t" * length
    if length > 100:
        # RFC 5034, 4: too long for a command, so the server is asked first.
        server.answers["AUTH"] = b"+ \r\n"
        server.answers["dXNlcj1"] = b"+OK\r\n"
    mailbox = Looks(server).mailbox(Tokens(token))
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
    # The answer to what is sent in return for the challenge: nothing.
    server.answers[""] = b"-ERR [AUTH] no\r\n"
    tokens = Tokens("old", "new")
    mailbox = Looks(server).mailbox(tokens)
    mailbox.open()
    mailbox.close()
    assert tokens.refused == ["", "old"]
    assert "" in server.log


def test_a_fresh_token_that_is_refused_is_told(server: Pop3Server) -> None:
    server.capabilities = None
    server.answers["CAPA"] = b"-ERR unknown\r\n"
    server.answers["AUTH"] = f"+ {REFUSED}\r\n".encode()
    server.answers[""] = b"-ERR [AUTH] no such token\r\n"
    with pytest.raises(ConfigurationError, match="refused a fresh token") as told:
        Looks(server).mailbox(Tokens("one")).open()
    assert "status 401" in told.value.problem
    assert "no such token" in told.value.problem
    assert "POP3 is enabled" in told.value.remedy


def test_a_busy_server_makes_no_token_old(server: Pop3Server) -> None:
    server.capabilities = None
    server.answers["AUTH"] = b"-ERR [SYS/TEMP] busy\r\n"
    tokens = Tokens("one", "two")
    with pytest.raises(MailboxUnavailable, match="busy"):
        Looks(server).mailbox(tokens).open()
    assert tokens.refused == [""]


def test_a_server_that_takes_no_tokens_is_told(server: Pop3Server) -> None:
    with pytest.raises(ConfigurationError, match="accepts no tokens"):
        Looks(server).mailbox(Tokens("one")).open()


def test_a_server_that_repeats_the_password_does_not_bring_it_into_the_log(
    server: Pop3Server,
) -> None:
    server.answers["PASS"] = b"-ERR unknown command: PASS hunter2\r\n"
    with pytest.raises(ConfigurationError) as told:
        Looks(server).mailbox("hunter2").open()
    assert "unknown command: PASS ***" in str(told.value)
    assert "hunter2" not in str(told.value)
