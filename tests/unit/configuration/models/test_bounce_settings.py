"""Settings of bounces: where they go to, and what is made of them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.makers.configuration import mail_account, outgoing_connection


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
