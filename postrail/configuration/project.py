"""A project of the built-in tracker, as operators configure it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from postrail.configuration.configured import Configured, ProjectKey


class Project(Configured):
    """A project of the built-in tracker; its key opens the keys of its issues."""

    key: ProjectKey
    name: Annotated[str, Field(min_length=1)]
    issue_types: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=lambda: ["Request"], min_length=1
    )
    default_issue_type: str = ""
    # The outgoing connection of its notifications; blank: the default one.
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
