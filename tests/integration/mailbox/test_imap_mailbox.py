"""ImapMailbox on a real Dovecot: encryptions, reading, flags, IDLE, and faults."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, PipelineError
from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.spool import CHUNK_BYTES
from tests.contracts.mailbox import MailboxContract
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.dovecot import PASSWORD, Dovecot

pytestmark = pytest.mark.debian

USER = "support"
MAIL = b"Subject: Printer\r\nMessage-ID: <1@example.org>\r\n\r\nIt smokes.\r\n"


def account_on(dovecot: Dovecot, certificates: Certificates, **changes: Any) -> MailAccount:
    """Returns an account, over TLS unless changed."""
    values = {
        "name": "support",
        "host": "localhost",
        "port": dovecot.imaps_port,
        "encryption": "ssl",
        "username": USER,
        "password": "env:POSTRAIL_SECRET_SUPPORT",
        "address": "support@example.org",
        "project": "HELP",
        "timeout_ms": 5_000,
        "ca_file": str(certificates.ca_file),
    }
    return MailAccount.model_validate(values | changes)


@pytest.fixture
def account(dovecot: Dovecot, certificates: Certificates) -> MailAccount:
    return account_on(dovecot, certificates)


@pytest.fixture
def mailbox(account: MailAccount) -> Iterator[ImapMailbox]:
    found = ImapMailbox(account, PASSWORD)
    yield found
    found.close()


@pytest.mark.parametrize("encryption", ["none", "starttls", "starttls_if_available", "ssl"])
def test_reads_with_each_encryption(
    dovecot: Dovecot, certificates: Certificates, encryption: str
) -> None:
    port = dovecot.imaps_port if encryption == "ssl" else dovecot.imap_port
    account = account_on(dovecot, certificates, encryption=encryption, port=port)
    uid = dovecot.append(USER, MAIL)
    mailbox = ImapMailbox(account, PASSWORD)
    try:
        assert mailbox.open() == dovecot.uidvalidity(USER)
        assert mailbox.list_after(0) == [ListedMail(uid, len(MAIL))]
        assert [mail.content for mail in mailbox.read([uid])] == [MAIL]
    finally:
        mailbox.close()


def test_reading_leaves_flags_alone_until_finish(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    uids = [dovecot.append(USER, MAIL) for _ in range(3)]
    mailbox.open()
    mailbox.read(uids)
    assert set(map(tuple, dovecot.flags(USER).values())) == {()}
    assert [mail.uid for mail in mailbox.unfinished_between(1, 2)] == uids[:2]
    mailbox.finish(uids[:2])
    assert dovecot.flags(USER) == {1: {"\\Seen"}, 2: {"\\Seen"}, 3: set()}
    assert [mail.uid for mail in mailbox.unfinished_between(1, 3)] == uids[2:]


def test_a_large_message_that_is_removed_halfway_is_gone(
    dovecot: Dovecot, mailbox: ImapMailbox
) -> None:
    uid = dovecot.append(USER, b"A: 1\r\n\r\n" + b"x\r\n" * CHUNK_BYTES)
    mailbox.open()
    (listed,) = mailbox.list_after(0)
    fetch = mailbox._retrieval._fetch
    pieces = 0

    def removed_meanwhile(uids: list[int], items: list[str]) -> dict[int, dict[bytes, Any]]:
        nonlocal pieces
        pieces += "BODY" in items[0]
        if pieces == 2:
            dovecot.doveadm("expunge", "-u", USER, "mailbox", "INBOX", "uid", str(uid))
            mailbox.list_after(0)
        return fetch(uids, items)

    mailbox._retrieval._fetch = removed_meanwhile  # type: ignore[method-assign]
    assert mailbox.read_to_spool(listed) is None
    assert pieces == 2


def opened(account: MailAccount, without: str = "") -> ImapMailbox:
    """Returns an open mailbox, on a server that seems to lack a capability."""
    mailbox = ImapMailbox(account, PASSWORD)
    mailbox.open()
    offered = mailbox._session.client.capabilities()
    lacking = {without.encode(), b"MOVE"} if without else set()
    mailbox._session.client._cached_capabilities = tuple(set(offered) - lacking)
    return mailbox


# After the download of the first two of three messages: INBOX, and the other folder.
AFTER = [
    ("seen", "", "", [1, 2, 3], 0),
    ("leave", "", "", [1, 2, 3], 0),
    ("remove", "", "", [3], 0),
    # Without UIDPLUS only the mark is safe.
    ("remove", "", "UIDPLUS", [1, 2, 3], 0),
    ("move", "Processed", "", [3], 2),
    # Created when it is missing, with any name.
    ("move", "Erledigt/Müll", "", [3], 2),
    ("move", "Erledigt/Müll", "MOVE", [3], 2),
    ("move", "Processed", "UIDPLUS", [1, 2, 3], 2),
]


@pytest.mark.parametrize(("wanted", "target", "without", "left", "moved"), AFTER)
def test_marks_removes_or_moves_after_the_download(
    dovecot: Dovecot,
    certificates: Certificates,
    wanted: str,
    target: str,
    without: str,
    left: list[int],
    moved: int,
) -> None:
    for _ in range(3):
        dovecot.append(USER, MAIL)
    # A message that another program has marked as deleted must stay.
    with dovecot.connection(USER) as client:
        client.select("INBOX")
        client.store("3", "+FLAGS", "\\Deleted")
    account = account_on(dovecot, certificates, after_download=wanted, move_to=target)
    mailbox = opened(account, without)
    assert mailbox.finish([1, 2])
    assert mailbox.unfinished_between(1, 2) == (
        [] if wanted != "leave" else mailbox.unfinished_between(1, 3)
    )
    mailbox.close()
    assert dovecot.uids(USER) == left
    assert len(dovecot.uids(USER, target)) == moved if target else True
    marked = {uid for uid, flags in dovecot.flags(USER).items() if "\\Deleted" in flags}
    assert marked == ({1, 2, 3} if without == "UIDPLUS" else {3})


def test_a_folder_that_the_server_refuses_to_create_is_an_error(
    dovecot: Dovecot, certificates: Certificates
) -> None:
    uid = dovecot.append(USER, MAIL)
    # No server creates a name with two separators in a row.
    account = account_on(dovecot, certificates, after_download="move", move_to="a//b")
    mailbox = opened(account)
    with pytest.raises(MailUnreadable, match="refuses 'move'") as told:
        mailbox.finish([uid])
    mailbox.close()
    assert told.value.setting == "mail account support: after_download, move_to"
    assert dovecot.uids(USER) == [uid]


def test_lists_only_messages_after_the_day(dovecot: Dovecot, certificates: Certificates) -> None:
    for day in (1, 15, 28):
        dovecot.append(USER, MAIL, when=datetime(2026, 3, day, 12, tzinfo=UTC))
    mailbox = opened(account_on(dovecot, certificates, only_after="2026-03-15"))
    assert [mail.uid for mail in mailbox.list_after(0)] == [2, 3]
    mailbox.close()


def test_received_at_is_the_servers_date_in_utc(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    when = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    uid = dovecot.append(USER, MAIL, when=when)
    mailbox.open()
    (mail,) = mailbox.read([uid])
    assert mail.received_at == when
    assert mail.received_at.tzinfo is UTC


def test_lists_nothing_below_the_number(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    uid = dovecot.append(USER, MAIL)
    mailbox.open()
    # `UID SEARCH n:*` names the last message whatever n is.
    assert mailbox.list_after(uid) == []
    assert mailbox.list_after(uid + 100) == []
    dovecot.append(USER, MAIL)
    assert [mail.uid for mail in mailbox.list_after(uid)] == [uid + 1]


def test_finds_messages_after_a_wide_gap_of_numbers(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    dovecot.append(USER, MAIL)
    dovecot.doveadm("mailbox", "update", "-u", USER, "--min-next-uid", "200000", "INBOX")
    far = dovecot.append(USER, MAIL)
    mailbox.open()
    assert [mail.uid for mail in mailbox.list_after(0)] == [1]
    assert [mail.uid for mail in mailbox.list_after(1)] == [far]


def test_removed_messages_are_left_out(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    uids = [dovecot.append(USER, MAIL) for _ in range(3)]
    mailbox.open()
    mailbox.list_after(0)
    dovecot.doveadm("expunge", "-u", USER, "mailbox", "INBOX", "uid", "2")
    mailbox.list_after(0)
    assert [mail.uid for mail in mailbox.read(uids)] == [1, 3]


def test_a_folder_with_a_name_beyond_ascii(dovecot: Dovecot, certificates: Certificates) -> None:
    folder = "Anträge & Ähnliches/Привет"
    dovecot.doveadm("mailbox", "create", "-u", USER, folder)
    dovecot.doveadm("save", "-u", USER, "-m", folder, str(_mail_file(dovecot)))
    mailbox = ImapMailbox(account_on(dovecot, certificates, folder=folder), PASSWORD)
    mailbox.open()
    assert [mail.uid for mail in mailbox.list_after(0)] == [1]
    mailbox.close()


def _mail_file(dovecot: Dovecot) -> Path:
    path = dovecot._folder / "mail.eml"
    path.write_bytes(MAIL)
    return path


@pytest.mark.parametrize("encryption", ["none", "ssl"])
def test_idle_wakes_up_for_new_mail(
    dovecot: Dovecot, certificates: Certificates, encryption: str
) -> None:
    port = dovecot.imaps_port if encryption == "ssl" else dovecot.imap_port
    mailbox = ImapMailbox(
        account_on(dovecot, certificates, encryption=encryption, port=port), PASSWORD
    )
    mailbox.open()
    assert mailbox.can_idle
    assert mailbox.list_after(0) == []
    for expected in ([1], [1, 2]):
        assert mailbox.start_idle()
        assert select.select([mailbox.fileno()], [], [], 0.3)[0] == []
        dovecot.deliver(USER, MAIL)
        started = time.monotonic()
        assert select.select([mailbox.fileno()], [], [], 5)[0]
        assert time.monotonic() - started < 2
        mailbox.stop_idle()
        assert [mail.uid for mail in mailbox.list_after(0)] == expected
    mailbox.close()


def test_idle_does_not_miss_mail_that_came_before_it(
    dovecot: Dovecot, mailbox: ImapMailbox
) -> None:
    mailbox.open()
    for number in range(1, 6):
        mailbox.list_after(number - 1)
        dovecot.deliver(USER, MAIL)
        if number % 2:
            # The server announces the message with this answer, so that IDLE will not.
            mailbox.unfinished_between(1, 1)
        idling = mailbox.start_idle()
        if idling:
            assert select.select([mailbox.fileno()], [], [], 5)[0]
            mailbox.stop_idle()
        assert [mail.uid for mail in mailbox.list_after(number - 1)] == [number]


def test_a_kicked_session_is_unavailable(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    mailbox.open()
    mailbox.list_after(0)
    assert mailbox.start_idle()
    dovecot.kick(USER)
    assert select.select([mailbox.fileno()], [], [], 5)[0]
    with pytest.raises(MailboxUnavailable, match=r"broke off|failed"):
        mailbox.stop_idle()


def test_interrupt_ends_a_call_in_another_thread(mailbox: ImapMailbox) -> None:
    mailbox.open()
    mailbox.list_after(0)
    assert mailbox.start_idle()
    mailbox.interrupt()
    with pytest.raises(MailboxUnavailable):
        mailbox.stop_idle()


def test_passwords_beyond_ascii_reach_the_server(
    dovecot: Dovecot, certificates: Certificates
) -> None:
    mailbox = ImapMailbox(account_on(dovecot, certificates), "gehéim")
    with pytest.raises(ConfigurationError, match="refused the login"):
        mailbox.open()
    assert "invalid" not in dovecot.log.lower()


def _refused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_refused_login_names_user_and_remedy(
    dovecot: Dovecot, certificates: Certificates
) -> None:
    with pytest.raises(ConfigurationError) as told:
        ImapMailbox(account_on(dovecot, certificates), "wrong").open()
    assert "refused the login of support" in str(told.value)
    assert "mail account support: username, password" in str(told.value)
    assert "wrong" not in told.value.problem


def test_the_error_for_a_missing_folder_lists_those_that_exist(
    dovecot: Dovecot, certificates: Certificates
) -> None:
    with pytest.raises(ConfigurationError) as told:
        ImapMailbox(account_on(dovecot, certificates, folder="Nowhere"), PASSWORD).open()
    assert "'Nowhere'" in str(told.value)
    assert "INBOX, Processed" in str(told.value)


FAULTS = [
    # Another authority has signed the server's certificate.
    ({"ca_file": ""}, ConfigurationError, "not trusted", "ca_file"),
    ({"ca_file": "/nowhere/ca.pem"}, ConfigurationError, "/nowhere/ca.pem", "ca_file"),
    # TLS to a port that expects plain IMAP.
    ({"port": "imap"}, ConfigurationError, "does not speak TLS", "encryption, port"),
    # Plain IMAP to a port that expects TLS: it stays silent.
    (
        {"encryption": "none", "timeout_ms": 1000},
        MailboxUnavailable,
        "did not answer in time",
        "encryption",
    ),
    ({"encryption": "starttls", "timeout_ms": 1000}, MailboxUnavailable, "in time", "encryption"),
    # LMTP instead of IMAP.
    ({"encryption": "none", "port": "lmtp"}, MailboxUnavailable, "does not expect", "port"),
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
    ports = {"imap": dovecot.imap_port, "lmtp": dovecot.lmtp_port, "refused": _refused_port()}
    changes = {name: ports.get(value, value) for name, value in changes.items()}
    with pytest.raises(kind) as told:
        ImapMailbox(account_on(dovecot, certificates, **changes), PASSWORD).open()
    assert problem in told.value.problem
    assert setting in told.value.setting
    assert told.value.setting.startswith("mail account support: ")
    assert told.value.remedy


def test_another_authority_is_trusted_only_by_setting(
    dovecot: Dovecot, certificates: Certificates, tmp_path: Path
) -> None:
    other = make_certificates(tmp_path / "other")
    with pytest.raises(ConfigurationError, match="not trusted"):
        ImapMailbox(account_on(dovecot, certificates, ca_file=str(other.ca_file)), PASSWORD).open()
    mailbox = ImapMailbox(
        account_on(dovecot, certificates, ca_file="", verify_certificate=False), PASSWORD
    )
    assert mailbox.open()
    mailbox.close()


def test_a_server_that_stops_is_unavailable(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    mailbox.open()
    dovecot.stop()
    with pytest.raises(MailboxUnavailable):
        mailbox.list_after(0)


def test_reads_a_folder_that_we_may_not_change(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    uid = dovecot.append(USER, MAIL)
    mailbox.open()
    mailbox._session.read_only = True
    assert mailbox.read([uid])
    with pytest.raises(MailUnreadable, match="read the folder only"):
        mailbox.finish([uid])


class DovecotScene:
    """A mailbox on Dovecot."""

    def __init__(self, dovecot: Dovecot, mailbox: ImapMailbox) -> None:
        self._dovecot = dovecot
        self.mailbox = mailbox

    def add(self, content: bytes) -> int:
        return self._dovecot.append(USER, content)

    def remove(self, uid: int) -> None:
        self._dovecot.doveadm("expunge", "-u", USER, "mailbox", "INBOX", "uid", str(uid))

    def seen(self) -> set[int]:
        return {uid for uid, flags in self._dovecot.flags(USER).items() if "\\Seen" in flags}


class TestImapMailbox(MailboxContract):
    """The contract of every Mailbox."""

    @pytest.fixture
    def scene(self, dovecot: Dovecot, mailbox: ImapMailbox) -> DovecotScene:
        return DovecotScene(dovecot, mailbox)
