"""A mail account is tested on a real Dovecot, and on servers that are wrong or hostile.

Every wrong setting has an error with its remedy, and no mailbox is changed.
"""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox.trial import try_account
from postrail.wire import timed_steps as steps
from postrail.wire.connection_check import check_connection
from postrail.wire.timed_steps import ReadSoFar, Step
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.scripted_server import answering, saying, serving

USER = "support"
MAIL = b"Subject: Printer\r\nMessage-ID: <1@example.org>\r\n\r\nIt smokes.\r\n"

STEPS = [
    "name resolution",
    "connection",
    "TLS",
    "greeting",
    "capabilities",
    "login",
    "folder",
    "messages",
    "to be fetched",
    "new mail",
    "after download",
]


def account_with(port: int, **changes: Any) -> MailAccount:
    """Returns an account at that port, over TLS unless changed."""
    values = {
        "name": "support",
        "host": "localhost",
        "port": port,
        "encryption": "ssl",
        "username": USER,
        "password": "env:POSTRAIL_SECRET_SUPPORT",
        "address": "support@example.org",
        "project": "HELP",
        "timeout_ms": 5_000,
    }
    return MailAccount.model_validate(values | changes)


def tried(
    account: MailAccount, so_far: ReadSoFar | None = None, password: str = PASSWORD
) -> dict[str, Step]:
    return {step.name: step for step in try_account(account, lambda: password, so_far)}


def failure(account: MailAccount, password: str = PASSWORD) -> Step:
    """Returns the step that fails, which is the last."""
    *before, last = tried(account, password=password).values()
    assert all(step.ok for step in before)
    assert not last.ok
    return last


@pytest.fixture
def ca_file(certificates: Certificates) -> str:
    return str(certificates.ca_file)


@pytest.mark.debian
@pytest.mark.parametrize("encryption", ["none", "starttls", "starttls_if_available", "ssl"])
def test_each_encryption_goes_through_all_steps(
    dovecot: Dovecot, ca_file: str, encryption: str
) -> None:
    for _ in range(3):
        dovecot.append(USER, MAIL)
    port = dovecot.imaps_port if encryption == "ssl" else dovecot.imap_port
    steps = tried(account_with(port, encryption=encryption, ca_file=ca_file))
    assert all(step.ok for step in steps.values()), steps
    expected = [name for name in STEPS if name != "TLS" or encryption != "none"]
    assert sorted(steps) == sorted(expected)
    assert all(step.milliseconds >= 0 for step in steps.values())
    assert "127.0.0.1" in steps["name resolution"].detail
    assert "* OK" in steps["greeting"].detail
    assert "IMAP4REV1" in steps["capabilities"].detail
    assert f"INBOX, UIDVALIDITY {dovecot.uidvalidity(USER)}" in steps["folder"].detail
    assert steps["messages"].detail == "3 messages"
    assert "3 messages from UID 1 on" in steps["to be fetched"].detail
    if encryption != "none":
        detail = steps["TLS"].detail
        assert detail.startswith("TLSv1.3, certificate for localhost, 127.0.0.1")
        assert "issued by" in detail
        assert "days)" in detail


@pytest.mark.debian
def test_the_mailbox_stays_as_it_is(dovecot: Dovecot, ca_file: str) -> None:
    dovecot.deliver(USER, MAIL)
    for changes in (
        {"after_download": "remove"},
        {"after_download": "move", "move_to": "Done"},
        {"after_download": "seen"},
    ):
        steps = tried(account_with(dovecot.imaps_port, ca_file=ca_file, **changes))
        assert all(step.ok for step in steps.values())
    assert dovecot.flags(USER) == {1: set()}
    assert "Done" not in dovecot.doveadm("mailbox", "list", "-u", USER)
    # It was not opened for writing, so the message is still a recent one.
    with dovecot.connection(USER) as client:
        client.select("INBOX", readonly=True)
        assert client.response("RECENT")[1] == [b"1"]


@pytest.mark.debian
def test_shows_the_messages_to_be_fetched(dovecot: Dovecot, ca_file: str) -> None:
    for day in (1, 15, 28):
        dovecot.append(USER, MAIL, when=datetime(2026, 3, day, 12, tzinfo=UTC))
    uid_validity = dovecot.uidvalidity(USER)
    account = account_with(dovecot.imaps_port, ca_file=ca_file)
    found = [
        tried(one, so_far)["to be fetched"].detail
        for one, so_far in [
            (account, ReadSoFar(uid_validity, 1)),
            (account, ReadSoFar(uid_validity, 3)),
            (account, ReadSoFar(uid_validity + 1, 3)),
            (account.model_copy(update={"only_after": datetime(2026, 3, 20).date()}), None),  # noqa: DTZ001
            (account.model_copy(update={"max_mails_per_poll": 30}), None),
        ]
    ]
    assert found == [
        "read up to UID 1: 2 messages from UID 2 on",
        "read up to UID 3: none is there now",
        f"renumbered (UIDVALIDITY was {uid_validity + 1}), so all messages; known ones are"
        " skipped: 3 messages from UID 1 on",
        "never read so far, so all messages, only those received since 2026-03-20:"
        " 1 message from UID 3 on",
        "never read so far, so all messages: 3 messages from UID 1 on, at most 30 in each poll",
    ]


