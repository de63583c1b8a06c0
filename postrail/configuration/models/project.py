"""A project of the built-in tracker, as operators configure it: the model, without its rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from postrail.configuration.configured import Configured, LowerCase, Part, ProjectKey
from postrail.configuration.contexts.recipients import Recipients
from postrail.message_parts import ADDRESS, ADDRESS_CHARACTERS
from postrail.query.vocabulary import Category

# The numbers of Jira's own issue types, by which its mail handlers name them (issuetype=1).
JIRA_TYPES = {"Bug": 1, "New Feature": 2, "Task": 3, "Improvement": 4, "Sub-task": 5}

# How long a name may be is checked by `apply`: earlier releases took longer names of types.
Text = Annotated[str, Field(min_length=1)]
FieldKind = Literal["text", "number", "date", "choice", "choices", "person"]


# A member of a role is the address of a person, or this and the name of a group.
GROUP = "group:"
Member = Annotated[
    str,
    Field(
        max_length=ADDRESS_CHARACTERS,
        pattern=f"^({GROUP}\\w.*|{ADDRESS})$",
        description=f"the address of a person, or {GROUP} and a name",
    ),
    LowerCase,
]
Members = Annotated[
    list[Member], Field(description=f"a list of addresses of persons, or {GROUP} and a name")
]
ApprovalRule = Annotated[
    str,
    Field(
        pattern="^(any|all|order|[1-9][0-9]?)$",
        description="any, all, order, or how many must approve, such as 2",
    ),
    BeforeValidator(lambda given: str(given) if type(given) is int else given),
]


class IssueType(Part):
    """A type of issues; its number is for those who come from Jira."""

    name: Text
    number: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _known_number(cls, given: Any) -> Any:
        values = {"name": given} if isinstance(given, str) else given
        if isinstance(values, dict) and values.get("number") is None:
            return values | {"number": JIRA_TYPES.get(values.get("name", ""))}
        return values


class Status(Part):
    """A status, the category that it counts to, and the statuses that may follow it."""

    name: Text
    category: Category
    # Only a lead or administrator may move an issue to it.
    needs_approval: bool = False
    # With a setup, the transitions of others make an approval request: to these persons and groups,
    # or to the leads and administrators; a number is that of the approvals that are needed.
    approvers: Members = Field(default_factory=list)
    approval_rule: ApprovalRule = "any"
    approval_setup: str = ""
    # None: any status may follow.
    next_statuses: list[Text] | None = None


class CustomField(Part):
    """A field of the project's own; `choices` belongs to the kinds choice and choices."""

    name: Text
    kind: FieldKind
    choices: list[Text] = Field(default_factory=list)


DEFAULT_TYPES = ["Request", *JIRA_TYPES]
DEFAULT_STATUSES = (
    Status(name="Open", category="to do"),
    Status(name="In Progress", category="in progress"),
    Status(name="Done", category="done"),
)
# The lists of members, and the role that each gives.
ROLE_FIELDS = {
    "administrators": "administrator",
    "leads": "lead",
    "agents": "agent",
    "outsiders": "outsider",
}
OptionalAddress = Annotated[
    str,
    Field(
        max_length=ADDRESS_CHARACTERS,
        pattern=f"^({ADDRESS})?$",
        description="an address of mail, or blank",
    ),
    LowerCase,
]
Assignee = Annotated[
    str,
    LowerCase,
    Field(
        pattern=f"^(lead|{ADDRESS})?$", description="an address of mail, the word lead, or blank"
    ),
]


class Project(Configured):
    """A project of the built-in tracker; the keys of its issues begin with its key."""

    key: ProjectKey
    name: Annotated[str, Field(min_length=1)]
    description: str = ""
    # The language of its texts, as a code of ISO 639-1.
    language: Annotated[str, Field(pattern="^[a-z]{2}$", description="two letters, such as en")] = (
        "en"
    )
    # The outgoing connection for its notifications; blank: the default one.
    connection: str = ""
    # The address whose messages in a shared mailbox belong to the project.
    address: OptionalAddress = ""

    # Who is told, by event; others as by default.
    recipients: Recipients = Field(default_factory=dict)
    # How the people who work on it are told, unless they say so themselves: at once or once a day.
    messages: Literal["at_once", "digest"] = "at_once"
    # How long events of an issue are bundled; None: POSTRAIL_NOTIFICATIONS__BUNDLE_SECONDS.
    bundle_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    # Notifications of comments quote the last comments before.
    quote_history: bool = False

    issue_types: list[IssueType] = Field(
        default_factory=lambda: [IssueType(name=name) for name in DEFAULT_TYPES], min_length=1
    )
    default_issue_type: str = ""
    # New issues have the first one.
    statuses: list[Status] = Field(default_factory=lambda: list(DEFAULT_STATUSES), min_length=1)
    components: list[Text] = Field(default_factory=list)
    fields: list[CustomField] = Field(default_factory=list)

    # The addresses of persons; `default_assignee` may also be the word lead.
    lead: OptionalAddress = ""
    default_assignee: Assignee = ""
    # Who has which role; `known_people` is the role of the persons whom no list names, unless a
    # message made them: those are outsiders.
    administrators: Members = Field(default_factory=list)
    leads: Members = Field(default_factory=list)
    agents: Members = Field(default_factory=list)
    outsiders: Members = Field(default_factory=list)
    known_people: Literal["agent", "outsider"] = "agent"

    @model_validator(mode="after")
    def _default_type_is_a_type(self) -> Project:
        names = [one.name for one in self.issue_types]
        if not self.default_issue_type:
            object.__setattr__(self, "default_issue_type", names[0])
        if self.default_issue_type not in names:
            raise ValueError(
                f"default_issue_type {self.default_issue_type!r} is not in issue_types"
            )
        return self

    @property
    def first_status(self) -> str:
        """Returns the status of new issues."""
        return self.statuses[0].name

    @property
    def own_assignee(self) -> str | None:
        """Returns the address of the person whom new issues are assigned to."""
        return (self.lead if self.default_assignee == "lead" else self.default_assignee) or None
