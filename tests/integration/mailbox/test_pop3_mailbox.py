"""Pop3Mailbox on a real Dovecot: encryptions, reading, removal, and faults."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, PipelineError
from postrail.mailbox import Mailbox, MailboxUnavailable
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from tests.contracts.mailbox import MailboxContract
from tests.fakes.ledgers import MemoryLedger
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, Dovecot

pytestmark = pytest.mark.debian

USER = "support"
MAIL = b"Subject: Printer\r\nMessage-ID: <1@example.org>\r\n\r\nIt smokes.\r\n"


def account_on(dovecot: Dovecot, certificates: Certificates, **changes: Any) -> MailAccount:
    """Returns an account, over TLS unless changed."""
    values = {
        "name": "support",
        "protocol": "pop3",
        "host": "localhost",
        "port": dovecot.pop3s_port,
        "encryption": "ssl",
        "username": USER,
        "password": "env:POSTRAIL_SECRET_SUPPORT",
        "address": "support@example.org",
        "project": "HELP",
        "timeout_ms": 5_000,
        "ca_file": str(certificates.ca_file),
    }
    return MailAccount.model_validate(values | changes)


def mailbox_of(account: MailAccount, password: str = PASSWORD) -> Pop3Mailbox:
    return Pop3Mailbox(account, password, MemoryLedger())


@pytest.fixture
def account(dovecot: Dovecot, certificates: Certificates) -> MailAccount:
    return account_on(dovecot, certificates, after_download="remove")


@pytest.fixture
def mailbox(account: MailAccount) -> Iterator[Pop3Mailbox]:
    found = mailbox_of(account)
    yield found
    found.close()


@pytest.mark.parametrize("encryption", ["none", "starttls", "starttls_if_available", "ssl"])
def test_reads_with_each_encryption(
    dovecot: Dovecot, certificates: Certificates, encryption: str
) -> None:
    port = dovecot.pop3s_port if encryption == "ssl" else dovecot.pop3_port
    account = account_on(dovecot, certificates, encryption=encryption, port=port)
    dovecot.append(USER, MAIL)
    mailbox = mailbox_of(account)
    assert mailbox.open() == 0
    (listed,) = mailbox.list_after(0)
    assert (listed.uid, listed.size) == (1, len(MAIL))
    assert listed.key.startswith("uidl=")
    assert mailbox._connected().encrypted is (encryption != "none")
    (mail,) = mailbox.read([1])
    assert (mail.content, mail.key, mail.received_at) == (MAIL, listed.key, None)
    mailbox.close()


ODD_MAILS = [
    # The protocol doubles dots at the beginnings of lines.
    b"A: 1\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n",
    # A line longer than poplib accepts.
    b"A: 1\r\n\r\n" + b"x" * 100_000 + b"\r\n" + b"." * 5000 + b"\r\n",
    # No header, no body, any bytes.
    b"\r\n",
    b"A: 1\r\n\r\n" + bytes(number for number in range(256) if number not in b"\0\r\n") + b"\r\n",
]


def test_messages_arrive_unchanged(dovecot: Dovecot, mailbox: Pop3Mailbox) -> None:
    for content in ODD_MAILS:
        dovecot.append(USER, content)
    mailbox.open()
    uids = [mail.uid for mail in mailbox.list_after(0)]
    assert [mail.content for mail in mailbox.read(uids)] == ODD_MAILS


# After the download of the first two of three messages: the mailbox before and after QUIT.
AFTER = [
    ("seen", [1, 2, 3], [1, 2, 3]),
    ("leave", [1, 2, 3], [1, 2, 3]),
    ("remove", [1, 2, 3], [3]),
]


@pytest.mark.parametrize(("wanted", "before", "after"), AFTER)
def test_marks_removes_or_moves_after_the_download(
    dovecot: Dovecot, certificates: Certificates, wanted: str, before: list[int], after: list[int]
) -> None:
    for _ in range(3):
        dovecot.append(USER, MAIL)
    mailbox = mailbox_of(account_on(dovecot, certificates, after_download=wanted))
    mailbox.open()
    mailbox.list_after(0)
    assert mailbox.finish([1, 2]) is (before == after)
    assert dovecot.uids(USER) == before
    mailbox.rest()
    assert dovecot.uids(USER) == after
    left = [mail.uid for mail in mailbox.unfinished_between(1, 3)]
    assert left == (after if wanted == "remove" else [])
    mailbox.close()


def test_a_session_that_breaks_removes_nothing(dovecot: Dovecot, mailbox: Pop3Mailbox) -> None:
    dovecot.append(USER, MAIL)
    mailbox.open()
    mailbox.list_after(0)
    assert not mailbox.finish([1])
    mailbox.interrupt()
    with pytest.raises(MailboxUnavailable):
        mailbox.rest()
    mailbox.close()
    assert dovecot.uids(USER) == [1]


def test_between_two_polls_the_mailbox_is_unlocked_and_the_next_sees_new_messages(
    dovecot: Dovecot, mailbox: Pop3Mailbox
) -> None:
    dovecot.append(USER, MAIL)
    mailbox.open()
    assert [mail.uid for mail in mailbox.list_after(0)] == [1]
    mailbox.rest()
    assert mailbox.fileno() == -1
    dovecot.append(USER, MAIL)
    # By the next call, or by an explicit opening.
    assert [mail.uid for mail in mailbox.list_after(1)] == [2]
    mailbox.rest()
    mailbox.open()
    assert mailbox.fileno() > 0
    assert [mail.uid for mail in mailbox.list_after(0)] == [1, 2]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        # USER and PASS are ASCII without blanks.
        ("Jörg", PASSWORD),
        ("two words", PASSWORD),
        ("support", PASSWORD),
    ],
)
def test_logs_in_with_any_name(
    dovecot: Dovecot, certificates: Certificates, username: str, password: str
) -> None:
    dovecot.append("support", MAIL)
    mailbox = mailbox_of(account_on(dovecot, certificates, username=username), password)
    mailbox.open()
    assert len(mailbox.list_after(0)) == (1 if username == "support" else 0)
    mailbox.close()


@pytest.mark.parametrize("password", ["wrong", "gehéim", "two\r\nlines"])
def test_a_refused_login_names_user_and_remedy(
    dovecot: Dovecot, certificates: Certificates, password: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        mailbox_of(account_on(dovecot, certificates), password).open()
    assert "refused the login of support" in str(told.value)
    assert "mail account support: username, password" in str(told.value)
    assert password not in told.value.problem
    assert "pop3 is enabled" in str(told.value).lower()


def _refused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


FAULTS = [
    # Another authority has signed the server's certificate.
    ({"ca_file": ""}, ConfigurationError, "not trusted", "ca_file"),
    ({"ca_file": "/nowhere/ca.pem"}, ConfigurationError, "/nowhere/ca.pem", "ca_file"),
    # TLS to a port that expects plain POP3.
    ({"port": "pop3"}, ConfigurationError, "does not speak TLS", "encryption, port"),
    # Plain POP3 to a port that expects TLS: it stays silent.
    (
        {"encryption": "none", "timeout_ms": 1000},
        MailboxUnavailable,
        "did not answer in time",
        "encryption",
    ),
    ({"encryption": "starttls", "timeout_ms": 1000}, MailboxUnavailable, "in time", "encryption"),
    # LMTP and IMAP instead of POP3.
    ({"encryption": "none", "port": "lmtp"}, MailboxUnavailable, "does not expect", "port"),
    ({"encryption": "starttls", "port": "imap"}, MailboxUnavailable, "does not expect", "port"),
    ({"host": "no-such-host.invalid"}, MailboxUnavailable, "not known", "host"),
    ({"port": "refused"}, MailboxUnavailable, "refused the connection", "port"),
]


@pytest.mark.parametrize(("changes", "kind", "problem", "setting"), FAULTS)
def test_each_fault_names_the_setting_and_the_remedy(
    dovecot: Dovecot,
    certificates: Certificates,
    changes: dict[str, Any],
    kind: type[PipelineError],
    problem: str,
    setting: str,
) -> None:
    ports = {
        "pop3": dovecot.pop3_port,
        "imap": dovecot.imap_port,
        "lmtp": dovecot.lmtp_port,
        "refused": _refused_port(),
    }
    changes = {name: ports.get(value, value) for name, value in changes.items()}
    mailbox = mailbox_of(account_on(dovecot, certificates, **changes))
    with pytest.raises(kind) as told:
        mailbox.open()
    assert problem in told.value.problem
    assert setting in told.value.setting
    assert told.value.setting.startswith("mail account support: ")
    assert told.value.remedy


def test_a_server_that_stops_is_unavailable(dovecot: Dovecot, mailbox: Pop3Mailbox) -> None:
    mailbox.open()
    dovecot.stop()
    with pytest.raises(MailboxUnavailable):
        mailbox.list_after(0)


def test_a_kicked_session_is_unavailable(dovecot: Dovecot, mailbox: Pop3Mailbox) -> None:
    dovecot.append(USER, MAIL)
    mailbox.open()
    mailbox.list_after(0)
    dovecot.kick(USER)
    with pytest.raises(MailboxUnavailable):
        mailbox.read([1])


class DovecotScene:
    """A mailbox on Dovecot; each message is listed when it is added, which numbers it."""

    def __init__(self, dovecot: Dovecot, account: MailAccount) -> None:
        self._dovecot = dovecot
        self._account = account
        self._ledger = MemoryLedger()
        self.mailbox: Mailbox = Pop3Mailbox(account, PASSWORD, self._ledger)

    def add(self, content: bytes) -> int:
        self._dovecot.append(USER, content)
        other = Pop3Mailbox(self._account, PASSWORD, self._ledger)
        number = other.list_after(0)[-1].uid
        other.close()
        return number

    def remove(self, uid: int) -> None:
        self._dovecot.doveadm("expunge", "-u", USER, "mailbox", "INBOX", "uid", str(uid))
        # Only the next session sees the removal.
        self.mailbox.rest()

    def seen(self) -> set[int]:
        """Returns the removed messages, as POP3 has no marks."""
        self.mailbox.rest()
        return set(self._ledger.numbers.values()) - set(self._dovecot.uids(USER))


class TestPop3Mailbox(MailboxContract):
    """The contract of every Mailbox, by an account that removes messages."""

    reports_received_at = False

    @pytest.fixture
    def scene(self, dovecot: Dovecot, account: MailAccount) -> Iterator[DovecotScene]:
        found = DovecotScene(dovecot, account)
        yield found
        found.mailbox.close()