@pytest.mark.debian
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"after_download": "leave"}, "stay as they are"),
        ({"after_download": "seen"}, "are marked as seen"),
        ({"after_download": "remove"}, "messages are removed"),
        ({"after_download": "move", "move_to": "Processed"}, "'Processed', which is there"),
        ({"after_download": "move", "move_to": "Fertig/Müll"}, "is created when it is needed"),
    ],
)
def test_shows_what_follows_a_download(
    dovecot: Dovecot, ca_file: str, changes: dict[str, str], says: str
) -> None:
    step = tried(account_with(dovecot.imaps_port, ca_file=ca_file, **changes))["after download"]
    assert says in step.detail
    assert step.remedy == ""


# What is wrong with an account on Dovecot: the failed step, its words, the setting, the remedy.
WRONG = [
    # TLS to a port that begins without it.
    ({"port": "imap"}, "TLS", "begins without TLS: * OK", "encryption, port", "to starttls"),
    # No TLS to a port that begins with it: the server stays silent, and the step ends soon.
    (
        {"encryption": "none"},
        "greeting",
        "expects TLS from the start",
        "encryption, port",
        "Set encryption to ssl",
    ),
    (
        {"encryption": "starttls"},
        "greeting",
        "expects TLS from the start",
        "encryption, port",
        "Set encryption to ssl",
    ),
    # An unknown authority.
    ({"ca_file": ""}, "TLS", "not trusted", "ca_file", "Set ca_file to the PEM file"),
    (
        {"ca_file": "", "encryption": "starttls", "port": "imap"},
        "TLS",
        "signed by 'trustme",
        "ca_file",
        "Set ca_file to the PEM file",
    ),
    ({"ca_file": "/nowhere/ca.pem"}, "TLS", "/nowhere/ca.pem", "ca_file", "readable PEM file"),
    # LMTP and POP3 instead of IMAP.
    (
        {"encryption": "none", "port": "lmtp"},
        "greeting",
        "answered what IMAP does not expect: 220",
        "port",
        "the server's IMAP port",
    ),
    ({"port": "pop3s"}, "greeting", "does not expect: +OK", "port", "the server's IMAP port"),
    ({"host": "no-such-host.invalid"}, "name resolution", "not known", "host", "host name"),
    ({"host": "a" * 64 + ".org"}, "name resolution", "name of a host", "host", "host name"),
    ({"port": 1}, "connection", "refused the connection", "port", "that the mail server runs"),
    ({"folder": "Nowhere"}, "folder", "'Nowhere'", "folder", "there are: INBOX, Processed"),
]


@pytest.mark.debian
@pytest.mark.parametrize(("changes", "name", "says", "setting", "remedy"), WRONG)
def test_each_wrong_setting_has_its_remedy(
    dovecot: Dovecot,
    ca_file: str,
    changes: dict[str, Any],
    name: str,
    says: str,
    setting: str,
    remedy: str,
) -> None:
    changes = {field: dovecot.ports.get(str(value), value) for field, value in changes.items()}
    started = time.monotonic()
    values: dict[str, Any] = {"port": dovecot.imaps_port, "ca_file": ca_file}
    step = failure(account_with(**values | changes))
    assert step.name == name
    assert says in step.detail
    assert setting in step.setting
    assert remedy in step.remedy
    assert time.monotonic() - started < 5


@pytest.mark.debian
def test_a_refused_login_and_a_missing_secret_fail_a_step(dovecot: Dovecot, ca_file: str) -> None:
    account = account_with(dovecot.imaps_port, ca_file=ca_file)
    step = failure(account, password="wr0ng-one")
    assert (step.name, step.setting) == ("login", "mail account support: username, password")
    assert "refused the login of support" in step.detail
    assert "wr0ng-one" not in str(step)

    def missing() -> str:
        raise ConfigurationError("env:X is not there", remedy="Set it")

    *_, last = try_account(account, missing)
    assert (last.name, last.ok, last.remedy) == ("login", False, "Set it")


