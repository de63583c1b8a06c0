"""Accounts of the protocol `folder`: required and refused settings."""

from __future__ import annotations

import pytest

from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.plan import make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets
from postrail.settings import SecretSettings

ACCOUNT = """\
projects:
  - {key: HELP, name: Help}
connections:
  - {name: out, host: smtp.example.org, from_address: help@example.org}
accounts:
  - name: help
    protocol: folder
    path: /var/mail/help
    address: help@example.org
    project: HELP
"""


def test_it_needs_no_server_and_no_password() -> None:
    plan = make_plan(parse_file(ACCOUNT, "f"), {}, Secrets(SecretSettings()), file="f")
    (account,) = (change.after for change in plan.changes if isinstance(change.after, MailAccount))
    assert (account.path, account.host, account.port, account.password) == (
        "/var/mail/help",
        "",
        0,
        "",
    )
    # As it is read back from the database.
    assert MailAccount.model_validate(account.model_dump()) == account


WRONG = [
    ("path: mail", "path: must begin with '/'"),
    ("path: ''", "path: is missing: a maildir"),
    ("host: imap.example.org", "host: is for mail servers"),
    ("username: help", "username: is for mail servers"),
    ("password: secret", "password: is for mail servers"),
    ("port: 993", "port: is for mail servers"),
    ("folder: Sales", "folder: is for mail servers"),
    ("after_download: move", "move_to: is missing"),
    ("{after_download: move, move_to: ../x}", "move_to: must not contain '..'"),
    ("{after_download: move, move_to: /var/mail/help}", "move_to: is the folder that is watched"),
]


@pytest.mark.parametrize(("change", "fault"), WRONG)
def test_wrong_settings_are_refused(change: str, fault: str) -> None:
    lines = [part.strip() for part in change.strip("{}").split(",")]
    text = ACCOUNT
    for line in lines:
        field = line.partition(":")[0]
        kept = [one for one in text.splitlines() if not one.strip().startswith(f"{field}:")]
        text = "\n".join([*kept, f"    {line}", ""])
    with pytest.raises(ConfigurationFileError) as caught:
        parse_file(text, "postrail.yaml")
    (problem,) = str(caught.value).splitlines()
    assert fault in problem.replace("account 'help', ", "")


def test_a_path_is_for_folders_only() -> None:
    text = ACCOUNT.replace("protocol: folder", "host: h\n    username: u\n    password: p")
    with pytest.raises(ConfigurationFileError, match="path: is used with protocol folder only"):
        parse_file(text, "f")


@pytest.mark.parametrize("path", ["/var/mail/help", "/var/mail/help/"])
def test_two_accounts_never_watch_one_path(path: str) -> None:
    second = ACCOUNT.partition("accounts:\n")[2].replace("name: help", "name: other")
    second = second.replace("/var/mail/help", path)
    entries = parse_file(ACCOUNT + second, "f")
    with pytest.raises(ConfigurationFileError, match=r"path: is watched by account 'help'"):
        make_plan(entries, {}, Secrets(SecretSettings()), file="f")
    apart = parse_file(ACCOUNT + second.replace(path, "/var/mail/other"), "f")
    make_plan(apart, {}, Secrets(SecretSettings()), file="f")
