"""Faults of a postrail.yaml name the line, the field and the remedy; a correct one is read."""

from __future__ import annotations

from datetime import date
from textwrap import dedent

import pytest

from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.configuration.yaml_read import parse_file

ACCOUNT = """\
accounts:
  - name: help
    host: imap.example.org
    username: help@example.org
    password: secret
    address: help@example.org
    project: HELP
"""
POP3 = f"{ACCOUNT}    protocol: pop3\n"


def faults_of(text: str) -> list[str]:
    with pytest.raises(ConfigurationFileError) as caught:
        parse_file(dedent(text), "postrail.yaml")
    return str(caught.value).splitlines()


def test_an_account_is_read_with_its_defaults() -> None:
    (entry,) = parse_file(ACCOUNT, "postrail.yaml")
    assert entry.thing == MailAccount(
        name="help",
        host="imap.example.org",
        port=993,
        encryption="ssl",
        username="help@example.org",
        password="secret",
        folder="INBOX",
        timeout_ms=30_000,
        address="help@example.org",
        project="HELP",
    )
    assert entry.line == 2
    assert entry.lines["project"] == 7


PORTS = [
    ("imap", "none", 143),
    ("imap", "starttls", 143),
    ("imap", "starttls_if_available", 143),
    ("imap", "ssl", 993),
    ("pop3", "none", 110),
    ("pop3", "starttls", 110),
    ("pop3", "starttls_if_available", 110),
    ("pop3", "ssl", 995),
]


def account_with(*lines: str) -> MailAccount:
    text = ACCOUNT + "".join(f"    {line}\n" for line in lines)
    (entry,) = parse_file(text, "postrail.yaml")
    assert isinstance(entry.thing, MailAccount)
    return entry.thing


@pytest.mark.parametrize(("protocol", "encryption", "port"), PORTS)
@pytest.mark.parametrize(
    "given", ["port:", "port: ''", "port: 0", "port: 4711", "description: none"]
)
def test_a_blank_port_is_the_protocols_and_encryptions_own(
    protocol: str, encryption: str, port: int, given: str
) -> None:
    account = account_with(
        f"protocol: {protocol}", f"encryption: {encryption}", "allow_plain_login: true", given
    )
    assert account.port == (4711 if "4711" in given else port)


@pytest.mark.parametrize(
    ("line", "milliseconds"),
    [
        ("description: none", 30_000),
        ("timeout_ms:", 30_000),
        ("timeout_ms: ''", 30_000),
        ("timeout_ms: 0", 30_000),
        ("timeout_ms: 1", 1),
        ("timeout_ms: 30000", 30_000),
    ],
)
def test_a_blank_timeout_is_30_seconds(line: str, milliseconds: int) -> None:
    assert account_with(line).timeout_ms == milliseconds


@pytest.mark.parametrize(
    "line", ["folder:", "folder: INBOX", "after_download: leave", "after_download: remove"]
)
def test_settings_that_pop3_has(line: str) -> None:
    account = account_with("protocol: pop3", line)
    assert (account.protocol, account.port, account.folder) == ("pop3", 995, "INBOX")


def test_the_other_defaults_of_an_account() -> None:
    account = account_with()
    assert (account.after_download, account.move_to) == ("seen", "")
    assert (account.max_mails_per_poll, account.max_message_bytes) == (0, 0)
    assert (account.only_after, account.min_tls_version) == (None, "1.2")
    assert (account.poll_seconds, account.idle, account.enabled) == (60, True, True)
    assert (account.verify_certificate, account.allow_plain_login) == (True, False)


def test_each_attribute_of_an_account_is_read() -> None:
    account = account_with(
        "after_download: move",
        "move_to: Erledigt/Müll",
        "max_mails_per_poll: 30",
        "max_message_bytes: 1000000",
        "only_after: 2026-03-01",
        'min_tls_version: "1.3"',
    )
    assert (account.after_download, account.move_to) == ("move", "Erledigt/Müll")
    assert (account.max_mails_per_poll, account.max_message_bytes) == (30, 1_000_000)
    assert (account.only_after, account.min_tls_version) == (date(2026, 3, 1), "1.3")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_within_this_machine_a_password_may_go_unencrypted(host: str) -> None:
    text = ACCOUNT.replace("imap.example.org", f'"{host}"') + "    encryption: none\n"
    (entry,) = parse_file(text, "postrail.yaml")
    assert isinstance(entry.thing, MailAccount)
    assert not entry.thing.allow_plain_login


