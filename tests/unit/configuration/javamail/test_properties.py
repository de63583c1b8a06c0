"""JavaMail's properties become attributes of an account, or a fault that names the line."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.javamail.properties import read_properties
from postrail.configuration.kinds import identity
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.plan import make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.configuration.yaml_write import export_text
from postrail.secrets import Secrets
from postrail.settings import SecretSettings

# The text that FlexDeploy starts with.
FLEXDEPLOY = """\
PROTOCOL=imap
mail.${{PROTOCOL}}.host=${{IMAP_HOST_NAME}}
mail.${{PROTOCOL}}.port=${{IMAP_HOST_PORT}}
mail.${{PROTOCOL}}.socketFactory.class=javax.net.ssl.SSLSocketFactory
mail.${{PROTOCOL}}.starttls.enable=${{IMAP_ENABLE_STARTTLS}}
mail.${{PROTOCOL}}.socketFactory.port=${{IMAP_HOST_PORT}}
#mail.${{PROTOCOL}}.socketFactory.fallback=false
#mail.${{PROTOCOL}}.ssl.protocols=TLSv1.2
"""
HOST = {"host": "imap.example.org"}

SAYS = [
    # Texts without properties.
    ("", {}, {}),
    ("# a comment\n! another\n\n   \n", {}, {}),
    # FlexDeploy's own, with the fields filled in or left blank.
    (FLEXDEPLOY, HOST, {"encryption": "ssl"}),
    (FLEXDEPLOY, HOST | {"port": 1993, "encryption": "ssl"}, {}),
    (FLEXDEPLOY, HOST | {"protocol": "imap", "port": 0, "encryption": ""}, {"encryption": "ssl"}),
    # Names with each separator, and blanks around it.
    ("mail.imap.host=a.org", {}, {"host": "a.org"}),
    ("  mail.imap.host : a.org  ", {}, {"host": "a.org"}),
    ("mail.imap.user = me=you", {}, {"username": "me=you"}),
    # Blank values are ignored.
    ("mail.imap.host=\nmail.imap.port=", {}, {}),
    ("mail.host=a.org\nmail.user=me", {}, {"host": "a.org", "username": "me"}),
    # The protocol, and TLS with it.
    ("mail.store.protocol=imap", {}, {"protocol": "imap"}),
    ("mail.store.protocol=imaps", {}, {"protocol": "imap", "encryption": "ssl"}),
    (
        "PROTOCOL=imaps\nmail.${{PROTOCOL}}.port=1",
        {},
        {"protocol": "imap", "port": 1, "encryption": "ssl"},
    ),
    ("PROTOCOL=pop3s", {}, {"protocol": "pop3", "encryption": "ssl"}),
    ("mail.pop3.host=a.org", {}, {"protocol": "pop3", "host": "a.org"}),
    ("mail.pop3.host=${{POP3_HOST_NAME}}", HOST | {"protocol": "pop3"}, {}),
    ("mail.imaps.host=a.org", {}, {"host": "a.org", "encryption": "ssl"}),
    # An account that logs in by tokens speaks IMAP.
    ("PROTOCOL=imap\nmail.${{PROTOCOL}}.port=7", {"protocol": "google_oauth2"}, {"port": 7}),
    # JavaMail's ways to encrypt.
    ("mail.imap.ssl.enable=true", {}, {"encryption": "ssl"}),
    ("mail.imap.ssl.enable=FALSE", {}, {"encryption": "none"}),
    ("mail.imap.starttls.enable=true", {}, {"encryption": "starttls_if_available"}),
    ("mail.imap.starttls.required=true", {}, {"encryption": "starttls"}),
    (
        "mail.imap.starttls.enable=true\nmail.imap.starttls.required=true",
        {},
        {"encryption": "starttls"},
    ),
    ("mail.imap.starttls.enable=false", {}, {}),
    ("mail.imap.starttls.enable=true", {"encryption": "starttls"}, {}),
    ("mail.imap.starttls.enable=${{IMAP_ENABLE_STARTTLS}}", {"encryption": "starttls"}, {}),
    ("mail.imap.starttls.enable=${{IMAP_ENABLE_STARTTLS}}", {"encryption": "none"}, {}),
    ("mail.imap.ssl.enable=${{ IMAP_ENABLE_SSL }}", {"encryption": "ssl"}, {}),
    ("IMAP_ENABLE_SSL=true", {}, {"encryption": "ssl"}),
    ("mail.imap.socketFactory.class=org.example.DummySSLSocketFactory", {}, {}),
    # Ports.
    ("mail.imap.socketFactory.port=1993", {}, {"port": 1993}),
    ("mail.imap.port=143\nmail.imap.socketFactory.port=143", {}, {"port": 143}),
    ("mail.imap.port=0", {}, {}),
    ("mail.imap.port=993", {"port": "993"}, {}),
    # One timeout where JavaMail has three.
    ("mail.imap.timeout=5000\nmail.imap.connectiontimeout=5000", {}, {"timeout_ms": 5000}),
    ("mail.imap.timeout=5000\nmail.imap.writetimeout=9000", {}, {"timeout_ms": 9000}),
    ("mail.imap.timeout=-1", {}, {"timeout_ms": 30000}),
    ("mail.imap.timeout=60000", {}, {"timeout_ms": 30000}),
    ("IMAP_TIMEOUT=1000", {}, {"timeout_ms": 1000}),
    # TLS.
    ("mail.imap.ssl.protocols=TLSv1.2", {}, {"min_tls_version": "1.2"}),
    ("mail.imap.ssl.protocols=TLSv1.3 TLSv1.2", {}, {"min_tls_version": "1.2"}),
    ("mail.imap.ssl.protocols=TLSv1.3", {}, {"min_tls_version": "1.3"}),
    ("mail.imap.ssl.protocols=TLSv1, TLSv1.2", {}, {"min_tls_version": "1.2"}),
    ("mail.imap.ssl.trust=*", {}, {"verify_certificate": False}),
    (
        "mail.imap.ssl.trust=b.org A.org\nmail.imap.host=a.org",
        {},
        {"host": "a.org", "verify_certificate": False},
    ),
    ("mail.imap.ssl.trust=*", {"verify_certificate": False}, {"verify_certificate": False}),
    ("mail.imap.ssl.trust=b.org", HOST, {}),
]


@pytest.mark.parametrize(("text", "account", "values"), SAYS)
def test_a_text_sets_attributes(text: str, account: dict[str, Any], values: dict[str, Any]) -> None:
    found = read_properties(text, account)
    assert found.faults == []
    # The text may repeat the account's protocol.
    expected = {
        name: value for name, value in found.values.items() if name in values or name != "protocol"
    }
    assert expected == values


def test_the_protocol_is_said_by_a_line_that_gives_it() -> None:
    assert read_properties(FLEXDEPLOY, HOST).values["protocol"] == "imap"


FAULTS = [
    ("mail.imap.hots=a", {}, "line 1: mail.imap.hots is not known; did you mean mail.imap.host?"),
    ("# x\nnonsense.name=a", {}, "line 2: nonsense.name is not known; see the names of JavaMail"),
    ("mail.smtp.host=a", {}, "line 1: mail.smtp.host is not known"),
    ("PROTOCL=imap", {}, "line 1: PROTOCL is not known"),
    ("mail.imap.host", {}, "line 1: must be NAME=value, or a comment after #"),
    (
        "mail.imap.host=${{IMAP_HOST}}",
        {},
        "the variable IMAP_HOST is not known; did you mean IMAP_HOST",
    ),
    ("mail.imap.host=${{XYZ}}", {}, "the variable XYZ is not known; known are: PROTOCOL, IMAP_"),
    ("mail.imap.host=${IMAP_HOST_NAME}", {}, "line 1: variables are written as ${{NAME}}"),
    ("mail.imap.host=${{IMAP_HOST_NAME", {}, "line 1: variables are written as ${{NAME}}"),
    ("mail.imap.port=x", {}, "line 1: mail.imap.port must be a number, not 'x'"),
    ("mail.imap.port=70000", {}, "line 1: mail.imap.port must be a port from 1 to 65535"),
    ("mail.imap.timeout=soon", {}, "mail.imap.timeout must be a number"),
    ("mail.imap.ssl.enable=yes", {}, "mail.imap.ssl.enable must be true or false, not 'yes'"),
    ("mail.imap.ssl.protocols=TLSv1.1", {}, "names only unsupported versions"),
    ("mail.imap.ssl.protocols=TLS1.2", {}, "names 'TLS1.2'; known are SSLv2Hello"),
    ("mail.imap.password=secret", {}, "mail.imap.password must not be given"),
    ("mail.store.protocol=nntp", {}, "must be one of imap, imaps, pop3, pop3s"),
    # Contradictions, with the account and within the text.
    (
        "mail.imap.host=b.org",
        {"host": "a.org"},
        "line 1: mail.imap.host says b.org, and the account's host is a.org; leave one of them out",
    ),
    ("PROTOCOL=pop3", {"protocol": "imap"}, "says pop3, and the account's protocol is imap"),
    (
        "mail.imap.port=1\nmail.imap.socketFactory.port=2",
        {},
        "line 2: mail.imap.socketFactory.port says 2, and line 1: mail.imap.port says 1",
    ),
    (
        "mail.imap.ssl.enable=true\nmail.imap.ssl.enable=false",
        {},
        "line 2: mail.imap.ssl.enable says false, and line 1: mail.imap.ssl.enable says true",
    ),
    (
        FLEXDEPLOY,
        HOST | {"encryption": "starttls"},
        "line 4: mail.imap.socketFactory.class contradicts encryption starttls;"
        " leave the line out, or set encryption to ssl",
    ),
    (FLEXDEPLOY, HOST | {"encryption": "none"}, "contradicts encryption none"),
    ("mail.imap.ssl.enable=false", {"encryption": "ssl"}, "set encryption to starttls or none"),
    ("mail.imap.starttls.enable=true", {"encryption": "none"}, "set encryption to starttls"),
    ("mail.imap.starttls.enable=false", {"encryption": "starttls"}, "set encryption to ssl"),
    (
        "mail.imap.starttls.required=true",
        {"encryption": "starttls_if_available"},
        "set encryption to starttls",
    ),
    (
        "mail.imap.starttls.enable=false\nmail.imap.starttls.required=true",
        {},
        "line 1: mail.imap.starttls.enable contradicts encryption starttls",
    ),
    (
        "mail.imap.ssl.trust=*",
        {"verify_certificate": True},
        "says false, and the account's verify_certificate is true",
    ),
    ("mail.imap.timeout=1000", {"timeout_ms": 2000}, "the account's timeout_ms is 2000"),
    ("mail.imap.ssl.protocols=TLSv1.2", {"min_tls_version": "1.3"}, "min_tls_version is 1.3"),
]


@pytest.mark.parametrize(("text", "account", "fault"), FAULTS)
def test_faults_name_the_line(text: str, account: dict[str, Any], fault: str) -> None:
    faults = read_properties(text, account).faults
    assert len(faults) == 1
    assert fault in faults[0]


def test_all_faults_are_reported_at_once_without_secrets() -> None:
    faults = read_properties("a.b=1\nmail.imap.password=hush\nmail.imap.port=x", {}).faults
    assert [fault.partition(":")[0] for fault in faults] == ["line 1", "line 2", "line 3"]
    assert "hush" not in "".join(faults)


NOTES = [
    ("mail.imap.socketFactory.class=org.example.Mine", "names a Java class (org.example.Mine)"),
    ("mail.imap.sasl.callback.class=org.example.Mine", "names a Java class"),
    ("mail.imap.connectionpoolsize=10", "line 1: mail.imap.connectionpoolsize has no effect here"),
    ("mail.debug=true", "line 1: mail.debug has no effect here"),
    ("mail.imap.socketFactory.fallback=true", "connections never fall back"),
    ("mail.imap.ssl.checkserveridentity=false", "verify_certificate: false trusts any server"),
    ("mail.imap.ssl.protocols=TLSv1 TLSv1.2", "never used"),
    ("mail.imap.timeout=0", "means no timeout"),
    ("mail.imap.timeout=99999", "above the maximum"),
    (
        "mail.imap.timeout=1\nmail.imap.connectiontimeout=2",
        "line 2: mail.imap.connectiontimeout is the longest",
    ),
    ("mail.imap.ssl.trust=other.org", "does not name this host"),
    (
        "mail.imap.user=a\nmail.pop3.port=7",
        "line 2: mail.pop3.port is not for imap",
    ),
    (
        "mail.imap.ssl.enable=true\nmail.imap.starttls.enable=true",
        "line 2: mail.imap.starttls.enable has no effect",
    ),
    ("mail.imap.host=a.org", "so it is ssl"),
]


@pytest.mark.parametrize(("text", "note"), NOTES)
def test_properties_without_effect_are_noted(text: str, note: str) -> None:
    found = read_properties(text, {})
    assert found.faults == []
    assert len(found.notes) == 1
    assert note in found.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        FLEXDEPLOY,
        "mail.imap.socketFactory.fallback=false",
        "mail.imap.ssl.checkserveridentity=true",
        "mail.imap.timeout=1\nmail.imap.connectiontimeout=1",
    ],
)
def test_ordinary_properties_need_no_note(text: str) -> None:
    assert read_properties(text, HOST).notes == []


@given(
    st.text(),
    st.dictionaries(
        st.sampled_from(["host", "port", "protocol", "encryption"]), st.text() | st.integers()
    ),
)
def test_no_text_breaks_it(text: str, account: dict[str, Any]) -> None:
    read_properties(text, account)
    read_properties(text.replace(" ", "\nmail.imap."), account)


def test_long_texts_take_linear_time() -> None:
    started = time.process_time()
    many = "".join(f"mail.imap.x{number}=${{{{Y{number}}}}}\n" for number in range(20_000))
    for text in (
        "a" * 300_000 + "=1",
        many,
        "${{" * 100_000,
        "a" * 300_000,
        "mail.imap.port=1\n" * 20_000,
        "= " * 100_000,
    ):
        read_properties(text, {})
    assert time.process_time() - started < 5


def file_with(properties: str, fields: str = "") -> str:
    lines = "\n".join(f"      {line}" for line in properties.splitlines())
    return (
        "projects: [{key: HELP, name: Help}]\n"
        "connections: [{name: out, host: localhost, from_address: a@example.org}]\n"
        "accounts:\n"
        "  - name: help\n"
        "    username: help\n"
        "    password: env:POSTRAIL_SECRET_HELP\n"
        "    address: help@example.org\n"
        "    project: HELP\n"
        f"{fields}"
        "    properties: |\n"
        f"{lines}\n"
    )


def test_a_file_with_flexdeploys_text_is_an_account_over_tls() -> None:
    entries = parse_file(file_with(FLEXDEPLOY, "    host: imap.example.org\n"), "f")
    (account,) = [entry.thing for entry in entries if isinstance(entry.thing, MailAccount)]
    assert (account.protocol, account.host, account.port) == ("imap", "imap.example.org", 993)
    assert account.encryption == "ssl"
    # Read again as stored.
    assert MailAccount.model_validate(account.model_dump()) == account


def test_faults_stand_at_the_field_of_the_file() -> None:
    with pytest.raises(ConfigurationFileError) as told:
        parse_file(file_with("mail.imap.host=a.org\nmail.imap.prot=7"), "f")
    assert str(told.value) == (
        "f:9: account 'help', properties: line 2: mail.imap.prot is not known;"
        " did you mean mail.imap.port?"
    )


def test_notes_are_part_of_the_plan_and_an_export_changes_nothing() -> None:
    text = file_with("mail.imap.host=a.org\nmail.imap.peek=true\nmail.imap.starttls.required=true")
    secrets = Secrets(SecretSettings())
    plan = make_plan(parse_file(text, "f"), {}, secrets, file="f")
    assert "account help: line 2: mail.imap.peek has no effect here; it is ignored" in plan.notes
    things = [change.after for change in plan.changes]
    exported = export_text(things)
    assert "      mail.imap.peek=true\n" in exported
    # An export does not repeat the values of the properties.
    assert "encryption" not in exported
    existing = {(type(thing), identity(thing)): thing for thing in things}
    again = make_plan(parse_file(exported, "f"), existing, secrets, file="f")
    assert again.count("unchanged") == len(things)
