"""The role of a person in a project, by its lists, the person's groups, and where they are from."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.models.project import Project
from postrail.people import PersonRow
from postrail.workflow.roles import Role, role_of

JANE = "jane@example.org"
DOE = "doe@example.com"


def project(**lists: Any) -> Project:
    return Project(key="HELP", name="Help desk", **lists)


def person(**fields: Any) -> PersonRow:
    return PersonRow(
        **{"address": JANE, "addresses": (DOE, JANE), "groups": ("support",), **fields}
    )


@pytest.mark.parametrize(
    ("lists", "fields", "role"),
    [
        # Nobody names the person.
        ({}, {}, Role.AGENT),
        ({"known_people": "outsider"}, {}, Role.OUTSIDER),
        ({}, {"origin": "hand"}, Role.AGENT),
        # A person whom a message made is a customer, until a list says otherwise.
        ({}, {"origin": "mail"}, Role.OUTSIDER),
        ({"agents": [JANE]}, {"origin": "mail"}, Role.AGENT),
        # By address: any of them, in any case.
        ({"administrators": [JANE]}, {}, Role.ADMINISTRATOR),
        ({"administrators": ["DOE@example.com"]}, {}, Role.ADMINISTRATOR),
        ({"lead": DOE}, {}, Role.LEAD),
        ({"leads": [DOE]}, {}, Role.LEAD),
        ({"agents": [JANE], "known_people": "outsider"}, {}, Role.AGENT),
        ({"outsiders": [DOE]}, {}, Role.OUTSIDER),
        ({"leads": ["other@example.org"]}, {}, Role.AGENT),
        # By group.
        ({"leads": ["group:Support"]}, {}, Role.LEAD),
        ({"leads": ["group:Support"]}, {"groups": ("SUPPORT",)}, Role.LEAD),
        ({"leads": ["group:desk"]}, {}, Role.AGENT),
        ({"outsiders": ["group:support"]}, {}, Role.OUTSIDER),
        # A group is no address, and an address no group.
        ({"leads": ["group:jane@example.org"]}, {}, Role.AGENT),
        # The highest role counts.
        ({"outsiders": [JANE], "agents": ["group:support"]}, {}, Role.AGENT),
        ({"lead": JANE, "agents": [JANE]}, {}, Role.LEAD),
        ({"lead": JANE, "administrators": ["group:support"]}, {}, Role.ADMINISTRATOR),
        # An inactive person counts as unknown, whatever the lists say.
        ({"administrators": [JANE], "lead": JANE}, {"active": False}, Role.OUTSIDER),
    ],
)
def test_role(lists: dict[str, Any], fields: dict[str, Any], role: Role) -> None:
    assert role_of(project(**lists), person(**fields)) is role


def test_someone_who_is_not_known_is_an_outsider() -> None:
    assert role_of(project(known_people="agent"), None) is Role.OUTSIDER


def test_the_roles_are_ordered_by_their_rights() -> None:
    assert [role.rank for role in Role] == [0, 1, 2, 3]
    assert Role("outsider").rank < Role("agent").rank < Role("lead").rank
