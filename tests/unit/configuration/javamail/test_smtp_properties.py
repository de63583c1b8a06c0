"""JavaMail's properties become attributes of a connection, or a fault that names the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from postrail.configuration.javamail.properties import read_properties
from postrail.configuration.javamail.smtp_names import SMTP_VARIABLES, smtp_names
from postrail.configuration.javamail.smtp_properties import read_smtp_properties
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from tests.unit.configuration.test_plan import applied, faults_of, plan_of

PAGE = Path(__file__).parents[4] / "docs" / "connections.md"
# The text that FlexDeploy starts with.
FLEXDEPLOY = """\
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
HOST = {"host": "smtp.example.org"}
TLS = {"min_tls_version": "1.2", "timeout_ms": 30_000}
AVAILABLE = {"encryption": "starttls_if_available"}

SAYS = [
    ("", {}, {}),
    ("# a comment\n! another\n\n", {}, {}),
    # FlexDeploy's own, with the fields filled in or left blank.
    (FLEXDEPLOY, HOST, TLS),
    (FLEXDEPLOY, HOST | {"port": 25, "encryption": "starttls"}, TLS),
    (FLEXDEPLOY, HOST | {"encryption": "ssl"}, TLS),
    (FLEXDEPLOY, HOST | {"encryption": "none"}, TLS),
    (
        "SMTP_HOST_NAME=a.org\nSMTP_ENABLE_TLS=true\n" + FLEXDEPLOY,
        {},
        TLS | AVAILABLE | {"host": "a.org"},
    ),
    ("SMTP_HOST_NAME=a.org\nSMTP_HOST_PORT=2525", {}, {"host": "a.org", "port": 2525}),
    # Where we connect to, and as whom.
    ("mail.smtp.host=a.org\nmail.smtp.port=2525", {}, {"host": "a.org", "port": 2525}),
    ("mail.host=a.org\nmail.user=me", {}, {"host": "a.org", "username": "me"}),
    ("mail.smtp.user = me=you", {}, {"username": "me=you"}),
    ("mail.smtp.auth=true", {"username": "me"}, {}),
    ("mail.smtp.auth=true\nmail.smtp.user=me", {}, {"username": "me"}),
    ("mail.smtp.auth=true", {"mode": "oauth2"}, {}),
    ("mail.smtp.starttls.enable=true", {"mode": "oauth2"}, {"encryption": "starttls"}),
    ("mail.smtp.auth=false", {}, {}),
    ("mail.smtp.from=Bounces@a.org", {}, {"bounce_address": "bounces@a.org"}),
    ("mail.from=desk@a.org", {}, {"from_address": "desk@a.org"}),
    ("mail.smtp.localhost=desk.a.org", {}, {"ehlo_name": "desk.a.org"}),
    ("mail.debug=true", {}, {"debug": True}),
    # Encryption.
    ("mail.smtp.ssl.enable=true", {}, {"encryption": "ssl"}),
    ("mail.smtps.host=a.org", {}, {"host": "a.org", "encryption": "ssl"}),
    ("mail.transport.protocol=smtps", {}, {"encryption": "ssl"}),
    ("mail.transport.protocol=smtp", {}, {}),
    ("PROTOCOL=smtps\nmail.${{PROTOCOL}}.port=465", {}, {"port": 465, "encryption": "ssl"}),
    ("mail.smtp.starttls.enable=true", {}, AVAILABLE),
    (
        "mail.smtp.starttls.enable=true\nmail.smtp.starttls.required=true",
        {},
        {"encryption": "starttls"},
    ),
    ("mail.smtp.starttls.required=true", {}, {"encryption": "starttls"}),
    ("mail.smtp.starttls.enable=false", {}, {"encryption": "none"}),
    ("mail.smtp.socketFactory.class=javax.net.ssl.SSLSocketFactory", {}, {"encryption": "ssl"}),
    ("mail.smtp.ssl.protocols=TLSv1.3", {}, {"min_tls_version": "1.3"}),
    ("mail.smtp.ssl.trust=*", HOST, {"verify_certificate": False}),
    # Limits.
    ("mail.smtp.timeout=5000", {}, {"timeout_ms": 5000}),
    ("mail.smtp.timeout=5000\nmail.smtp.connectiontimeout=900", {}, {"timeout_ms": 5000}),
    ("mail.smtp.timeout=99999", {}, {"timeout_ms": 30_000}),
    # Odd line ends, and odd blanks at the ends of a line.
    (
        "mail.smtp.host=a.org\r\nmail.smtp.port=26\rmail.smtp.user=u",
        {},
        {"host": "a.org", "port": 26, "username": "u"},
    ),
    ("\u00a0mail.smtp.host=a.org\u00a0", {}, {"host": "a.org"}),
    ("# a\u200bb", {}, {}),
    # Of no use here.
    ("mail.smtp.class=com.sun.mail.smtp.SMTPTransport", {}, {}),
    ("mail.smtp.ehlo=true\nmail.smtp.sendpartial=true\nmail.smtp.quitwait=false", {}, {}),
]


