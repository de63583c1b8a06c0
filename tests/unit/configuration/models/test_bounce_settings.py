"""Settings of bounces: where they go to, and what is made of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from tests.makers.configuration import mail_account, outgoing_connection, snapshot
from tests.unit.configuration.models.test_handler_checks import faults_of


def test_an_address_for_bounces_needs_room_for_its_extension() -> None:
    assert outgoing_connection().bounce_address == ""
    kept = outgoing_connection(bounce_address="Bounces@Desk.example")
    assert kept.bounce_address == "bounces@desk.example"
    with pytest.raises(ValidationError, match=r"has 25 characters.*shorter address"):
        outgoing_connection(bounce_address="b" * 25 + "@desk.example")
    with pytest.raises(ValidationError, match="bounce_address"):
        outgoing_connection(bounce_address="no address")


def test_a_bounce_is_noted_or_a_comment() -> None:
    assert mail_account().bounces == "note"
    assert mail_account(bounces="comment").bounces == "comment"
    with pytest.raises(ValidationError, match="bounces"):
        mail_account(bounces="issue")


def test_bounces_are_not_sent_on_to_a_watched_mailbox() -> None:
    text = (
        "accounts:\n  - name: support\n    forward_bounces: {}\n    host: imap.example.com\n"
        "    address: support@example.com\n    project: HELP\n    username: x\n"
        "    password: env:POSTRAIL_SECRET_X\n"
    )
    assert faults_of(text.format("Postmaster@desk.example")) == []
    (fault,) = [one for one in faults_of(text.format("sales@example.com")) if "sales@" in one]
    assert "f:3" in fault
    assert "is the address of account 'sales', so the message would come back" in fault


def test_an_address_for_bounces_is_our_own() -> None:
    connection = outgoing_connection(bounce_address="bounces@example.com")
    known = replace(snapshot(), connections={"out": connection})
    assert "bounces@example.com" in known.own_addresses
    assert known.is_own("bounces+x@example.com")
