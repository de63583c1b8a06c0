"""The base class and the field types that all configured things share."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from postrail.message_parts import ADDRESS, ADDRESS_CHARACTERS

# A description says in words what the pattern says to programs; faults of a file quote it.
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="letters, digits, '.', '_' and '-', without spaces",
    ),
]
ProjectKey = Annotated[
    str,
    Field(
        pattern=r"^[A-Z][A-Z0-9_]{1,19}$",
        description="2 to 20 of A-Z, 0-9 and _, beginning with a letter, such as HELP",
    ),
]
MailAddress = Annotated[
    str,
    Field(
        max_length=ADDRESS_CHARACTERS,
        pattern=f"^{ADDRESS}$",
        description="an address such as help@example.org",
    ),
]
LowerCase = BeforeValidator(lambda given: given.lower() if isinstance(given, str) else given)
# Addresses that are compared with those of persons, which are in lower case.
LowerAddress = Annotated[MailAddress, LowerCase]
# Blanks at the ends of a password belong to it.
Secret = Annotated[str, StringConstraints(strip_whitespace=False)]
# Blank or 0 stands for the protocol's default port.
Port = Annotated[int, BeforeValidator(lambda given: given or 0), Field(ge=0, le=65535)]


def folded(name: str) -> str:
    """Returns a name as names are compared: upper and lower case, and blanks, do not matter."""
    return " ".join(name.split()).casefold()


class Configured(BaseModel):
    """A thing that an operator configures, identified by its name, key or address."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @property
    def secret_fields(self) -> dict[str, bool]:
        """Returns the secrets that these values use, each with whether it is required."""
        return {}

    def risks(self) -> list[str]:
        """Returns warnings about settings that work but are dangerous."""
        return []


class TokenOwner(Protocol):
    """A mail account or an outgoing connection, which may log in with tokens of its own."""

    @property
    def title(self) -> str:
        """Returns what is configured, as errors name it: mail account help."""

    @property
    def name(self) -> str:
        """Returns its name."""

    @property
    def command_group(self) -> str:
        """Returns the group of commands for it, such as accounts."""

    @property
    def credential(self) -> str:
        """Returns the name of its OAuth2 credential; blank: it has none."""

    @property
    def token_use(self) -> str:
        """Returns what its tokens are for, such as imap or smtp."""

    @property
    def host(self) -> str:
        """Returns the server that receives its tokens."""

    @property
    def port(self) -> int:
        """Returns the port of that server."""

    @property
    def username(self) -> str:
        """Returns the user that the server knows."""

    @property
    def mailbox_user(self) -> str:
        """Returns the user whose mailbox the tokens open: a shared one's, or `username`."""

    @property
    def login_hint(self) -> str:
        """Returns the user name that a provider suggests for signing in."""


class Part(BaseModel):
    """A part of a configured thing, such as an item of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, given: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for name in given if isinstance(given, dict) else ():
            if name not in known and name not in cls.model_fields:
                why = f"{name}: {unknown_field(str(name), known)}"
                raise PydanticCustomError("unknown_field", "{why}", {"why": why})
        return given


def unknown_field(name: str, known: Sequence[str]) -> str:
    """Returns the problem of a field that does not exist, with the one that was meant, or all."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"is not known; did you mean {close[0]!r}?"
    return f"is not known; known are: {', '.join(known)}"


def faulty(faults: list[tuple[str, str]]) -> PydanticCustomError:
    """Returns the error for a model whose fields contradict each other: (field, problem)."""
    words = "; ".join(f"{field}: {problem}" for field, problem in faults)
    return PydanticCustomError("fields", "{words}", {"words": words, "faults": faults})


def unverified_certificate(host: str) -> str:
    """Returns the warning for a connection whose certificate is not verified."""
    return (
        "verify_certificate is false: an attacker on the way can pose as"
        f" {host} and read the password and the messages"
    )
