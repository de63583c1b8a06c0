"""Mail handlers send messages to others only, and need a way to send them."""

from __future__ import annotations

import pytest

from postrail.configuration.models.project import Project
from tests.makers.configuration import mail_account, outgoing_connection
from tests.unit.configuration.models.test_handler_checks import EXISTING, HELP, faults_of

RETURNS = outgoing_connection(bounce_address="returns@example.com")
SHARED = Project(key="WEB", name="Web", address="web@example.com")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        # a mailbox of ours, this one or another, a plus-address of it, and what we send as
        ("forward_address: support@example.com", "forward_address"),
        ("forward_address: Sales@Example.com", "forward_address"),
        ("forward_address: sales+boss@example.com", "forward_address"),
        ("forward_address: desk@example.com", "forward_address"),
        # a project's own address
        ("forward_address: web@example.com", "forward_address"),
        # where bounces go, with and without the extension that each message has
        ("forward_address: returns@example.com", "forward_address"),
        ("forward_address: returns+token@example.com", "forward_address"),
        ("then: [{forward: support@example.com}]", "then"),
        ("then: [{notify: Support@example.com}]", "then"),
    ],
)
def test_nothing_is_sent_to_an_address_of_ours(settings: str, field: str) -> None:
    (fault,) = faults_of(f"{HELP}    {settings}\n", SHARED, RETURNS)
    assert f"handler 'h', {field}: " in fault
    assert "is an address of ours, so the message would come back: name another one" in fault
    assert fault.startswith("f:4:")


def test_an_account_of_the_same_file_counts() -> None:
    account = mail_account("late", "HELP")
    text = (
        "accounts:\n  - name: late\n    protocol: imap\n    host: h\n    username: u\n"
        f"    password: env:POSTRAIL_SECRET_X\n    address: {account.address}\n    project: HELP\n"
    )
    (fault,) = faults_of(f"{text}{HELP}    forward_address: late@example.com\n")
    assert "late@example.com is an address of ours" in fault


@pytest.mark.parametrize(
    "settings",
    ["forward_address: boss@example.net", "then: [{forward: b@c.de}]", "then: [{notify: b@c.de}]"],
)
def test_sending_needs_an_outgoing_connection(
    settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{HELP}    {settings}\n"
    assert faults_of(text) == []
    monkeypatch.setattr(
        "tests.unit.configuration.models.test_handler_checks.EXISTING", EXISTING[1:]
    )
    (fault,) = faults_of(text)
    assert fault.endswith("needs an outgoing connection: add one under connections")