WRONG_TOGETHER = [
    # The password would be sent unencrypted.
    (
        f"{ACCOUNT}    encryption: none\n",
        8,
        "encryption",
        "none would send the password unencrypted",
    ),
    # Moving needs another folder as its target.
    (f"{ACCOUNT}    after_download: move\n", 2, "move_to", "is missing: the folder that"),
    (f"{ACCOUNT}    move_to: Done\n", 8, "move_to", "is used with after_download move only"),
    (
        f"{ACCOUNT}    after_download: move\n    move_to: INBOX\n",
        9,
        "move_to",
        "is the folder that is watched",
    ),
    (
        f"{ACCOUNT}    after_download: move\n    move_to: inbox\n",
        9,
        "move_to",
        "is the folder that is watched",
    ),
    # Values of one field.
    (f"{ACCOUNT}    timeout_ms: 30001\n", 8, "timeout_ms", "must be less than or equal to 30000"),
    (f"{ACCOUNT}    timeout_ms: -1\n", 8, "timeout_ms", "must be greater than or equal to 1"),
    (f"{ACCOUNT}    timeout_seconds: 5\n", 8, "", "is not known; did you mean 'timeout_ms'?"),
    (f"{ACCOUNT}    max_message_bytes: -1\n", 8, "max_message_bytes", "must be greater than"),
    (f"{ACCOUNT}    max_mails_per_poll: x\n", 8, "max_mails_per_poll", "must be a whole number"),
    (f"{ACCOUNT}    only_after: soon\n", 8, "only_after", "must be a valid date"),
    (f"{ACCOUNT}    after_download: burn\n", 8, "after_download", "must be 'seen', 'remove',"),
    (f'{ACCOUNT}    min_tls_version: "1.0"\n', 8, "min_tls_version", "must be '1.2' or '1.3'"),
    (f"{ACCOUNT}    protocol: nntp\n", 8, "protocol", "must be 'imap', 'pop3'"),
    # POP3 has one folder, whose messages have no dates.
    (f"{POP3}    folder: Sales\n", 9, "folder", "pop3 has no folders; leave it blank"),
    (f"{POP3}    after_download: move\n", 9, "after_download", "pop3 has no folder to move mess"),
    (f"{POP3}    move_to: Done\n", 9, "move_to", "is not used with pop3"),
    (f"{POP3}    only_after: 2026-03-01\n", 9, "only_after", "pop3 has no dates of arrival"),
    (f"{POP3}    encryption: none\n", 9, "encryption", "none would send the password unencrypted"),
]


@pytest.mark.parametrize(("text", "line", "field", "problem"), WRONG_TOGETHER)
def test_contradictions_name_line_and_field(text: str, line: int, field: str, problem: str) -> None:
    (fault,) = faults_of(text)
    assert fault.startswith(f"postrail.yaml:{line}: account")
    assert f"{field}: {problem}" in fault


def test_a_blank_value_is_the_default() -> None:
    (entry,) = parse_file(f"{ACCOUNT}    folder:\n    description:\n", "postrail.yaml")
    assert isinstance(entry.thing, MailAccount)
    assert entry.thing.folder == "INBOX"
    assert "folder" not in entry.given


def test_blanks_at_the_ends_of_a_password_belong_to_it() -> None:
    (entry,) = parse_file(ACCOUNT.replace("secret", '" secret "'), "postrail.yaml")
    assert isinstance(entry.thing, MailAccount)
    assert entry.thing.password == " secret "


@pytest.mark.parametrize("text", ["", "# nothing\n", "accounts:\n", "accounts: []\n"])
def test_an_empty_file_names_nothing(text: str) -> None:
    assert parse_file(text, "postrail.yaml") == []


