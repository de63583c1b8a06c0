"""The attributes of an outgoing connection: their defaults, and the errors of each mode."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from postrail.configuration.connections.checks import UNUSED
from postrail.configuration.models.outgoing_connection import OutgoingConnection

PAGE = Path(__file__).parents[4] / "docs" / "connections.md"

SMTP: dict[str, Any] = {
    "name": "out",
    "host": "smtp.example.org",
    "from_address": "desk@example.org",
}
OAUTH2 = {"name": "out", "mode": "oauth2", "credential": "m", "from_address": "desk@example.org"}
GRAPH = OAUTH2 | {"mode": "graph"}


def connection(values: dict[str, Any], **changes: Any) -> OutgoingConnection:
    return OutgoingConnection.model_validate(values | changes)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", ""),
        ("enabled", True),
        ("is_default", False),
        ("mode", "smtp"),
        ("credential", ""),
        ("encryption", "starttls"),
        ("port", 587),
        ("microsoft_host", ""),
        ("username", ""),
        ("password", ""),
        ("shared_mailbox", ""),
        ("from_name", ""),
        ("reply_to", ""),
        ("subject_prefix", ""),
        ("bounce_address", ""),
        ("precedence_bulk", True),
        ("max_bytes", 0),
        ("mails_per_minute", None),
        ("minute_limit", 0),
        ("channels", None),
        ("fallback", ""),
        ("dkim_domain", ""),
        ("dkim_selector", ""),
        ("dkim_key", ""),
        ("timeout_ms", 30_000),
        ("ehlo_name", ""),
        ("min_tls_version", "1.2"),
        ("ca_file", ""),
        ("verify_certificate", True),
        ("allow_plain_login", False),
        ("debug", False),
    ],
)
def test_defaults(field: str, value: Any) -> None:
    assert getattr(connection(SMTP), field) == value


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [
        (SMTP | {"encryption": "none"}, "smtp.example.org", 25),
        (SMTP | {"encryption": "starttls_if_available"}, "smtp.example.org", 25),
        (SMTP | {"encryption": "starttls", "port": 0}, "smtp.example.org", 587),
        (SMTP | {"encryption": "ssl", "port": None}, "smtp.example.org", 465),
        (SMTP | {"encryption": "ssl", "port": 2465}, "smtp.example.org", 2465),
        (OAUTH2, "smtp.office365.com", 587),
        (OAUTH2 | {"encryption": "ssl"}, "smtp.office365.com", 465),
        (OAUTH2 | {"microsoft_host": "us_gcc_high"}, "smtp.office365.us", 587),
        (OAUTH2 | {"microsoft_host": "US_DoD"}, "outlook-dod.office365.us", 587),
        (OAUTH2 | {"microsoft_host": "china"}, "smtp.partner.outlook.cn", 587),
        (OAUTH2 | {"microsoft_host": "relay.example.org"}, "relay.example.org", 587),
        (OAUTH2 | {"host": "smtp.gmail.com"}, "smtp.gmail.com", 587),
        (GRAPH, "graph.microsoft.com", 443),
        (GRAPH | {"microsoft_host": "us_gcc_high"}, "graph.microsoft.us", 443),
        (GRAPH | {"microsoft_host": "us_dod"}, "dod-graph.microsoft.us", 443),
        (GRAPH | {"microsoft_host": "china"}, "microsoftgraph.chinacloudapi.cn", 443),
    ],
)
def test_host_and_port_follow_from_the_other_attributes(
    given: dict[str, Any], host: str, port: int
) -> None:
    found = connection(given)
    assert (found.host, found.port) == (host, port)
    # What is stored is read again as it is.
    assert OutgoingConnection.model_validate(found.model_dump()) == found


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        (SMTP, 0),
        (SMTP | {"mails_per_minute": 7}, 7),
        (SMTP | {"host": "smtp.office365.com"}, 30),
        (OAUTH2, 30),
        (OAUTH2 | {"microsoft_host": "china"}, 30),
        (OAUTH2 | {"host": "smtp.gmail.com"}, 0),
        (OAUTH2 | {"mails_per_minute": 0}, 0),
        (GRAPH, 30),
        (GRAPH | {"microsoft_host": "graph.example.org"}, 30),
        (GRAPH | {"mails_per_minute": 300}, 300),
    ],
)
def test_messages_a_minute(given: dict[str, Any], limit: int) -> None:
    assert connection(given).minute_limit == limit


@pytest.mark.parametrize(
    ("given", "timeout_ms"), [(None, 30_000), (0, 30_000), (1, 1), (30_000, 30_000)]
)
def test_timeouts(given: int | None, timeout_ms: int) -> None:
    assert connection(SMTP, timeout_ms=given).timeout_ms == timeout_ms


def test_with_a_credential_the_user_is_the_sender_unless_another_is_given() -> None:
    assert connection(OAUTH2).username == "desk@example.org"
    assert connection(OAUTH2, username="ann@example.org").username == "ann@example.org"
    assert connection(SMTP).username == ""


def test_graph_is_encrypted_from_the_start() -> None:
    assert connection(GRAPH).encryption == "ssl"
    assert connection(GRAPH, encryption="ssl").encryption == "ssl"


def test_domains_are_read_in_lower_case_without_dots_at_their_ends() -> None:
    found = connection(SMTP, dkim_domain="Example.ORG.", dkim_selector="2026", ehlo_name="Desk")
    assert (found.dkim_domain, found.dkim_selector, found.ehlo_name) == (
        "example.org",
        "2026",
        "desk",
    )
    assert found.secret_fields == {"dkim_key": True}


FAULTS = [
    # Each value has its bounds.
    (SMTP | {"mode": "imap"}, "mode"),
    (SMTP | {"encryption": "tls"}, "encryption"),
    (SMTP | {"port": 65_536}, "port"),
    (SMTP | {"timeout_ms": 30_001}, "timeout_ms"),
    (SMTP | {"timeout_ms": -1}, "timeout_ms"),
    (SMTP | {"max_bytes": -1}, "max_bytes"),
    (SMTP | {"mails_per_minute": -1}, "mails_per_minute"),
    (SMTP | {"channels": 0}, "channels"),
    (SMTP | {"channels": 101}, "channels"),
    (SMTP | {"min_tls_version": "1.1"}, "min_tls_version"),
    (SMTP | {"from_address": "desk"}, "from_address"),
    (SMTP | {"reply_to": "desk"}, "reply_to"),
    (SMTP | {"subject_prefix": "[Desk]\r\nBcc: x@example.org"}, "subject_prefix"),
    (SMTP | {"ehlo_name": "two words"}, "ehlo_name"),
    (SMTP | {"dkim_domain": "exa mple.org"}, "dkim_domain"),
    # Fields that belong to other modes.
    (SMTP | {"host": ""}, "host: is missing"),
    (SMTP | {"credential": "m"}, "credential: is used in the modes oauth2 and graph; set the mode"),
    (SMTP | {"microsoft_host": "china"}, "microsoft_host: is used in the modes oauth2 and graph"),
    (SMTP | {"shared_mailbox": "a@example.org"}, "give the mailbox as from_address"),
    (OAUTH2 | {"credential": ""}, "credential: is missing: mode oauth2 needs tokens"),
    (OAUTH2 | {"password": "x"}, "password: is not used with tokens"),
    (OAUTH2 | {"allow_plain_login": True}, "tokens are never sent unencrypted"),
    (GRAPH | {"credential": ""}, "credential: is missing: mode graph needs tokens"),
    (GRAPH | {"password": "x"}, "password: is not used with tokens"),
    (GRAPH | {"bounce_address": "b@example.org"}, "Microsoft Graph chooses the return path"),
    (GRAPH | {"ehlo_name": "desk"}, "ehlo_name: is for SMTP"),
    (GRAPH | {"dkim_domain": "example.org"}, "dkim_domain: is not used: Microsoft signs"),
    (GRAPH | {"dkim_selector": "desk"}, "dkim_selector: is not used: Microsoft signs"),
    # Nothing secret is sent unencrypted, or to an unverified server.
    (SMTP | {"username": "u", "encryption": "none"}, "none would send the password unencrypted"),
    (OAUTH2 | {"encryption": "none"}, "encryption: must be ssl or starttls"),
    (OAUTH2 | {"encryption": "starttls_if_available"}, "encryption: must be ssl or starttls"),
    (OAUTH2 | {"verify_certificate": False}, "verify_certificate: must be true"),
    (GRAPH | {"encryption": "none"}, "encryption: must be ssl, or left out"),
    # Attributes that belong together.
    (GRAPH | {"channels": 5}, "channels: must be at most 4"),
    (OAUTH2 | {"microsoft_host": "mars"}, "must be one of worldwide, us_gcc_high, us_dod, china"),
    (OAUTH2 | {"microsoft_host": "china", "host": "a.example"}, "is given beside another host"),
    (SMTP | {"dkim_domain": "example.org"}, "dkim_selector: is missing"),
    (SMTP | {"dkim_selector": "desk"}, "dkim_domain: is missing"),
]


@pytest.mark.parametrize(("given", "fault"), FAULTS)
def test_faults(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError) as caught:
        connection(given)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        SMTP | {"encryption": "none"},
        SMTP | {"encryption": "none", "username": "u", "allow_plain_login": True},
        SMTP | {"encryption": "none", "username": "u", "host": "127.0.0.1"},
        SMTP | {"encryption": "none", "username": "u", "host": "localhost"},
        SMTP | {"encryption": "starttls_if_available", "username": "u"},
        OAUTH2 | {"encryption": "none", "host": "localhost"},
        OAUTH2 | {"shared_mailbox": "support@example.org"},
        GRAPH | {"channels": 4},
    ],
)
def test_allowed_combinations(given: dict[str, Any]) -> None:
    assert connection(given)


@pytest.mark.parametrize(
    ("given", "warnings"),
    [
        ({}, 0),
        ({"verify_certificate": False}, 1),
        ({"username": "u", "encryption": "none", "allow_plain_login": True}, 1),
        ({"username": "u", "encryption": "ssl", "allow_plain_login": True}, 0),
    ],
)
def test_risks(given: dict[str, Any], warnings: int) -> None:
    assert len(connection(SMTP, **given).risks()) == warnings


def test_every_attribute_is_in_the_table_of_its_modes() -> None:
    table = PAGE.read_text().split("## Attributes")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    named = {name: row for row in rows for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert named.keys() == OutgoingConnection.model_fields.keys()
    for mode, column in (("smtp", 1), ("oauth2", 2), ("graph", 3)):
        dashes = {name for name, row in named.items() if row[column] == "–"}
        # The key goes with its domain.
        assert dashes - {"dkim_key"} == set(UNUSED[mode])
