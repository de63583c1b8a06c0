"""An account that logs in as an outgoing connection does."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.accounts.login import are_of_one_domain, with_login, with_logins
from postrail.configuration.configured import Configured
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import snapshot_of
from postrail.configuration.yaml_write import export_text, written_values
from tests.unit.configuration.approvals.file import (
    ACCOUNT,
    SECRETS,
    applied,
    changed,
    faults_of,
    file_of,
    the,
)

MICROSOFT = {
    "name": "microsoft",
    "provider": "microsoft",
    "client_id": "app",
    "flow": "device_code",
}
OAUTH_CONNECTION = {
    "mode": "oauth2",
    "credential": "microsoft",
    "host": None,
    "password": None,
}
GRAPH_CONNECTION = OAUTH_CONNECTION | {"mode": "graph"}
OAUTH_ACCOUNT = {"protocol": "microsoft_oauth2", "host": None}


def used(things: list[Configured]) -> MailAccount:
    """Returns the account with the login that it uses."""
    (account,) = with_logins([the(MailAccount, things)], [the(OutgoingConnection, things)])
    return account


def test_user_and_password_are_those_of_the_connection() -> None:
    things = applied(file_of())
    assert the(MailAccount, things).username == the(MailAccount, things).password == ""
    account = used(things)
    assert account.username == "robot@example.org"
    assert SECRETS.reveal(account.password) == "s3cret"
    assert snapshot_of(0, things).accounts["answers"] == account


def test_a_new_password_of_the_connection_is_used_at_once() -> None:
    stored = applied(file_of())
    things = applied(file_of(connection={"password": "n3w"}), stored)
    assert SECRETS.reveal(used(things).password) == "n3w"
    # A file that leaves the password out keeps the stored one.
    things = applied(file_of(connection={"password": None}), stored)
    assert SECRETS.reveal(used(things).password) == "s3cret"


@pytest.mark.parametrize("connection", [OAUTH_CONNECTION, GRAPH_CONNECTION])
def test_a_credential_is_that_of_the_connection(connection: dict[str, Any]) -> None:
    protocol = "microsoft_graph" if connection["mode"] == "graph" else "microsoft_oauth2"
    text = file_of(
        connection=connection,
        account=OAUTH_ACCOUNT | {"protocol": protocol},
        credentials=[MICROSOFT],
    )
    account = used(applied(text))
    assert (account.username, account.credential) == ("robot@example.org", "microsoft")
    assert not account.password


def test_an_account_may_have_a_login_of_its_own() -> None:
    own = {"username": "me", "password": "mine"}
    account = used(applied(file_of(account=own | {"host": "imap.example.net"})))
    assert (account.username, SECRETS.reveal(account.password)) == ("me", "mine")
    # A user of its own, such as a shared mailbox, with the connection's password.
    account = used(applied(file_of(account={"username": "shared"})))
    assert (account.username, SECRETS.reveal(account.password)) == ("shared", "s3cret")


def test_an_own_login_is_given_up_for_that_of_the_connection() -> None:
    stored = applied(file_of(account={"login_of": None, "username": "me", "password": "mine"}))
    account = used(applied(file_of(), stored))
    assert (account.username, SECRETS.reveal(account.password)) == ("robot@example.org", "s3cret")


def test_a_stored_own_password_is_kept() -> None:
    stored = applied(file_of(account={"username": "me", "password": "mine", "host": "a.example"}))
    text = file_of(account={"username": "me", "host": "a.example"})
    assert SECRETS.reveal(used(applied(text, stored)).password) == "mine"


@pytest.mark.parametrize(
    ("account", "connection", "field", "problem"),
    [
        ({"login_of": "other"}, {}, "login_of", "there is no connection 'other' in the file"),
        (
            {},
            {"username": None, "password": None},
            "login_of",
            "connection 'out' has no login; give username and password here",
        ),
        (
            {"host": "imap.example.net"},
            {},
            "password",
            "is missing: that of connection 'out' is for smtp.example.org, and imap.example.net is"
            " of another domain; give username and password here",
        ),
        (
            {"verify_certificate": False},
            {},
            "verify_certificate",
            "must be true to use the password of connection 'out'; or give username and password",
        ),
        (
            {"allow_plain_login": True, "encryption": "starttls"},
            {},
            "allow_plain_login",
            "must be false to use the password of connection 'out'",
        ),
        ({"password": "mine"}, {}, "username", "is missing beside the password; or leave both to"),
        ({"login_of": None}, {}, "username", "is missing"),
        # With a password where the protocol needs tokens.
        (
            OAUTH_ACCOUNT,
            {"host": "smtp.office365.com"},
            "credential",
            "is missing: microsoft_oauth2",
        ),
    ],
)
def test_what_cannot_log_in_is_refused(
    account: dict[str, Any], connection: dict[str, Any], field: str, problem: str
) -> None:
    found = faults_of(file_of(account=account, connection=connection))
    assert [one for one in found if one.startswith(f"account 'answers', {field}: {problem}")]
    assert len(found) == 1


def test_tokens_go_to_the_servers_of_their_credential_only() -> None:
    text = file_of(
        connection=OAUTH_CONNECTION,
        account={"host": "imap.example.org"},
        credentials=[MICROSOFT],
    )
    (found,) = faults_of(text)
    assert "imap.example.org may not receive tokens of credential 'microsoft'" in found


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"host": "smtp.example.net"}, "account 'answers', password: is missing: that of"),
        ({"username": "", "password": ""}, "account 'answers', login_of: connection 'out' has no"),
    ],
)
def test_a_later_change_of_the_connection_is_checked(changes: dict[str, Any], problem: str) -> None:
    connection = changed(the(OutgoingConnection, applied(file_of())).model_dump(), changes)
    connection = (
        {"password": "s3cret"}
        | {name: connection[name] for name in ("name", "host", "username", "from_address")}
        | changes
    )
    (found,) = faults_of(f"connections: {[connection]!r}", applied(file_of()))
    assert found.startswith("connection 'out', : ")
    assert problem in found


def test_two_accounts_cannot_read_one_folder_by_the_same_login() -> None:
    second = changed(ACCOUNT, {"name": "second", "login_of": None, "address": "b@example.org"})
    second |= {"username": "robot@example.org", "password": "s3cret"}
    found = faults_of(file_of(accounts=[second]))
    assert [one for one in found if "is watched by account" in one]


def test_an_export_has_no_login_of_the_account() -> None:
    things = applied(file_of())
    written = written_values(the(MailAccount, things))
    assert written["login_of"] == "out"
    assert not {"username", "password", "credential"} & written.keys()
    assert "POSTRAIL_SECRET_ACCOUNT" not in export_text(things)


def test_an_account_without_login_of_is_as_it_is() -> None:
    account = MailAccount.model_validate({**ACCOUNT, "login_of": "gone"})
    assert with_login(account, {}) == account


@pytest.mark.parametrize(
    ("host", "other", "same"),
    [
        ("smtp.example.org", "imap.example.org", True),
        ("smtp.example.org", "SMTP.example.org.", True),
        ("smtp.office365.com", "outlook.office365.com", True),
        ("mail.desk.example.org", "imap.desk.example.org", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("localhost", "localhost", True),
        ("smtp.example.org", "imap.example.net", False),
        ("smtp.example.org", "imap.desk.example.org", False),
        ("example.org", "mail.example.org", False),
        # Anybody may have a domain there.
        ("acme.org", "evil.org", False),
        ("acme.co.uk", "evil.co.uk", False),
        ("acme.com.au", "evil.com.au", False),
        ("smtp.acme.co.uk", "imap.acme.co.uk", True),
        ("10.0.0.1", "99.0.0.1", False),
        ("mail", "imap", False),
    ],
)
def test_servers_of_one_domain(host: str, other: str, same: bool) -> None:
    assert are_of_one_domain(host, other) == are_of_one_domain(other, host) == same
