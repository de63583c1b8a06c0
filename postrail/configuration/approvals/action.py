"""The action of a mail handler that asks people for their approval. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from postrail.approvals.answer import says_opposite
from postrail.approvals.request import Meaning
from postrail.configuration.approvals.durations import Duration
from postrail.configuration.configured import LowerCase, Name, Part, folded
from postrail.configuration.models.project import GROUP
from postrail.message_parts import ADDRESS, ADDRESS_CHARACTERS

# Stands for the lead of the project.
LEAD = "lead"
Approver = Annotated[
    str,
    Field(
        max_length=ADDRESS_CHARACTERS,
        pattern=f"^({LEAD}|{GROUP}\\w.*|{ADDRESS})$",
        description=f"an address, {GROUP} and the name of a group, or the word {LEAD}",
    ),
    LowerCase,
]
CHOICES_MAX = 9
CHOICE_MAX_CHARACTERS = 60
SUBJECT_MAX_CHARACTERS = 250


class NamedChoice(Part):
    """One of the possible answers to a request; approvers may also give its place as a number."""

    name: Name
    # What approvers read; blank: the name.
    label: str = ""
    meaning: Literal["approve", "reject"] = "approve"


class ApprovalAction(Part):
    """Makes an approval request about the issue of the message."""

    # The name of an approval setup.
    setup: Name
    approvers: Annotated[list[Approver], Field(min_length=1)]
    # Whose answers decide; with count, the approval of `needed` of them.
    rule: Literal["any", "all", "count", "order"] = "any"
    needed: Annotated[int, Field(ge=1, le=100)] = 1
    # Blank: the summary of the issue.
    subject: str = ""
    # 0: none.
    deadline: Duration = 0
    # What the deadline means for an open request.
    at_deadline: Literal["expire", "reject", "escalate"] = "expire"
    escalate_to: list[Approver] = Field(default_factory=list)
    # 0: no reminder.
    remind_after: Duration = 0
    # Where the decision moves the issue to; blank: it stays.
    approved_status: str = ""
    rejected_status: str = ""
    # The address to which the decision is posted.
    callback_url: str = ""
    # Empty: approve and reject.
    choices: Annotated[list[NamedChoice], Field(max_length=CHOICES_MAX)] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for field, problem in _faults(self):
            why = f"{field}: {problem}"
            raise PydanticCustomError("approval", "{why}", {"why": why})
        return self

    @field_validator("callback_url")
    @classmethod
    def _is_address(cls, given: str) -> str:
        if given and not _is_url(given):
            why = "must be an address such as https://deploy.example.org/approvals"
            raise PydanticCustomError("callback_url", "{why}", {"why": why})
        return given

    @property
    def callback_host(self) -> str:
        """Returns the host of its callback address in lower case, or ""."""
        return urlsplit(self.callback_url).hostname or ""


def _faults(action: ApprovalAction) -> Iterator[tuple[str, str]]:
    """Yields the fields that contradict each other or are missing."""
    if action.needed > 1 and action.rule != "count":
        yield "needed", f"is for rule: count, and the rule is {action.rule}"
    named = [one for one in action.approvers if not one.startswith(GROUP)]
    if len(named) == len(action.approvers) < action.needed:
        yield "needed", f"is {action.needed}, and there are {len(named)} approvers"
    if action.at_deadline != "expire" and not action.deadline:
        yield "deadline", f"is missing: at_deadline is {action.at_deadline}"
    if action.at_deadline == "escalate" and not action.escalate_to:
        yield "escalate_to", "is missing: whom to ask at the deadline"
    if action.escalate_to and action.at_deadline != "escalate":
        yield "escalate_to", "is for at_deadline: escalate"
    if 0 < action.deadline <= action.remind_after:
        yield "remind_after", "must be before the deadline"
    if len(action.subject) > SUBJECT_MAX_CHARACTERS or len(action.subject.splitlines()) > 1:
        yield "subject", f"must be one line of at most {SUBJECT_MAX_CHARACTERS} characters"
    yield from (("choices", problem) for problem in _faults_of_choices(action))


def _faults_of_choices(action: ApprovalAction) -> Iterator[str]:
    choices = action.choices
    if choices and all(one.meaning != "approve" for one in choices):
        yield "none of them has the meaning approve"
    if choices and all(one.meaning != "reject" for one in choices):
        if action.rule == "count":
            yield "none of them has the meaning reject, and rule: count needs one"
        if action.at_deadline == "reject":
            yield "none of them has the meaning reject, and at_deadline: reject needs one"
    texts = [text for one in choices for text in dict.fromkeys([one.name, one.label]) if text]
    for one in choices:
        yield from _faults_of_choice(one)
    given = list(map(folded, texts))
    for text in dict.fromkeys(given):
        if given.count(text) > 1:
            yield f"{text!r} is given twice"


def _faults_of_choice(one: NamedChoice) -> Iterator[str]:
    for text in filter(None, (one.name, one.label)):
        if not any(map(str.isalpha, text)):
            yield f"{text!r} has no letter: numbers stand for the places of the choices"
        if len(text) > CHOICE_MAX_CHARACTERS:
            yield f"{text[:20]!r}… has more than {CHOICE_MAX_CHARACTERS} characters"
        if says_opposite(text, Meaning(one.meaning)):
            yield f"{text!r} has the meaning {one.meaning}: name it differently, or change that"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
