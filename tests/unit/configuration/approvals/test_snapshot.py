"""Approval setups in the snapshot: which account, connection and address they have."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.snapshot import ConfigurationSnapshot, snapshot_of
from tests.unit.configuration.approvals.file import applied, file_of

SPARE = {"name": "spare", "host": "smtp.example.net", "from_address": "Spare@example.net"}


def snapshot(setup: dict[str, Any], **others: Any) -> ConfigurationSnapshot:
    connection = {"is_default": True}
    return snapshot_of(0, applied(file_of(setup=setup, connection=connection, **others)))


def test_the_setup_of_an_account() -> None:
    found = snapshot({})
    setup = found.approval_setups["releases"]
    assert found.approval_setup_of("answers") == setup
    assert found.approval_setup_of("support") is None
    assert found.is_for_approvals("answers")
    assert not found.is_for_approvals("support")


def test_a_disabled_setup_takes_no_answers_and_its_account_makes_no_issues() -> None:
    found = snapshot({"enabled": False})
    assert found.approval_setup_of("answers") is None
    assert "releases" in found.approval_setups
    assert found.is_for_approvals("answers")


@pytest.mark.parametrize(
    ("setup", "connection", "address"),
    [
        ({}, "out", "answers@example.org"),
        ({"connection": "spare"}, "spare", "answers@example.org"),
        ({"reply_address": None, "enabled": False}, "out", "desk@example.org"),
        (
            {"reply_address": None, "enabled": False, "connection": "spare"},
            "spare",
            "spare@example.net",
        ),
    ],
)
def test_connection_and_reply_address(setup: dict[str, Any], connection: str, address: str) -> None:
    found = snapshot(setup, connections=[SPARE])
    one = found.approval_setups["releases"]
    sending = found.connection_of_setup(one)
    assert sending is not None
    assert sending.name == connection
    assert found.reply_address_of(one) == address


def test_the_default_connection_stands_in_for_a_disabled_one() -> None:
    found = snapshot(
        {"connection": "spare", "enabled": False}, connections=[SPARE | {"enabled": False}]
    )
    sending = found.connection_of_setup(found.approval_setups["releases"])
    assert sending is not None
    assert sending.name == "out"
