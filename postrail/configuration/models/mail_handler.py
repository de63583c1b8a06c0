"""A mail handler, as operators configure it: which messages it takes, and what they become."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from postrail.conditions.read import InvalidCondition, read_condition
from postrail.conditions.tree import ACCOUNT, FIELDS, Condition, Operator, Sort
from postrail.configuration.configured import Configured, LowerAddress, Name, faulty
from postrail.configuration.models.domain_patterns import DomainPattern, first_match
from postrail.configuration.models.handler_parts import (
    Action,
    AttachmentRules,
    FieldValue,
    NameOrNumber,
    OptionalPattern,
    Pattern,
)
from postrail.configuration.models.jira_parameters import read_jira_parameters
from postrail.configuration.models.project import OptionalAddress, Text
from postrail.query.combined import leaves

HandlerKind = Literal[
    "create_or_comment", "create", "comment", "comment_reply_text", "comment_before_pattern"
]
# Jira's names of the same kinds, as its classes and its forms have them.
JIRA_KINDS: dict[str, HandlerKind] = {
    "createorcommenthandler": "create_or_comment",
    "create or comment handler": "create_or_comment",
    "createissuehandler": "create",
    "create issue handler": "create",
    "fullcommenthandler": "comment",
    "full comment handler": "comment",
    "nonquotedcommenthandler": "comment_reply_text",
    "non quoted comment handler": "comment_reply_text",
    "regexcommenthandler": "comment_before_pattern",
    "regex comment handler": "comment_before_pattern",
}
# Where `catch_address` is looked for, in this order.
CATCH_HEADERS = (
    "To",
    "Cc",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Forwarded-To",
    "Received",
)


def _kind(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    # Jira's files hold the name of a class with its package.
    name = given.rpartition(".")[2].replace("-", " ").lower()
    return JIRA_KINDS.get(name, given)


class MailHandler(Configured):
    """Takes the messages of some accounts for which its conditions hold."""

    name: Name
    description: str = ""
    enabled: bool = True
    # Handlers are asked in this order; those with the same number by name.
    order: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    # None: all accounts.
    accounts: list[Name] = Field(default_factory=list)
    # The condition (see postrail.conditions); blank: all messages.
    when: Any = None
    kind: Annotated[HandlerKind, BeforeValidator(_kind)] = "create_or_comment"
    # Kind comment_before_pattern: the comment ends where this matches.
    pattern: OptionalPattern = ""
    # Further actions, in their order.
    then: list[Action] = Field(default_factory=list)

    # The issues that it creates. Blank: the project of the account, and the project's defaults.
    project: str = ""
    # By name, or by number as in Jira.
    issue_type: NameOrNumber = ""
    # By name or level.
    priority: NameOrNumber = ""
    labels: list[Text] = Field(default_factory=list)
    components: list[Text] = Field(default_factory=list)
    assignee: OptionalAddress = ""
    # Custom fields: a value, or where it is in the message.
    fields: dict[Text, FieldValue] = Field(default_factory=dict)
    default_summary: str = ""
    # The first known person of To, Cc and Bcc becomes the assignee.
    cc_assignee: bool = True
    # The persons in To and Cc watch the issue.
    cc_watchers: bool = False
    attachments: AttachmentRules = AttachmentRules()
    # None: as the account says.
    strip_quotations: bool | None = None
    closed_issues: Literal["comment", "reopen", "new_issue"] = "comment"
    # Whose issue a forward by a verified agent makes: the agent's, or the original sender's.
    forwards: Literal["as_sent", "original_sender"] = "as_sent"
    # A number alone in the subject (12, #12, [12]) names an issue of the project.
    bare_numbers: bool = False

    # Senders who are no known persons.
    unknown_senders: Literal["accept", "quarantine", "ignore"] = "accept"
    create_users: bool = False
    # The person is told of being made known; only with create_users.
    notify_users: bool = True
    # The person who reports what an unknown sender writes.
    reporter: OptionalAddress = ""
    # Searched for in the addresses of unknown senders; without any, all are allowed.
    allowed_senders: list[DomainPattern] = Field(default_factory=list)
    # Addresses, and what allowed_senders must say about each; tried when the handler is saved.
    sample_addresses: dict[LowerAddress, Literal["allowed", "refused"]] = Field(
        default_factory=dict
    )
    # The fields that verified senders may set by lines of their message.
    field_commands: list[Text] = Field(default_factory=list)

    # Messages marked as bulk (Precedence: bulk, Auto-Submitted); blank: taken in, muted.
    bulk: Literal["", "ignore", "forward", "delete"] = ""
    # Only messages to this address are taken.
    catch_address: OptionalAddress = ""
    catch_headers: list[Text] = Field(default_factory=lambda: list(CATCH_HEADERS))
    ignore_subjects: list[Pattern] = Field(default_factory=list)
    # Where errors go, and with forward_unhandled the messages that no handler takes.
    forward_address: OptionalAddress = ""
    forward_unhandled: bool = False
    # Parameters as Jira 4.0 writes them: "project=ABC, issuetype=1, createusers=true".
    jira_parameters: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_jira_parameters(cls, values: object) -> object:
        if not isinstance(values, dict) or not isinstance(values.get("jira_parameters"), str):
            return values
        if not values["jira_parameters"].strip():
            return values
        found = read_jira_parameters(values["jira_parameters"])
        faults = [("jira_parameters", fault) for fault in found.faults]
        faults += [
            (field, "is set by jira_parameters too: leave one of them out")
            for field, value in found.values.items()
            if field in values and values[field] != value and field != "unknown_senders"
        ]
        if faults:
            raise faulty(faults)
        return {**found.values, **values}

    @field_validator("when")
    @classmethod
    def _readable(cls, given: Any) -> Any:
        try:
            read_condition(given)
        except InvalidCondition as error:
            raise PydanticCustomError("when", "{why}", {"why": str(error)}) from error
        return given

    @model_validator(mode="after")
    def _check(self) -> MailHandler:
        if faults := list(_faults(self)):
            raise faulty(faults)
        return self

    @cached_property
    def condition(self) -> Condition:
        """Returns the condition that a message must meet."""
        return read_condition(self.when)

    @cached_property
    def issue_queries(self) -> tuple[str, ...]:
        """Returns the queries that the condition asks about the message's issue."""
        return tuple(
            test.texts[0] for test in leaves(self.condition) if FIELDS[test.field] is Sort.QUERY
        )

    @property
    def tested_accounts(self) -> tuple[str, ...]:
        """Returns the accounts that the condition names in full, in lower case."""
        whole = (Operator.IS, Operator.IN)
        tests = leaves(self.condition)
        named = (one for one in tests if one.field == ACCOUNT and one.operator in whole)
        return tuple(text for one in named for text in one.texts)

    @property
    def routes_to(self) -> str:
        """Returns the project that it names, the last of its actions first, or ""."""
        named = [self.project, *(one.project for one in self.then if one.project)]
        return named[-1]

    def serves(self, account: str) -> bool:
        """Tells whether messages of the account are its business."""
        return not self.accounts or account in self.accounts


