"""Plans of a file, for given contents of the database. No database here."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pydantic import SecretStr

from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.kinds import identity, shown
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.plan import Plan, make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings

KEY = generate_key()
SECRETS = Secrets(SecretSettings(keys=SecretStr(KEY)))

FILE = """\
connections:
  - name: out
    host: smtp.example.org
    username: login
    password: secret
    from_address: help@example.org
projects:
  - key: HELP
    name: Help
accounts:
  - name: help
    host: imap.example.org
    username: login
    password: secret
    address: help@example.org
    project: HELP
people:
  - address: Agent@example.org
"""
ACCOUNT = FILE[FILE.index("  - name: help") : FILE.index("people")]
SECOND_CONNECTION = """\
  - name: second
    host: smtp.example.net
    from_address: help@example.net
"""


def plan_of(text: str, existing: Sequence[Configured] = (), secrets: Secrets = SECRETS) -> Plan:
    known = {(type(thing), identity(thing)): thing for thing in existing}
    return make_plan(parse_file(text, "f"), known, secrets, file="f")


def applied(text: str, existing: Sequence[Configured] = ()) -> list[Configured]:
    return [change.after for change in plan_of(text, existing).changes]


def faults_of(text: str, existing: Sequence[Configured] = ()) -> list[str]:
    with pytest.raises(ConfigurationFileError) as caught:
        plan_of(text, existing)
    return str(caught.value).splitlines()


def account_of(things: Sequence[Configured]) -> MailAccount:
    (account,) = [thing for thing in things if isinstance(thing, MailAccount)]
    return account


def test_everything_is_new_in_an_empty_database_and_what_is_referred_to_comes_first() -> None:
    plan = plan_of(FILE)
    assert [change.kind for change in plan.changes] == [
        "connection",
        "project",
        "account",
        "person",
    ]
    assert plan.count("created") == 4
    assert plan.plain_secrets == 2


def test_plain_passwords_are_sealed() -> None:
    password = account_of(applied(FILE)).password
    assert password.startswith("sealed:")
    assert SECRETS.reveal(password) == "secret"


def test_applying_again_changes_nothing() -> None:
    plan = plan_of(FILE, applied(FILE))
    assert plan.count("unchanged") == 4
    assert plan.untouched == ()


def test_things_that_the_file_does_not_name_are_reported_as_untouched() -> None:
    plan = plan_of("people: [{address: other@example.org}]", applied(FILE))
    assert plan.count("created") == 1
    assert ("account", "help") in plan.untouched
    assert len(plan.untouched) == 4


def test_a_change_names_the_field_and_both_values() -> None:
    plan = plan_of(FILE.replace("name: Help\n", "name: Desk\n"), applied(FILE))
    assert plan.count("changed") == 1
    (change,) = [change for change in plan.changes if change.action == "changed"]
    assert change.fields == (("name", "Help", "Desk"),)


def test_quotations_are_stripped_unless_an_account_says_otherwise() -> None:
    existing = applied(FILE)
    assert [one.strip_quotations for one in existing if isinstance(one, MailAccount)] == [True]
    plan = plan_of(FILE.replace(ACCOUNT, f"{ACCOUNT}    strip_quotations: false\n"), existing)
    (change,) = (change for change in plan.changes if change.action == "changed")
    assert change.fields == (("strip_quotations", True, False),)


def test_a_new_password_is_a_change_that_shows_no_password() -> None:
    plan = plan_of(FILE.replace("secret", "other"), applied(FILE))
    fields = [change.fields for change in plan.changes if change.action == "changed"]
    assert fields == [(("password", "(secret)", "(new secret)"),)] * 2


@pytest.mark.parametrize("reference", ["env:POSTRAIL_SECRET_IMAP", "file:imap"])
def test_references_are_kept_as_they_are(reference: str) -> None:
    text = FILE.replace("secret", reference)
    things = applied(text)
    assert account_of(things).password == reference
    assert shown(account_of(things))["password"] == reference
    assert plan_of(text, things).count("unchanged") == 4
    assert plan_of(text).plain_secrets == 0


@pytest.mark.parametrize("reference", ["env:HOME", "file:../x"])
def test_references_out_of_bounds_are_faults_of_their_line(reference: str) -> None:
    faults = faults_of(FILE.replace("secret", reference))
    assert [fault.split(": ")[0] for fault in faults] == ["f:5", "f:14"]


def test_a_sealed_text_is_taken_as_it_is_when_it_opens() -> None:
    sealed = SECRETS.seal("secret")
    assert account_of(applied(FILE.replace("secret", sealed))).password == sealed


def test_a_damaged_sealed_text_is_a_fault_of_its_line() -> None:
    faults = faults_of(FILE.replace("secret", SECRETS.seal("x")[:-4] + "AAAA"))
    assert faults[0].startswith("f:5: connection 'out', password: a sealed secret is damaged")


def test_giving_the_password_again_replaces_one_whose_key_is_gone() -> None:
    other = Secrets(SecretSettings(keys=SecretStr(generate_key())))
    plan = plan_of(FILE, applied(FILE), secrets=other)
    assert plan.count("changed") == 2


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(ConfigurationError, match="POSTRAIL_SECRETS__KEYS"):
        plan_of(FILE, secrets=Secrets(SecretSettings()))


WITHOUT_PASSWORDS = FILE.replace("    password: secret\n", "")


def test_a_password_that_is_left_out_is_kept() -> None:
    things = applied(FILE)
    plan = plan_of(WITHOUT_PASSWORDS, things)
    assert plan.count("unchanged") == 4
    described = WITHOUT_PASSWORDS.replace("name: help\n", "name: help\n    description: x\n")
    assert account_of(applied(described, things)).password == account_of(things).password


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("host: imap.example.org", "host: evil.example.net", "host"),
        ("host: imap.example.org", "host: imap.example.org\n    port: 994", "port"),
        # With the encryption the default port changes too.
        (
            "host: imap.example.org",
            "host: imap.example.org\n    encryption: starttls",
            "port and encryption",
        ),
        ("username: login\n    address", "username: other\n    address", "username"),
        (
            "host: imap.example.org",
            "host: imap.example.org\n    verify_certificate: false",
            "verify_certificate",
        ),
        ("host: imap.example.org", "host: imap.example.org\n    ca_file: /ca.pem", "ca_file"),
    ],
)
def test_a_kept_password_never_goes_elsewhere(old: str, new: str, field: str) -> None:
    (fault,) = faults_of(WITHOUT_PASSWORDS.replace(old, new), applied(FILE))
    assert fault.startswith("f:10: account 'help', password: must be given again")
    assert f"because {field} change" in fault


def test_with_its_password_given_the_host_may_change() -> None:
    moved = FILE.replace("imap.example.org", "imap.example.net")
    assert account_of(applied(moved, applied(FILE))).host == "imap.example.net"


@pytest.mark.parametrize("given", ["", '    password: ""\n'])
def test_a_new_account_needs_a_password(given: str) -> None:
    text = FILE.replace("    password: secret\n", given)
    assert [fault.split(": ", 2)[1] for fault in faults_of(text)] == [
        "connection 'out', password",
        "account 'help', password",
    ]


def test_a_connection_without_login_needs_no_password_and_drops_the_one_it_had() -> None:
    text = FILE.replace("    username: login\n    password: secret\n    from", "    from")
    (connection,) = [
        thing for thing in applied(text, applied(FILE)) if isinstance(thing, OutgoingConnection)
    ]
    assert connection.username == connection.password == ""


def test_a_password_without_username_is_refused() -> None:
    (fault,) = faults_of(
        FILE.replace(
            "    username: login\n    password: secret\n    from", "    password: secret\n    from"
        )
    )
    assert "is not used without a username" in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        # Things that are referred to must exist.
        (
            FILE.replace("project: HELP", "project: DESK"),
            "f:16: account 'help', project: there is no project 'DESK' in the file or the database;"
            " there are: HELP",
        ),
        (
            FILE.replace("name: Help\n", "name: Help\n    connection: other\n"),
            "f:10: project 'HELP', connection: there is no connection 'other'",
        ),
        # Exactly one connection is the default.
        (
            FILE.replace("projects:", SECOND_CONNECTION + "projects:"),
            "f:2: connection 'out', is_default: no connection is the default",
        ),
        (
            FILE.replace("name: out\n", "name: out\n    is_default: true\n").replace(
                "projects:", SECOND_CONNECTION + "    is_default: true\nprojects:"
            ),
            "f:11: connection 'second', is_default: is true for 'out' too",
        ),
        (
            "projects: [{key: HELP, name: Help}]\n",
            "f:1: project 'HELP', connection: there is no outgoing connection",
        ),
        # Messages of a folder with two names would be handled twice.
        (
            FILE.replace("people:", ACCOUNT.replace("name: help", "name: help2") + "people:"),
            "f:17: account 'help2', folder: is watched by account 'help' already",
        ),
    ],
)
def test_contradictions_between_things_are_refused(text: str, fault: str) -> None:
    (found,) = faults_of(text)
    assert found.startswith(fault)


def test_a_second_default_connection_is_refused_though_the_first_is_in_the_database() -> None:
    text = "connections:\n" + SECOND_CONNECTION + "    is_default: true\n"
    (fault,) = faults_of(text, applied(FILE))
    assert fault.startswith("f:5: connection 'second', is_default: is true for 'out' too")


def test_a_connection_that_is_off_leaves_the_default_to_the_only_other_one() -> None:
    off = OutgoingConnection(
        name="off", host="localhost", from_address="help@example.net", enabled=False
    )
    (connection,) = (
        thing for thing in applied(FILE, [off]) if isinstance(thing, OutgoingConnection)
    )
    assert connection.is_default


def test_the_only_connection_that_is_on_is_the_default_beside_one_that_is_off() -> None:
    text = FILE.replace("projects:", f"{SECOND_CONNECTION}    enabled: false\nprojects:")
    connections = [thing for thing in applied(text) if isinstance(thing, OutgoingConnection)]
    assert [thing.is_default for thing in connections] == [True, False]


def test_a_second_connection_that_is_not_the_default_is_fine() -> None:
    assert plan_of("connections:\n" + SECOND_CONNECTION, applied(FILE)).count("created") == 1


def test_a_renamed_account_is_refused_while_the_old_one_watches_the_folder() -> None:
    renamed = FILE.replace("- name: help", "- name: desk")
    (fault,) = faults_of(renamed, applied(FILE))
    assert "watched by account 'help' already" in fault


def test_an_account_that_is_disabled_watches_nothing() -> None:
    disabled = FILE.replace("name: help\n", "name: help\n    enabled: false\n")
    renamed = FILE.replace("- name: help", "- name: desk")
    assert plan_of(renamed, applied(disabled)).count("created") == 1


def test_people_are_known_by_their_address_in_small_letters() -> None:
    (person,) = [change for change in plan_of(FILE).changes if change.kind == "person"]
    assert person.name == "agent@example.org"


@pytest.mark.parametrize(
    ("setting", "warning"),
    [
        ("verify_certificate: false", "account help: verify_certificate is false: an attacker"),
        (
            "encryption: none\n    allow_plain_login: true",
            "account help: allow_plain_login is true: the password may be sent to imap.example.org",
        ),
        # With TLS from the start the password is never sent unencrypted.
        ("allow_plain_login: true", ""),
    ],
)
def test_dangerous_settings_are_warned_about(setting: str, warning: str) -> None:
    text = FILE.replace("host: imap.example.org", f"host: imap.example.org\n    {setting}")
    warnings = plan_of(text).warnings
    assert len(warnings) == bool(warning)
    assert "".join(warnings).startswith(warning)


NO_LEAD = (
    "project HELP: names no lead, so what a limit holds is told to the forward_address of a mail"
    " handler, or to nobody"
)


@pytest.mark.parametrize(
    ("old", "new", "noted"),
    [
        ("host: imap.example.org", "host: imap2.example.org", True),
        (
            "username: login\n    password: secret\n    address",
            "username: other\n    password: secret\n    address",
            True,
        ),
        ("host: imap.example.org", "host: imap.example.org\n    poll_seconds: 5", False),
    ],
)
def test_a_changed_location_of_a_mailbox_is_noted(old: str, new: str, noted: bool) -> None:
    # The messages of another mailbox may have UIDs that were read under this name.
    assert old in FILE
    plan = plan_of(FILE.replace(old, new), applied(FILE))
    assert plan.count("changed") == 1
    assert any("needs an account with another name" in note for note in plan.notes) is noted
    assert plan_of(FILE, applied(FILE)).notes == ()
    assert plan_of(FILE).notes == (NO_LEAD,)


def test_a_project_without_a_lead_is_noted_when_it_is_new() -> None:
    with_lead = FILE.replace("key: HELP\n", "key: HELP\n    administrators: [agent@example.org]\n")
    assert plan_of(with_lead).notes == ()