@pytest.mark.debian
def test_an_unverified_certificate_is_shown_with_a_warning(dovecot: Dovecot) -> None:
    step = tried(account_with(dovecot.imaps_port, verify_certificate=False))["TLS"]
    assert step.ok
    assert "certificate for localhost" in step.detail
    assert "can pose as localhost" in step.remedy


def server_context(folder: Path, authority: trustme.CA, *names: str, days: int) -> ssl.SSLContext:
    """Yields the port of a server with a certificate for these names, valid for `days`."""
    now = datetime.now(UTC)
    issued = authority.issue_cert(
        *names, not_before=now - timedelta(days=30), not_after=now + timedelta(days=days)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued.configure_cert(context)
    return context


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    found = trustme.CA()
    found.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return found


@pytest.mark.parametrize(
    ("names", "days", "says", "remedy"),
    [
        # It expired yesterday.
        (["localhost"], -1, "certificate has expired", "Have it renewed"),
        (["mail.example.org", "*.b.org"], 90, "for mail.example.org, *.b.org", "Set host"),
    ],
)
def test_shows_the_certificate_that_was_refused(
    tmp_path: Path, authority: trustme.CA, names: list[str], days: int, says: str, remedy: str
) -> None:
    context = server_context(tmp_path, authority, *names, days=days)
    with serving(saying(b"* OK ready\r\n"), context) as port:
        step = failure(account_with(port, ca_file=str(tmp_path / "ca.pem")))
    assert step.name == "TLS"
    assert says in step.detail
    assert remedy in step.remedy


def test_mentions_a_certificate_that_expires_soon(tmp_path: Path, authority: trustme.CA) -> None:
    context = server_context(tmp_path, authority, "localhost", days=5)
    with serving(saying(b"* BYE too many\r\n"), context) as port:
        steps = tried(account_with(port, ca_file=str(tmp_path / "ca.pem")))
    assert steps["TLS"].ok
    assert "(4 days)" in steps["TLS"].detail
    assert "has to be renewed soon" in steps["TLS"].remedy
    assert "accepts no connection now: * BYE too many" in steps["greeting"].detail


def test_tells_how_to_trust_a_self_signed_certificate(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority = trustme.CA()
    (tmp_path / "own.pem").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "own.key").write_bytes(authority.private_key_pem.bytes())
    context.load_cert_chain(tmp_path / "own.pem", tmp_path / "own.key")
    with serving(saying(b"* OK ready\r\n"), context) as port:
        step = failure(account_with(port, ca_file=str(made.ca_file)))
    assert "signed by itself" in step.detail
    assert f"openssl s_client -connect localhost:{port} </dev/null" in step.remedy
    assert "SHA-256 fingerprint is " in step.remedy


# Strange servers without TLS: their answers, the account, the failed step and its words.
STRANGE = [
    ((), {}, "greeting", "did not answer in time"),
    # A line without end.
    ((b"x" * 100_000,), {}, "greeting", "does not expect: xxx"),
    ((b"* OK no end",), {}, "greeting", "did not answer in time"),
    ((b"HTTP/1.1 400 Bad Request\r\n",), {}, "greeting", "does not expect: HTTP/1.1"),
    ((b"\x16\x03\xff\x00\r\n",), {}, "greeting", "does not expect"),
    # Control characters, which the command removes before it shows the words.
    ((b"* OK \xff\xfe\r\n",), {}, "capabilities", "did not answer in time"),
    ((b"* OK hi\r\na1 NO never\r\n",), {"encryption": "starttls"}, "TLS", "offer STARTTLS: a1 NO"),
    ((b"* OK hi\r\n" + b"* 1 X\r\n" * 99,), {"encryption": "starttls"}, "TLS", "no answer to"),
    ((b"* OK hi\r\na1 OK go\r\n",), {"encryption": "starttls"}, "TLS", "did not answer in time"),
    ((b"* OK hi\r\na1 OK go\r\nrubbish",), {"encryption": "starttls"}, "TLS", "TLS as expected"),
]


@pytest.mark.parametrize(("said", "changes", "name", "says"), STRANGE)
def test_strange_servers_fail_a_step(
    said: tuple[bytes, ...], changes: dict[str, Any], name: str, says: str
) -> None:
    values = {"encryption": "none", "timeout_ms": 700} | changes
    started = time.monotonic()
    with serving(saying(*said)) as port:
        step = failure(account_with(port, **values))
    assert step.name == name
    assert says in step.detail
    assert time.monotonic() - started < 10


ANSWERS = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n@ OK done\r\n",
    b"LOGIN": b"@ OK in\r\n",
    b"EXAMINE": b"* 2 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] x\r\n@ OK [READ-ONLY] ok\r\n",
    b"SEARCH": b"* SEARCH 4 5\r\n@ OK done\r\n",
    b"LIST": b'* LIST () "/" Done\r\n@ OK done\r\n',
    b"SELECT": b"* 2 EXISTS\r\n@ OK [READ-WRITE] ok\r\n",
    b"LOGOUT": b"* BYE\r\n@ OK done\r\n",
}
READ_ONLY = b"* 2 EXISTS\r\n@ OK [READ-ONLY] ok\r\n"


