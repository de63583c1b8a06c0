"""A project of the built-in tracker, as operators configure it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, model_validator

from postrail.configuration.configured import Configured, ProjectKey
from postrail.configuration.entry import Fault, Proposal, unknown_name
from postrail.configuration.kind import ItemTable, Kind
from postrail.configuration.models.outgoing_connection import OutgoingConnection


class Project(Configured):
    """A project of the built-in tracker; the keys of its issues begin with its key."""

    key: ProjectKey
    name: Annotated[str, Field(min_length=1)]
    issue_types: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=lambda: ["Request"], min_length=1
    )
    default_issue_type: str = ""
    # The outgoing connection for its notifications; blank: the default one.
    connection: str = ""

    @model_validator(mode="after")
    def _default_type_is_a_type(self) -> Project:
        if not self.default_issue_type:
            object.__setattr__(self, "default_issue_type", self.issue_types[0])
        if self.default_issue_type not in self.issue_types:
            raise ValueError(
                f"default_issue_type {self.default_issue_type!r} is not in issue_types"
            )
        return self


def _connection_exists(proposal: Proposal) -> Iterable[Fault]:
    connections, projects = proposal.all_of(OutgoingConnection), proposal.all_of(Project)
    for key, entry in proposal.entries_of(Project).items():
        if (name := projects[key].connection) not in {"", *connections}:
            yield entry.fault("connection", unknown_name("connection", name, connections))


def _one_connection_is_default(proposal: Proposal) -> Iterable[Fault]:
    """Refuses all but exactly one default connection, once a connection or a project is given."""
    given = list(proposal.entries_of(OutgoingConnection).values())
    needing = given or list(proposal.entries_of(Project).values())
    connections = proposal.all_of(OutgoingConnection)
    defaults = [name for name, connection in connections.items() if connection.is_default]
    if not needing or len(defaults) == 1:
        return
    if defaults:
        last = [entry for entry in given if entry.identity in defaults][-1:] or needing
        others = ", ".join(repr(name) for name in defaults if name != last[0].identity)
        problem = f"is true for {others} too; set is_default: false there"
        yield last[0].fault("is_default", problem)
    elif connections:
        yield needing[0].fault("is_default", "no connection is the default; set it to true on one")
    else:
        problem = "there is no outgoing connection: add one under connections"
        yield needing[0].fault("connection", problem)


PROJECT = Kind(
    model=Project,
    word="project",
    identity="key",
    section="projects",
    title="The projects of the built-in tracker.",
    table="project",
    columns={"key": "project_key"},
    nullable=frozenset({"connection"}),
    items={
        "issue_types": ItemTable(
            table="issue_type", owner="project_key", item="name", first="default_issue_type"
        )
    },
    checks=(_connection_exists, _one_connection_is_default),
)
