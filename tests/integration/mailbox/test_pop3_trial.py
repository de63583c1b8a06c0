"""A POP3 account is tested, and its dialogue shown, on a real Dovecot; nothing is removed."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.ledger import PassingLedger
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.mailbox.trial import try_account
from postrail.wire.timed_steps import Step
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.scripted_server import answering, serving

MAIL = b"Subject: Confidential\r\n\r\nThe code is 1234.\r\n"
ENCRYPTIONS = [("none", "pop3"), ("starttls", "pop3"), ("ssl", "pop3s")]


def account_with(port: int, **changes: Any) -> MailAccount:
    values = {
        "name": "support",
        "protocol": "pop3",
        "host": "localhost",
        "port": port,
        "username": "support",
        "password": "env:POSTRAIL_SECRET_SUPPORT",
        "address": "support@example.org",
        "project": "HELP",
        "timeout_ms": 5_000,
    }
    return MailAccount.model_validate(values | changes)


def tried(account: MailAccount, password: str = PASSWORD) -> dict[str, Step]:
    return {step.name: step for step in try_account(account, lambda: password)}


@pytest.mark.debian
@pytest.mark.parametrize(("encryption", "port"), ENCRYPTIONS)
def test_each_encryption_goes_through_all_steps_and_removes_nothing(
    dovecot: Dovecot, certificates: Certificates, encryption: str, port: str
) -> None:
    for _ in range(3):
        dovecot.append("support", MAIL)
    steps = tried(
        account_with(
            dovecot.ports[port],
            encryption=encryption,
            ca_file=str(certificates.ca_file),
            after_download="remove",
        )
    )
    assert all(step.ok for step in steps.values()), steps
    assert steps["greeting"].detail.startswith("+OK")
    assert ("TLS" in steps) == (encryption != "none")
    assert steps["messages"].detail.startswith("3 messages, ")
    assert steps["to be fetched"].remedy == ""
    assert "removed when the session ends" in steps["after download"].detail
    assert dovecot.uids("support") == [1, 2, 3]


# What is wrong, the failed step, its words and its remedy.
WRONG = [
    ({"port": "pop3"}, "TLS", "begins without TLS: +OK", "to starttls"),
    ({"encryption": "none"}, "greeting", "expects TLS from the start", "Set encryption to ssl"),
    ({"encryption": "starttls"}, "greeting", "expects TLS from the start", "995|110"),
    ({"ca_file": ""}, "TLS", "not trusted", "Set ca_file"),
    ({"port": "imaps"}, "greeting", "POP3 does not expect: * OK", "POP3 port"),
    ({"password": "wrong"}, "login", "refused the login of support", "password"),
]


@pytest.mark.debian
@pytest.mark.parametrize(("changes", "name", "says", "remedy"), WRONG)
def test_each_wrong_setting_has_its_remedy(
    dovecot: Dovecot,
    certificates: Certificates,
    changes: dict[str, Any],
    name: str,
    says: str,
    remedy: str,
) -> None:
    values: dict[str, Any] = {"port": dovecot.pop3s_port, "ca_file": str(certificates.ca_file)}
    values |= {field: dovecot.ports.get(str(value), value) for field, value in changes.items()}
    password = values.pop("password", PASSWORD)
    *_, last = tried(account_with(**values), password).values()
    assert (last.name, last.ok) == (name, False)
    assert says in last.detail
    assert any(words in last.remedy for words in remedy.split("|"))


@pytest.mark.parametrize(
    ("answer", "ok", "says"),
    [
        # A server without unique ids works, but slowly.
        (b"-ERR what?\r\n", True, "no unique ids"),
        (b"+OK\r\n1 a\r\n.\r\n", True, "not known yet"),
    ],
)
def test_mentions_a_server_without_unique_ids(answer: bytes, ok: bool, says: str) -> None:
    answers = {
        b"CAPA": b"-ERR what?\r\n",
        b"USER": b"+OK\r\n",
        b"PASS": b"+OK\r\n",
        b"STAT": b"+OK 1 100\r\n",
        b"UIDL": answer,
        b"QUIT": b"+OK\r\n",
    }
    with serving(answering(b"+OK ready\r\n", answers)) as port:
        step = tried(account_with(port, encryption="none"))["to be fetched"]
    assert step.ok is ok
    assert says in step.detail


@pytest.mark.debian
@pytest.mark.parametrize(("encryption", "port"), ENCRYPTIONS)
def test_the_dialogue_has_no_secrets_and_no_bodies(
    dovecot: Dovecot, certificates: Certificates, encryption: str, port: str
) -> None:
    dovecot.append("support", MAIL)
    account = account_with(
        dovecot.ports[port], encryption=encryption, ca_file=str(certificates.ca_file), debug=True
    )
    mailbox = Pop3Mailbox(account, PASSWORD, PassingLedger())
    with capture_logs() as lines:
        mailbox.open()
        (listed,) = mailbox.list_after(0)
        assert mailbox.read([listed.uid])[0].content == MAIL
        mailbox.close()
    text = "\n".join(str(line.get("sent") or line.get("received")) for line in lines)
    for words in ("+OK", "***", "UIDL", "RETR 1", "QUIT"):
        assert words in text
    for words in (PASSWORD, "Confidential", "1234"):
        assert words not in text
