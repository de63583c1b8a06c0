"""FlexDeploy's settings of incoming mail: its property texts are taken as they are."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.yaml_write import written_values
from tests.unit.configuration.approvals.file import applied, faults_of, file_of, the

# As its page of settings shows them.
SMTP_PROPERTIES = """\
PROTOCOL=smtp
mail.${{PROTOCOL}}.host=${{SMTP_HOST_NAME}}
mail.${{PROTOCOL}}.port=${{SMTP_HOST_PORT}}
mail.${{PROTOCOL}}.starttls.enable=${{SMTP_ENABLE_TLS}}
mail.${{PROTOCOL}}.connectiontimeout=30000
mail.${{PROTOCOL}}.timeout=30000
mail.${{PROTOCOL}}.writetimeout=30000
mail.${{PROTOCOL}}.class=com.sun.mail.smtp.SMTPTransport
mail.${{PROTOCOL}}.ssl.protocols=TLSv1.2
"""
IMAP_PROPERTIES = """\
PROTOCOL=imap
mail.${{PROTOCOL}}.host=${{IMAP_HOST_NAME}}
mail.${{PROTOCOL}}.port=${{IMAP_HOST_PORT}}
mail.${{PROTOCOL}}.socketFactory.class=javax.net.ssl.SSLSocketFactory
mail.${{PROTOCOL}}.starttls.enable=${{IMAP_ENABLE_STARTTLS}}
mail.${{PROTOCOL}}.socketFactory.port=${{IMAP_HOST_PORT}}
#mail.${{PROTOCOL}}.socketFactory.fallback=false
#mail.${{PROTOCOL}}.ssl.enable=true
#mail.${{PROTOCOL}}.connectiontimeout=5000
#mail.${{PROTOCOL}}.timeout=5000
"""
ALL_LINES = IMAP_PROPERTIES.replace("#", "")
# What its troubleshooting says for STARTTLS: no SSL socket factory, and the version of TLS.
WITHOUT_FACTORY = "".join(
    line for line in IMAP_PROPERTIES.splitlines(keepends=True) if "socketFactory" not in line
)
FOR_STARTTLS = WITHOUT_FACTORY + "mail.${{PROTOCOL}}.ssl.protocols=TLSv1.2\n"


def account_of(**changes: Any) -> MailAccount:
    account = {"authserv_ids": None, **changes}
    text = file_of(
        connection={"properties": SMTP_PROPERTIES},
        account=account,
        setup={"unverified_senders": "decide"},
    )
    return the(MailAccount, applied(text))


@pytest.mark.parametrize(
    ("properties", "changes", "encryption", "port"),
    [
        # Its defaults: port 993, IMAP Enable STARTTLS false.
        (IMAP_PROPERTIES, {}, "ssl", 993),
        (IMAP_PROPERTIES, {"port": 993}, "ssl", 993),
        (IMAP_PROPERTIES, {"encryption": "ssl", "port": 1993}, "ssl", 1993),
        (ALL_LINES, {}, "ssl", 993),
        (WITHOUT_FACTORY, {"encryption": "ssl"}, "ssl", 993),
        (FOR_STARTTLS, {"encryption": "starttls"}, "starttls", 143),
        (FOR_STARTTLS, {"encryption": "starttls", "port": 1143}, "starttls", 1143),
        (IMAP_PROPERTIES.replace("=imap", "=imaps"), {}, "ssl", 993),
    ],
)
def test_the_imap_text_is_taken(
    properties: str, changes: dict[str, Any], encryption: str, port: int
) -> None:
    account = account_of(properties=properties, **changes)
    assert (account.host, account.port) == ("imap.example.org", port)
    assert account.encryption == encryption
    assert account.wire_protocol == "imap"


def test_the_line_that_contradicts_starttls_is_named() -> None:
    text = file_of(account={"properties": IMAP_PROPERTIES, "encryption": "starttls"})
    assert faults_of(text) == [
        "account 'answers', properties: line 4: mail.imap.socketFactory.class contradicts"
        " encryption starttls; leave the line out, or set encryption to ssl"
    ]


def test_the_other_defaults_are_its_own() -> None:
    account = account_of(properties=IMAP_PROPERTIES)
    assert account.folder == "INBOX"
    assert (account.poll_seconds, account.max_mails_per_poll) == (300, 30)
    assert MailAccount.model_validate(written_values(account)) == account