def _faults(handler: MailHandler) -> Iterator[tuple[str, str]]:
    """Yields the fields that contradict each other or are missing."""
    before = handler.kind == "comment_before_pattern"
    if before and not handler.pattern:
        yield "pattern", "is missing: a pattern or marker at which the comment ends"
    if handler.bulk == "forward" and not handler.forward_address:
        yield "bulk", "forward needs a forward_address"
    if handler.forward_unhandled and not handler.forward_address:
        yield "forward_unhandled", "needs a forward_address"
    if handler.create_users and handler.unknown_senders != "accept":
        yield "create_users", f"contradicts unknown_senders: {handler.unknown_senders}"
    terminal = [one for one in handler.then if one.drop or one.quarantine]
    if len(terminal) > 1:
        yield "then", "has more than one of drop and quarantine: keep one of them"
    yield from _wrong_samples(handler)


def _wrong_samples(handler: MailHandler) -> Iterator[tuple[str, str]]:
    """Yields each sample address about which allowed_senders say something else."""
    for address, expected in handler.sample_addresses.items():
        pattern = first_match(handler.allowed_senders, address)
        allowed = bool(pattern) or not handler.allowed_senders
        if allowed and expected == "refused":
            why = f"matches {pattern}" if pattern else "is allowed without allowed_senders"
            yield "sample_addresses", f"{address} {why}"
        if not allowed and expected == "allowed":
            yield "sample_addresses", f"{address} matches none of allowed_senders"