def test_connections_and_projects_are_read() -> None:
    text = """\
        connections:
          - {name: out, host: smtp.example.org, from_address: help@example.org}
        projects:
          - {key: HELP, name: Help, issue_types: [Incident, Request]}
        """
    connection, project = parse_file(dedent(text), "postrail.yaml")
    assert isinstance(connection.thing, OutgoingConnection)
    assert connection.thing.port == 587
    assert isinstance(project.thing, Project)
    assert project.thing.default_issue_type == "Incident"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        # A misspelt field.
        (
            f"{ACCOUNT}    hots: x\n",
            "postrail.yaml:8: account 'help', hots: is not known; did you mean 'host'?",
        ),
        # An unknown field: the message lists all fields.
        (
            f"{ACCOUNT}    zzzzz: x\n",
            "postrail.yaml:8: account 'help', zzzzz: is not known; known are: name,",
        ),
        # A misspelt section, and an unknown one.
        (
            "acounts: []\n",
            "postrail.yaml:1: the file, acounts: is not known; did you mean 'accounts'?",
        ),
        (
            "servers: []\n",
            "postrail.yaml:1: the file, servers: is not known;"
            " known are: connections, priorities, projects, credentials, accounts, approvals,"
            " handlers, sender_filters, people",
        ),
        # Not YAML.
        (
            "accounts:\n\t- name: x\n",
            "postrail.yaml:2: YAML: found character '\\t' that cannot start",
        ),
        ("accounts: [\n", "postrail.yaml:2: YAML: "),
        ("accounts: \x01\n", "postrail.yaml:1: YAML: special characters are not allowed"),
        # YAML that would run code.
        (
            ACCOUNT.replace("secret", "!!python/object/apply:os.getcwd []"),
            "postrail.yaml:5: account 'help': could not determine a constructor for the tag",
        ),
        # The shape of the file.
        ("- name: x\n", "postrail.yaml:1: the file: must have fields, such as 'connections: …'"),
        (
            "accounts:\n  name: x\n",
            "postrail.yaml:2: accounts: must be a list; begin each item with '- '",
        ),
        ("accounts:\n  - x\n", "postrail.yaml:2: account: must have fields, such as 'name: …'"),
        # A repeated field would hide the first.
        (f"{ACCOUNT}    host: other\n", "postrail.yaml:8: account 'help', host: is given twice"),
        # Two things with the same name.
        (
            ACCOUNT + ACCOUNT.removeprefix("accounts:\n"),
            "postrail.yaml:8: account 'help', name: is given at line 2 already",
        ),
        # Missing fields: the line is that of the thing.
        (
            ACCOUNT.replace("    host: imap.example.org\n", ""),
            "postrail.yaml:2: account 'help', host: is missing",
        ),
        (
            ACCOUNT.replace("imap.example.org", ""),
            "postrail.yaml:2: account 'help', host: is missing",
        ),
        (
            ACCOUNT.replace("imap.example.org", '""'),
            "postrail.yaml:3: account 'help', host: is missing",
        ),
        # Wrong values.
        (
            f"{ACCOUNT}    encryption: tls\n",
            "postrail.yaml:8: account 'help', encryption: must be 'none', 'ssl', 'starttls' or",
        ),
        (
            f"{ACCOUNT}    port: 70000\n",
            "postrail.yaml:8: account 'help', port: must be less than or equal to 65535",
        ),
        (
            f"{ACCOUNT}    port: imap\n",
            "postrail.yaml:8: account 'help', port: must be a whole number",
        ),
        (
            f"{ACCOUNT}    idle: perhaps\n",
            "postrail.yaml:8: account 'help', idle: must be true or false",
        ),
        (
            f"{ACCOUNT}    poll_seconds: 0\n",
            "postrail.yaml:8: account 'help', poll_seconds: must be greater than or equal to 1",
        ),
        (
            ACCOUNT.replace("project: HELP", "project: help desk"),
            "postrail.yaml:7: account 'help', project: must be the key of a project",
        ),
        (
            ACCOUNT.replace("address: help@example.org", "address: help"),
            "postrail.yaml:6: account 'help', address: must be an address such as",
        ),
        (
            ACCOUNT.replace("name: help", "name: my help"),
            "postrail.yaml:2: account 'my help', name: must be letters, digits",
        ),
        # A password of digits only is a number to YAML, and would lose its leading zeros.
        (
            ACCOUNT.replace("secret", "0123"),
            "postrail.yaml:5: account 'help', password: must be text; put it in quotes",
        ),
        # Contradicting fields.
        (
            "projects:\n  - {key: HELP, name: Help, default_issue_type: Fault}\n",
            "postrail.yaml:2: project 'HELP': default_issue_type 'Fault' is not in issue_types",
        ),
        (
            "projects:\n  - {key: HELP, name: Help, issue_types: []}\n",
            "postrail.yaml:2: project 'HELP', issue_types: must",
        ),
        (
            "people:\n  - address: nobody\n",
            "postrail.yaml:2: person 'nobody', address: must be an address",
        ),
    ],
)
def test_a_fault_names_line_and_field(text: str, fault: str) -> None:
    faults = faults_of(text)
    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_all_faults_are_named_at_once_in_order() -> None:
    text = ACCOUNT.replace("address: help@", "address: ") + "    port: x\npeople: 3\n"
    assert [line.split(":")[1] for line in faults_of(text)] == ["6", "8", "9"]
    # Contradicting fields are reported too.
    text = ACCOUNT.replace("host: imap.example.org", "host: ''") + "    after_download: move\n"
    assert [line.split(",")[1][:8] for line in faults_of(text)] == [" move_to", " host: i"]


def test_a_wrong_password_is_never_shown() -> None:
    assert "4711" not in "".join(faults_of(ACCOUNT.replace("secret", "4711")))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n\naccounts: " + "[" * 5000, 3),
        ("accounts:\n  - name: " + "{a: " * 5000, 2),
        ("- " * 5000, 1),
        ("accounts:\n" + "".join(" " * level + "a:\n" for level in range(1, 5000)), 20),
        ("? " * 5000, 1),
    ],
)
def test_nodes_that_are_nested_too_deeply_name_the_line(text: str, line: int) -> None:
    assert faults_of(text) == [f"postrail.yaml:{line}: YAML: is nested deeper than 20 levels"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("2024-13-45", "month must be in 1..12"),
        ("2024-01-01 25:00:00", "hour must be in 0..23"),
        ("1" * 5000, "Exceeds the limit"),
    ],
)
def test_a_value_that_cannot_exist_names_the_line(value: str, problem: str) -> None:
    (fault,) = faults_of(f"{ACCOUNT}    folder: {value}\n")
    assert fault.startswith(f"postrail.yaml:8: account 'help': cannot be read: {problem}")
