"""Accounts for answers to approvals: their defaults, and what they have no part in."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.configured import Configured
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot, snapshot_of
from postrail.configuration.store import former
from postrail.configuration.yaml_write import written_values
from postrail.decision.facts import Facts
from postrail.decision.question import Question
from postrail.message_parts import Address
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import mail_parsed
from tests.unit.configuration.approvals.file import (
    ACCOUNT,
    applied,
    changed,
    faults_of,
    file_of,
    the,
)

GROUP = {"reply_address": "team@example.org", "group_address": True}
POLLING = ("poll_seconds", "max_mails_per_poll", "idle", "after_download", "move_to")


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({}, (300, 30, False, "move", "Processed")),
        ({"purpose": "issues"}, (60, 0, True, "seen", "")),
        ({"poll_seconds": 60, "max_mails_per_poll": 5}, (60, 5, False, "move", "Processed")),
        ({"move_to": "Done"}, (300, 30, False, "move", "Done")),
        ({"after_download": "seen"}, (300, 30, False, "seen", "")),
        ({"after_download": "remove"}, (300, 30, False, "remove", "")),
        # POP3 has no folder to move to.
        ({"protocol": "pop3"}, (300, 30, False, "seen", "")),
    ],
)
def test_defaults(changes: dict[str, Any], values: tuple[Any, ...]) -> None:
    account = MailAccount.model_validate({**ACCOUNT, **changes})
    assert tuple(getattr(account, name) for name in POLLING) == values


@pytest.mark.parametrize(
    "changes",
    [{}, {"poll_seconds": 60, "idle": True}, {"after_download": "leave"}, {"protocol": "pop3"}],
)
def test_an_export_has_what_differs_from_the_defaults_of_the_purpose(
    changes: dict[str, Any],
) -> None:
    account = MailAccount.model_validate({**ACCOUNT, **changes})
    written = written_values(account)
    assert MailAccount.model_validate(written) == account
    assert written.keys() - ACCOUNT.keys() == changes.keys()


def test_a_count_is_required() -> None:
    (found,) = faults_of(file_of(account={"max_mails_per_poll": 0}))
    assert found.startswith(
        "account 'answers', max_mails_per_poll: must be at least 1 with purpose"
    )


def test_values_of_an_earlier_release_are_for_issues() -> None:
    values = mail_account().model_dump()
    del values["purpose"], values["login_of"]
    assert former(MAIL_ACCOUNT, values) == mail_account()


def test_no_handler_serves_it() -> None:
    found = snapshot_of(0, [*applied(file_of()), MailHandler(name="desk")])
    assert found.handlers_of("answers") == ()
    assert found.handlers_of("other") == found.handlers
    text = file_of(handlers=[{"name": "desk", "accounts": ["answers"]}])
    assert faults_of(text) == [
        "handler 'desk', accounts: 'answers' is for approvals, which no handler takes; leave it out"
    ]


def test_a_handler_of_all_accounts_makes_no_issues_of_its_project() -> None:
    other = {"key": "SALE", "name": "Sales", "components": ["Web"], "lead": "lena@example.org"}
    sales = changed(ACCOUNT, {"name": "sales", "purpose": None, "folder": "Sales"})
    sales |= {"project": "SALE", "address": "sales@example.org"}
    handler = {"name": "desk", "components": ["Web"]}
    assert not faults_of(file_of(projects=[other], accounts=[sales], handlers=[handler]))


def with_help(purpose: str) -> ConfigurationSnapshot:
    found = snapshot()
    answers = mail_account("answers", purpose=purpose)
    things: list[Configured] = [answers, mail_account(), *found.projects.values()]
    return snapshot_of(0, things)


@pytest.mark.parametrize(("purpose", "names"), [("approvals", []), ("issues", ["answers"])])
def test_it_shares_messages_with_no_other_account(purpose: str, names: list[str]) -> None:
    to = [Address(name="", address=f"{one}@example.com") for one in ("support", "answers")]
    for mailbox in ("support", "answers"):
        mail = mail_parsed(mailbox=mailbox, to=to)
        question = Question(mail=mail, snapshot=with_help(purpose), facts=Facts())
        others = [one.name for one in question.sharing if one.name != mailbox]
        assert others == (["support"] if names and mailbox == "answers" else names)


@pytest.mark.parametrize(
    ("purpose", "address"),
    [("approvals", "support@example.com"), ("issues", "answers@example.com")],
)
def test_replies_about_issues_do_not_go_to_it(purpose: str, address: str) -> None:
    assert with_help(purpose).reply_address("HELP", None) == address


def test_it_is_an_address_of_ours() -> None:
    found = snapshot_of(0, applied(file_of(setup=GROUP)))
    assert {"answers@example.org", "team@example.org"} <= found.own_addresses


def test_a_project_keeps_its_own_address() -> None:
    project = the(Project, applied(file_of(project={"address": "help@example.org"})))
    assert project.address == "help@example.org"
