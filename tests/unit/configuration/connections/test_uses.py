"""What uses a connection, in words."""

from __future__ import annotations

import pytest

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.connections.uses import User, remedy_for, uses_of
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.models.project import Project
from tests.makers.configuration import mail_account, outgoing_connection

DEFAULT = "everything that names no connection, as the default one"
ONE = outgoing_connection(name="one")
TWO = outgoing_connection(name="two", is_default=False, fallback="one")
THREE = outgoing_connection(name="three", is_default=False)
OTHERS: list[User] = [
    MessageContext(name="vip", connection="three"),
    ApprovalSetup(name="releases", connection="three"),
    mail_account("answers", login_of="three", username="", password=""),
    mail_account("support"),
]
ALL = {one.name: one for one in (ONE, TWO, THREE)}
PROJECTS = {
    "A": Project(key="AA", name="a"),
    "B": Project(key="BB", name="b", connection="three"),
}


@pytest.mark.parametrize(
    ("name", "uses"),
    [
        ("one", ["connection two, whose fallback it is", DEFAULT]),
        ("two", []),
        (
            "three",
            [
                "project B",
                "context vip",
                "approval setup releases",
                "account answers, which logs in as it does",
            ],
        ),
    ],
)
def test_uses(name: str, uses: list[str]) -> None:
    assert uses_of(name, ALL, PROJECTS, OTHERS) == uses


def test_the_last_connection_is_used_while_there_are_projects() -> None:
    assert uses_of("one", {"one": ONE}, PROJECTS, []) == [DEFAULT]
    assert uses_of("one", {"one": ONE}, {}, []) == []


def test_the_remedy_names_another_default() -> None:
    assert "postrail connections default three" in remedy_for("one", ALL)
    assert remedy_for("three", ALL) == "Change what names it with postrail apply"
