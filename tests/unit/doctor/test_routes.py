"""The doctor says where the bounces of an outgoing connection go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.models.project import Project
from postrail.doctor.routes import approvals_of, bounces_of
from tests.makers.configuration import mail_account, outgoing_connection, snapshot


@pytest.mark.parametrize(
    ("bounce_address", "from_address", "state", "says"),
    [
        ("support@example.com", "desk@example.com", "ok", "which account support reads"),
        ("Support@Example.com", "desk@Example.COM", "ok", "which account support reads"),
        # Without bounce_address they go to the sender.
        ("", "support@example.com", "ok", "return nothing of the message fit no delivery"),
        ("", "help@example.com", "ok", "is project HELP's in a shared mailbox"),
        ("", "desk@example.com", "warning", "desk@example.com, which is the address of no enabled"),
        # A disabled account reads nothing.
        ("old@example.com", "desk@example.com", "warning", "the address of no enabled"),
        ("bounces@example.com", "desk@example.com", "warning", "the address of no enabled"),
        # The domains differ.
        ("support@example.com", "desk@other.example", "warning", "in another domain"),
    ],
)
def test_bounces_go_where_an_account_reads_them(
    bounce_address: str, from_address: str, state: str, says: str
) -> None:
    base = snapshot()
    shared = Project(key="HELP", name="Help", address="help@example.com")
    old = mail_account("old", enabled=False)
    found = bounces_of(
        outgoing_connection(bounce_address=bounce_address, from_address=from_address),
        replace(base, projects={"HELP": shared}, accounts={**base.accounts, "old": old}),
    )
    assert (found.part, found.state) == ("bounces out", state)
    assert says in found.says
    assert bool(found.remedy) == (state == "warning")


def test_the_remedy_names_the_addresses_to_deliver() -> None:
    found = bounces_of(outgoing_connection(bounce_address="bounces@example.com"), snapshot())
    assert "deliver bounces+…@example.com to a mailbox" in found.remedy
    assert found.setting == "outgoing connection out: bounce_address"


@pytest.mark.parametrize(
    ("account", "setup", "state", "says"),
    [
        ({}, {}, "ok", "answers go to support@example.com, which account support reads"),
        (
            {"enabled": False},
            {},
            "warning",
            "nobody reads the answers: account support is",
        ),
        ({"authserv_ids": []}, {}, "warning", "senders are not verified: a message with an"),
        ({}, {"enabled": False}, "warning", "no enabled approval setup names it"),
        ({}, {"account": "info"}, "warning", "senders are not verified: a message with an"),
    ],
)
def test_answers_to_approvals_are_read(
    account: dict[str, Any], setup: dict[str, Any], state: str, says: str
) -> None:
    given = {"purpose": "approvals", "authserv_ids": ["mx.example.com"], **account}
    made = {"name": "releases", "enabled": True, "account": "support", **setup}
    found = ApprovalSetup(**made, reply_address="support@example.com")
    first, *_ = approvals_of(replace(snapshot(**given), approval_setups={"releases": found}))
    assert first.state == state
    assert says in first.says