@pytest.mark.parametrize(("text", "attributes", "values"), SAYS)
def test_what_a_text_says(text: str, attributes: dict[str, Any], values: dict[str, Any]) -> None:
    found = read_smtp_properties(text, attributes)
    assert (found.faults, found.values) == ([], values)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("mail.smtp.class=com.sun.X", "line 1: mail.smtp.class names a Java class (com.sun.X)"),
        ("mail.smtp.dsn.notify=NEVER", "line 1: mail.smtp.dsn.notify has no effect here"),
        ("mail.smtp.ehlo=false", "line 1: mail.smtp.ehlo is false, but EHLO is always tried"),
        ("mail.smtp.sendpartial=false", "a refused recipient never stops the others"),
        (
            "mail.smtp.from=b@a.org",
            "is the return path; each message extends it, such as b+TOKEN@a",
        ),
        ("mail.smtp.host=a.org", "no line sets the encryption, so it is starttls"),
        ("mail.smtp.timeout=0", "line 1: mail.smtp.timeout means no timeout; 30000 ms is used"),
    ],
)
def test_notes(text: str, note: str) -> None:
    found = read_smtp_properties(text, {})
    assert found.faults == []
    assert any(note in one for one in found.notes), found.notes


@pytest.mark.parametrize(
    ("text", "attributes", "fault"),
    [
        (
            "mail.smtp.hots=a",
            {},
            "line 1: mail.smtp.hots is not known; did you mean mail.smtp.host",
        ),
        ("mail.imap.host=a", {}, "line 1: mail.imap.host is not known; did you mean"),
        ("x=1", {}, "see the table in docs/connections.md"),
        ("mail.smtp.host", {}, "line 1: must be NAME=value"),
        ("\nmail.smtp.port=x", {}, "line 2: mail.smtp.port must be a number"),
        ("mail.smtp.port=99999", {}, "must be a port from 1 to 65535"),
        ("mail.smtp.password=x", {}, "must not be given here, where it is readable"),
        ("mail.smtp.host=${{SMTP_HOST}}", {}, "the variable SMTP_HOST is not known; did you mean"),
        ("mail.smtp.host=${SMTP_HOST_NAME}", {}, "variables are written as ${{NAME}}"),
        ("mail.smtp.host=b.org", HOST, "says b.org, and the connection's host is smtp.example.org"),
        ("mail.smtp.auth=true", {}, "line 1: mail.smtp.auth says true, and there is no username"),
        ("mail.smtp.auth=false", {"username": "me"}, "the connection has a username"),
        ("mail.smtp.auth=maybe", {}, "must be true or false, not 'maybe'"),
        ("mail.transport.protocol=imap", {}, "must be one of smtp, smtps"),
        ("mail.smtp.ssl.enable=true", {"encryption": "none"}, "contradicts encryption none"),
        ("mail.smtp.ssl.protocols=TLSv1", {}, "names only unsupported versions"),
        # Characters that were copied along.
        (
            "mail.smtp.host=a.org\n  mail.smtp.por\u200bt=25",
            {},
            "line 2, column 16: has ZERO WIDTH SPACE (U+200B), which nobody sees: remove it",
        ),
        ("\ufeffmail.smtp.host=a", {}, "line 1, column 1: has ZERO WIDTH NO-BREAK SPACE (U+FEFF)"),
        ("mail.smtp.host=a\u00a0b", {}, "line 1, column 17: has NO-BREAK SPACE (U+00A0)"),
        ("mail.smtp.host=a\u2028b", {}, "line 1, column 17: has LINE SEPARATOR (U+2028)"),
        ("mail.smtp.host=\u202ea", {}, "has RIGHT-TO-LEFT OVERRIDE (U+202E)"),
        ("mail.smtp.host=a\x00b", {}, "line 1, column 17: has a control character (U+0000)"),
        ("mail.smtp.host=a\u00adb", {}, "has SOFT HYPHEN (U+00AD)"),
    ],
)
def test_faults_name_the_line(text: str, attributes: dict[str, Any], fault: str) -> None:
    assert any(fault in one for one in read_smtp_properties(text, attributes).faults)


def test_odd_characters_are_named_in_the_properties_of_accounts_too() -> None:
    found = read_properties("PROTOCOL=imap\nmail.imap.host=a\u200d.org", {})
    assert found.faults == [
        "line 2, column 17: has ZERO WIDTH JOINER (U+200D), which nobody sees: remove it"
    ]


CONNECTION = """\
connections:
  - name: out
    from_address: help@example.org
    is_default: true
    properties: |
      PROTOCOL=smtp
      mail.${{PROTOCOL}}.host=smtp.example.org
"""


def test_a_file_with_properties_is_applied_again_without_a_change() -> None:
    (connection,) = applied(CONNECTION)
    assert isinstance(connection, OutgoingConnection)
    assert (connection.host, connection.port) == ("smtp.example.org", 587)
    assert plan_of(CONNECTION, [connection]).count("unchanged") == 1
    assert any("so it is starttls" in note for note in plan_of(CONNECTION).notes)


def test_faults_are_those_of_the_field() -> None:
    (fault,) = faults_of(CONNECTION + "      mail.smtp.por=1\n")
    assert fault.startswith("f:5: connection 'out', properties: line 3: mail.smtp.por is not known")


def test_graph_has_no_properties() -> None:
    values = {"name": "o", "mode": "graph", "credential": "m", "from_address": "a@example.org"}
    with pytest.raises(ValidationError, match="properties: are for SMTP"):
        OutgoingConnection.model_validate(values | {"properties": "mail.smtp.timeout=5"})


@given(st.text(), st.sampled_from(smtp_names()), st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str, name: str, value: str) -> None:
    found = read_smtp_properties(f"{text}\n{name}={value}", {})
    assert isinstance(found.values, dict)


def test_every_name_and_variable_is_documented() -> None:
    text = PAGE.read_text()
    names = [*smtp_names(), *SMTP_VARIABLES]
    assert [name for name in names if f"`{name.removeprefix('mail.smtp.')}`" not in text] == []
