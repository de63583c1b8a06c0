"""An approval setup, as operators configure it: where requests come from, where answers arrive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from postrail.approvals.words import ChoiceWords, folded, words_of
from postrail.configuration.configured import (
    Configured,
    LowerCase,
    Name,
    Part,
    Secret,
    faulty,
)
from postrail.configuration.connections.defaults import is_this_machine
from postrail.configuration.models.outgoing_connection import OptionalName
from postrail.configuration.models.project import OptionalAddress, Text

Language = Annotated[
    str, Field(pattern="^[a-z]{2}$", description="two letters, such as en"), LowerCase
]
# One host only, in lower case: it is let past the check of addresses.
PrivateHost = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]*|[0-9A-Fa-f:]{2,})$",
        max_length=255,
        description="the name of one host, such as deploy.example.internal",
    ),
    LowerCase,
]


class AnswerWords(Part):
    """The words that mean yes and no in a language, in the place of the default ones.

    A list that is empty leaves the default words.
    """

    approve: list[Text] = Field(default_factory=list)
    reject: list[Text] = Field(default_factory=list)


class ApprovalSetup(Configured):
    """How approval requests are sent, and in which account they are answered."""

    name: Name
    description: str = ""
    enabled: bool = False
    # The mail account, of purpose approvals, in which answers arrive.
    account: OptionalName = ""
    # The outgoing connection that sends requests; blank: the default one.
    connection: OptionalName = ""
    # Where answers go; blank: to the From of the connection.
    reply_address: OptionalAddress = ""
    # The reply address is that of a group, which sends its messages on to the account, too.
    group_address: bool = False
    # Whether answers count whose senders nothing verifies: only while the account has no
    # authserv_ids. Each such decision shows it.
    unverified_senders: Literal["refuse", "decide"] = "refuse"
    # A rejection without a comment does not count.
    comment_required: bool = False
    # By language.
    words: dict[Language, AnswerWords] = Field(default_factory=dict)
    # For approvers whose own language is not known.
    language: Language = "en"
    # Signs what is posted to callback addresses; requests with such an address need it.
    callback_secret: Secret = ""
    # The hosts of callback addresses that may be private, and without TLS.
    callback_hosts: list[PrivateHost] = Field(default_factory=list)
    # The address of the console, for links to it in messages; blank: they have none.
    page_url: str = ""
    # The mailbox has no other use: what is no answer may be removed from it, too.
    dedicated_mailbox: bool = False

    @field_validator("words", mode="before")
    @classmethod
    def _without_blank(cls, given: object) -> object:
        return {} if given is None else given

    @field_validator("page_url")
    @classmethod
    def _is_safe(cls, given: str) -> str:
        if given and not _is_safe_url(given):
            why = "must begin with https://, or be on this machine (http://localhost)"
            raise PydanticCustomError("page_url", "{why}", {"why": why})
        return given.rstrip("/")

    @property
    def secret_fields(self) -> dict[str, bool]:
        """Returns the secrets that these values use, each with whether it is required."""
        return {"callback_secret": False}

    def risks(self) -> list[str]:
        """Returns warnings about settings that work but are dangerous."""
        if not self.enabled or self.unverified_senders == "refuse":
            return []
        return [
            "unverified_senders is decide: while its account has no authserv_ids, anybody who knows"
            " the token of a request, and writes an approver's address as the sender, decides it"
        ]

    @model_validator(mode="after")
    def _check(self) -> ApprovalSetup:
        if faults := list(_faults(self)):
            raise faulty(faults)
        return self


def _is_safe_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))
    )


def _faults(setup: ApprovalSetup) -> Iterator[tuple[str, str]]:
    """Yields the fields that contradict each other or are missing."""
    if setup.enabled and not setup.account:
        yield "account", "is missing: the mail account (purpose: approvals) that answers arrive in"
    if setup.group_address and not setup.reply_address:
        yield "reply_address", "is missing: the address of the group, as group_address is true"
    for words in words_of(setup.words, setup.words):
        yield from (("words", f"{words.language}: {one}") for one in _faults_of_words(words))


def _faults_of_words(words: ChoiceWords) -> Iterator[str]:
    """Yields the words that mean two things; the default ones count where the setup has none."""
    approving, rejecting = set(map(folded, words.approve)), set(map(folded, words.reject))
    for word in sorted(approving & rejecting):
        yield f"{word!r} means both approve and reject; keep one of them"
    for word in sorted(approving | rejecting):
        if not any(character.isalpha() for character in word):
            yield f"{word!r} has no letter: numbers stand for the choices of a request"
