"""The attributes of an account of Microsoft Graph: defaults and contradictions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from postrail.configuration.models.mail_account import MailAccount


def account(**changes: Any) -> MailAccount:
    values = {
        "name": "support",
        "protocol": "microsoft_graph",
        "credential": "entra",
        "address": "support@example.org",
        "project": "HELP",
    }
    return MailAccount.model_validate(values | changes)


# Given attributes, and the account that they make.
DEFAULTS: list[tuple[dict[str, Any], str, Any]] = [
    ({}, "host", "graph.microsoft.com"),
    ({"host": "graph.microsoft.us"}, "host", "graph.microsoft.us"),
    ({}, "port", 443),
    ({"port": 0}, "port", 443),
    ({"port": 8443}, "port", 8443),
    ({}, "encryption", "ssl"),
    # A well-known name in Graph, for any language of the mailbox.
    ({}, "folder", "INBOX"),
    ({"folder": "Inbox/Support"}, "folder", "Inbox/Support"),
    # The mailbox that is read.
    ({}, "username", "support@example.org"),
    ({"username": "shared@example.org"}, "username", "shared@example.org"),
    ({}, "login_hint", "support@example.org"),
    ({"username": "shared@example.org"}, "login_hint", "shared@example.org"),
    # "me" is not a user name, so the address is suggested.
    ({"username": "me"}, "login_hint", "support@example.org"),
    ({}, "wire_protocol", "microsoft_graph"),
]


@pytest.mark.parametrize(("given", "field", "value"), DEFAULTS)
def test_defaults(given: dict[str, Any], field: str, value: object) -> None:
    assert getattr(account(**given), field) == value


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"credential": ""}, "credential: is missing: microsoft_graph needs tokens"),
    ({"encryption": "starttls"}, "encryption: must be ssl"),
    ({"after_download": "move"}, "move_to: is missing"),
    ({"move_to": "Done"}, "move_to: is used with after_download move only"),
    ({"after_download": "move", "move_to": "INBOX"}, "move_to: is the folder that is watched"),
    # Exchange compares folder names without case.
    ({"after_download": "move", "move_to": "Inbox"}, "move_to: is the folder that is watched"),
    (
        {"after_download": "move", "folder": "Inbox/Help", "move_to": "inbox/help"},
        "move_to: is the folder that is watched",
    ),
]


@pytest.mark.parametrize(("given", "words"), FAULTS)
def test_contradictions_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        account(**given)
