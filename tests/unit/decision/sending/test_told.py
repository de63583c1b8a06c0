"""A person whom a message has made is told, unless the author must not be answered."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.decision.decision import CreatePerson
from postrail.decision.facts import Facts
from postrail.message_parts import HeaderField
from postrail.records import MailParsed
from tests.makers.records import mail_parsed
from tests.unit.decision.mail_handlers.test_handlers import decided

NULL_SENDER = [HeaderField(name="Return-Path", value="<>")]


@pytest.mark.parametrize(
    ("handler", "mail", "told"),
    [
        ({}, mail_parsed(), True),
        ({"notify_users": False}, mail_parsed(), False),
        ({}, mail_parsed(kind="auto_generated"), False),
        ({}, mail_parsed(headers=NULL_SENDER), False),
    ],
)
def test_who_is_told(handler: dict[str, Any], mail: MailParsed, told: bool) -> None:
    person, _ = decided({"create_users": True} | handler, mail=mail, facts=Facts()).effects
    assert person == CreatePerson(notify=told)