@pytest.mark.parametrize(
    ("changes", "answers", "name", "ok", "says", "remedy"),
    [
        # A server of the year 1996 works, with advice in three steps.
        ({}, {}, "new mail", True, "no IDLE", "poll_seconds"),
        ({"after_download": "remove"}, {}, "after download", True, "lacks UIDPLUS", "expunge"),
        (
            {"after_download": "move", "move_to": "Done"},
            {},
            "after download",
            True,
            "lacks MOVE: messages are copied to 'Done', which is there; then",
            "expunge",
        ),
        # We may only read.
        ({}, {b"SELECT": READ_ONLY}, "after download", False, "read the folder only", "right"),
        ({"after_download": "leave"}, {b"SELECT": READ_ONLY}, "after download", True, "stay", ""),
        # SELECT would clear the mark \\Recent.
        (
            {},
            {b"EXAMINE": ANSWERS[b"EXAMINE"].replace(b"* 0 REC", b"* 1 REC")},
            "after download",
            True,
            "marked as seen",
            "was not tested",
        ),
        (
            {},
            {b"EXAMINE": ANSWERS[b"EXAMINE"].replace(b"UIDVALIDITY", b"NOTHING")},
            "folder",
            False,
            "no lasting numbers",
            "numbers for good",
        ),
        (
            {},
            {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n@ OK done\r\n"},
            "login",
            False,
            "accepts no password over an unencrypted connection",
            "starttls",
        ),
        # Another protocol after the greeting.
        ({}, {b"LOGIN": b"500 what?\r\n"}, "login", False, "IMAP does not expect", "IMAP port"),
        (
            {},
            {b"SEARCH": b"* SEARCH x\r\n@ OK done\r\n"},
            "to be fetched",
            False,
            "ValueError",
            "debug",
        ),
    ],
)
def test_servers_with_few_capabilities(
    changes: dict[str, Any],
    answers: dict[bytes, bytes],
    name: str,
    ok: bool,
    says: str,
    remedy: str,
) -> None:
    script = answering(b"* OK ready\r\n", answers | ANSWERS | answers)
    with serving(script) as port:
        account = account_with(port, encryption="none", timeout_ms=2000, **changes)
        step = tried(account)[name]
    assert step.ok == ok
    assert says in step.detail
    assert remedy in step.remedy


def never_ending(connection: socket.socket) -> None:
    """Greets, and answers a login with untagged lines for ever."""
    answering(b"* OK ready\r\n", {b"CAPABILITY": ANSWERS[b"CAPABILITY"]})(connection)
    while True:
        connection.sendall(b"* OK still here\r\n")


def test_the_time_limit_ends_a_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steps, "TRIAL_SECONDS", 1.0)
    started = time.monotonic()
    with serving(never_ending) as port:
        step = failure(account_with(port, encryption="none", timeout_ms=30_000))
        assert time.monotonic() - started < 10
    assert step.name == "login"
    assert "was not done within 1 seconds" in step.detail


@pytest.mark.debian
@pytest.mark.parametrize(
    ("encryption", "port"), [("none", "pop3"), ("starttls", "pop3"), ("ssl", "pop3s")]
)
def test_checks_connections_to_pop3_servers_too(
    dovecot: Dovecot, ca_file: str, encryption: str, port: str
) -> None:
    account = account_with(dovecot.ports[port], encryption=encryption, ca_file=ca_file)
    steps = list(check_connection(account.model_copy(update={"protocol": "pop3"})))
    assert all(step.ok for step in steps), steps
    greeting = next(step for step in steps if step.name == "greeting")
    assert greeting.detail.startswith("+OK")
    assert sum(step.detail.startswith("TLSv1.3") for step in steps) == (encryption != "none")


def test_the_password_is_sent_unencrypted_only_within_this_machine() -> None:
    answers = {b"STARTTLS": b"@ BAD what?\r\n"} | ANSWERS
    with serving(answering(b"* OK ready\r\n", answers)) as port:
        account = account_with(port, encryption="starttls_if_available")
        steps = tried(account)
    assert steps["TLS"].detail == "the server does not offer it (a1 BAD what?)"
    # The server is on this machine.
    assert steps["login"].ok
