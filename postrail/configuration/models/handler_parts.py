"""The parts of a mail handler: its patterns, values taken from messages, attachments, actions."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from postrail import patterns
from postrail.configuration.approvals.action import ApprovalAction
from postrail.configuration.configured import MailAddress, Part
from postrail.configuration.models.project import Text
from postrail.patterns import InvalidPattern


def _checked(given: Any) -> Any:
    if isinstance(given, str):
        try:
            patterns.check(given)
        except InvalidPattern as error:
            raise PydanticCustomError("pattern", "{why}", {"why": str(error)}) from error
    return given


# A pattern of RE2, searched for anywhere, whatever the case of letters.
Pattern = Annotated[str, Field(min_length=1), BeforeValidator(_checked)]

OptionalPattern = Annotated[str, BeforeValidator(_checked)]


def _as_text(given: Any) -> Any:
    plain = isinstance(given, int | float | date) and not isinstance(given, bool)
    return str(given) if plain else given


AsText = BeforeValidator(_as_text)
# A file may write 1 in the place of "1".
NameOrNumber = Annotated[str, AsText]
Value = Annotated[Text, AsText]


class FromMail(Part):
    """The value of a field that the message gives: the first group of the pattern, or all of it."""

    source: Annotated[
        str,
        Field(
            alias="from",
            pattern=r"^(subject|text|header [!-9;-~]+)$",
            description="subject, text, or header and its name, such as header X-Room",
        ),
    ]
    pattern: Pattern

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


# Of several forms of a value, the one that is meant is known by its type, so that its faults are
# told and no other's. Faults of a file do not show these tags, which begin with a bracket.
FieldValue = Annotated[
    Annotated[Value, Tag("[fixed]")] | Annotated[FromMail, Tag("[from mail]")],
    Discriminator(lambda given: "[from mail]" if isinstance(given, dict | FromMail) else "[fixed]"),
]
SetValue = Annotated[
    Annotated[Value, Tag("[one]")] | Annotated[list[Value], Tag("[list]")],
    Discriminator(lambda given: "[list]" if isinstance(given, list) else "[one]"),
]
# The type of files, or of all files of a sort.
FileType = Annotated[
    str,
    Field(
        pattern=r"^[^\s/]+/[^\s/]+$",
        description="a type of files, such as image/png, or image/* for all images",
    ),
]


class AttachmentRules(Part):
    """Which attachments an issue takes; it states what was left out."""

    keep: bool = True
    # 0: no limit.
    max_bytes: Annotated[int, Field(ge=0)] = 0
    # Such as image/* or application/pdf; without any, all types are taken.
    types: list[FileType] = Field(default_factory=list)
    refused_types: list[FileType] = Field(default_factory=list)
    refused_names: list[Pattern] = Field(default_factory=list)


class Action(Part):
    """One action of a handler; exactly one of its fields is given."""

    # Fields of the issue by name.
    set: dict[Text, SetValue] | None = None
    # The key of the project whose issue the message becomes.
    project: Text | None = None
    watchers: list[MailAddress] | None = None
    labels: list[Text] | None = None
    # The reason why the message is ignored, or held for a person.
    drop: Text | None = None
    quarantine: Text | None = None
    # Where the message is sent on, with the original attached.
    forward: MailAddress | None = None
    # The text of an answer to the sender.
    reply: Text | None = None
    # Who is told about the message.
    notify: MailAddress | None = None
    # Whom to ask for an approval.
    approval: ApprovalAction | None = None

    @model_validator(mode="after")
    def _one_field(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            names = ", ".join(type(self).model_fields)
            raise PydanticCustomError("action", "an action has one of: {names}", {"names": names})
        return self
