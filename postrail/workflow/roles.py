"""The roles of a project, and who has which. Pure."""

from __future__ import annotations

from enum import StrEnum

from postrail.configuration.models.project import GROUP, Project
from postrail.people import PersonRow


class Role(StrEnum):
    """A role in a project; each has the rights of those before it, too."""

    OUTSIDER = "outsider"
    AGENT = "agent"
    LEAD = "lead"
    ADMINISTRATOR = "administrator"

    @property
    def rank(self) -> int:
        """Returns the place in the order of rights, from 0."""
        return list(Role).index(self)


def role_of(project: Project, person: PersonRow | None) -> Role:
    """Returns the highest role that the project gives a person; outsider for None.

    An inactive person is an outsider. Without a place in a list, a person whom a message made is an
    outsider, and any other has the role of the project's `known_people`.
    """
    if person is None or not person.active:
        return Role.OUTSIDER
    own = {*person.addresses, person.address, *(GROUP + name.lower() for name in person.groups)}
    if own & set(project.administrators):
        return Role.ADMINISTRATOR
    if own & {*project.leads, project.lead}:
        return Role.LEAD
    if own & set(project.agents):
        return Role.AGENT
    if own & set(project.outsiders) or person.origin == "mail":
        return Role.OUTSIDER
    return Role(project.known_people)
