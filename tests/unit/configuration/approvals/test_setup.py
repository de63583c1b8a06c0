"""Approval setups: each wrong setting and its message."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.models.mail_account import MailAccount
from tests.unit.configuration.approvals.file import (
    ACCOUNT,
    SETUP,
    applied,
    changed,
    faults_of,
    file_of,
    plan_of,
    the,
)

HELP_DESK = changed(ACCOUNT, {"name": "help", "purpose": None, "address": "desk@example.org"})
HELP_DESK |= {"folder": "Help"}


def test_a_setup_is_off_until_it_is_switched_on() -> None:
    setup = the(ApprovalSetup, applied(file_of(setup={"enabled": None, "account": None})))
    assert not setup.enabled
    assert setup.unverified_senders == "refuse"
    assert setup.language == "en"


def test_a_good_setup_has_no_fault_and_no_warning() -> None:
    plan = plan_of(file_of())
    assert not plan.warnings


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"account": None}, "account", "is missing: the mail account (purpose: approvals)"),
        ({"account": "other"}, "account", "there is no account 'other' in the file"),
        ({"connection": "other"}, "connection", "there is no connection 'other' in the file"),
        # The reply address is that of the account.
        (
            {"reply_address": None},
            "reply_address",
            "desk@example.org is not the address of account 'answers'; set it to"
            " answers@example.org; or, if that is a member of a group with this address, set"
            " group_address: true",
        ),
        ({"reply_address": "team@example.org"}, "reply_address", "team@example.org is not the"),
        ({"reply_address": "team"}, "reply_address", "must be an address of mail, or blank"),
        (
            {"reply_address": None, "group_address": True},
            "reply_address",
            "is missing: the address of the group, as group_address is true",
        ),
        # Words.
        (
            {"words": {"de": {"approve": ["Ja", "gut"], "reject": ["nein", " GUT "]}}},
            "words",
            "de: 'gut' means both approve and reject; keep one of them",
        ),
        # The default words of rejection stay.
        ({"words": {"de": {"approve": ["Nein"]}}}, "words", "de: 'nein' means both approve and"),
        ({"words": {"en": {"approve": ["1"]}}}, "words", "en: '1' has no letter: numbers stand"),
        ({"words": {"english": {}}}, "words", "must be two letters, such as en"),
        ({"words": {"en": {"yes": ["a"]}}}, "words", "en: yes: is not known; known are: approve"),
        ({"language": "english"}, "language", "must be two letters, such as en"),
        # Addresses of the console, and hosts of callbacks.
        ({"page_url": "http://desk.example.org"}, "page_url", "must begin with https://, or be on"),
        ({"page_url": "desk.example.org"}, "page_url", "must begin with https://"),
        ({"page_url": "https://"}, "page_url", "must begin with https://"),
        ({"callback_hosts": ["https://a.example"]}, "callback_hosts", "must be the name of one"),
        ({"callback_hosts": [".example.org"]}, "callback_hosts", "must be the name of one host"),
    ],
)
def test_a_wrong_setup_says_what_to_do(changes: dict[str, Any], field: str, problem: str) -> None:
    (found,) = faults_of(file_of(setup=changes))
    assert found.startswith(f"approval setup 'releases', {field}: ")
    assert problem in found


@pytest.mark.parametrize(
    "changes",
    [
        {"reply_address": "Answers@Example.org"},
        {"reply_address": "team@example.org", "group_address": True},
        {"page_url": "https://desk.example.org/"},
        {"page_url": "http://127.0.0.1:8080"},
        {"callback_hosts": ["deploy.internal", "10.0.0.7", "fd00::1"]},
        {"words": {"de": {"approve": ["ja"]}, "fr": {"reject": ["non merci"]}}},
        {"words": None},
        # What is switched off may be incomplete, but names nothing unknown.
        {"enabled": False, "reply_address": None},
    ],
)
def test_a_right_setup_is_taken(changes: dict[str, Any]) -> None:
    assert faults_of(file_of(setup=changes)) == []


def test_the_reply_address_is_not_that_of_another_account() -> None:
    text = file_of(setup={"reply_address": None, "group_address": None}, accounts=[HELP_DESK])
    assert faults_of(text) == [
        "approval setup 'releases', reply_address: desk@example.org is the address of account"
        " 'help', where answers would arrive; set it to answers@example.org"
    ]


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"purpose": "issues"}, "account", "'answers' is for issues; set purpose: approvals"),
        (
            {"authserv_ids": []},
            "unverified_senders",
            "no answer would count: account 'answers' has no authserv_ids, by which senders are"
            " verified. Give them there, or set unverified_senders to decide",
        ),
        (
            {"after_download": "remove"},
            "dedicated_mailbox",
            "must be true, as account 'answers' removes every message from its mailbox",
        ),
    ],
)
def test_the_account_must_fit_the_setup(changes: dict[str, Any], field: str, problem: str) -> None:
    (found,) = faults_of(file_of(account=changes))
    assert found.startswith(f"approval setup 'releases', {field}: ")
    assert problem in found


@pytest.mark.parametrize(
    "changes",
    [{"purpose": "issues"}, {"authserv_ids": []}, {"after_download": "remove"}],
)
def test_a_later_change_of_the_account_must_fit_the_stored_setup(changes: dict[str, Any]) -> None:
    stored = applied(file_of())
    text = "accounts: " + repr([changed(ACCOUNT, changes)])
    (found,) = faults_of(text, stored)
    assert found.startswith("account 'answers', : approval setup 'releases', ")


def test_removal_is_confirmed_by_a_dedicated_mailbox() -> None:
    text = file_of(account={"after_download": "remove"}, setup={"dedicated_mailbox": True})
    assert the(MailAccount, applied(text)).move_to == ""


def test_an_account_has_one_enabled_setup() -> None:
    second = changed(SETUP, {"name": "second"})
    assert faults_of(file_of(approvals=[second])) == [
        "approval setup 'releases', account: 'answers' is that of setup 'second'; name another one",
        "approval setup 'second', account: 'answers' is that of setup 'releases'; name another one",
    ]
    assert not faults_of(file_of(approvals=[changed(second, {"enabled": False})]))


def test_an_installation_that_lets_unverified_senders_decide_is_warned() -> None:
    text = file_of(account={"authserv_ids": None}, setup={"unverified_senders": "decide"})
    (warning,) = plan_of(text).warnings
    assert warning.startswith("approval setup releases: unverified_senders is decide: while")


def test_a_project_cannot_have_the_address_of_an_account_for_approvals() -> None:
    problem = "answers@example.org is watched by account 'answers', which is for approvals"
    assert faults_of(file_of(project={"address": "answers@example.org"})) == [
        f"project 'HELP', address: {problem}; name another address"
    ]
    stored = applied(file_of(project={"address": "help@example.org"}))
    moved = changed(ACCOUNT, {"address": "help@example.org", "enabled": False})
    text = f"accounts: {[moved]!r}\napprovals: [{{name: releases, enabled: false}}]"
    text = text.replace("True", "true").replace("False", "false")
    assert faults_of(text, stored) == [
        "account 'answers', address: is the address of project HELP already"
    ]


def test_the_secret_of_callbacks_is_sealed_and_kept() -> None:
    stored = applied(file_of(setup={"callback_secret": "h3ush"}))
    assert the(ApprovalSetup, stored).callback_secret.startswith("sealed:")
    # It is sent nowhere, so that nothing asks for it again.
    text = file_of(setup={"account": "answers", "callback_hosts": ["other.example"]})
    kept = the(ApprovalSetup, applied(text, stored))
    assert kept.callback_secret == the(ApprovalSetup, stored).callback_secret
