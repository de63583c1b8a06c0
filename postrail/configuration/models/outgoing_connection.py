"""An SMTP server that sends our messages, as operators configure it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from postrail.configuration.configured import (
    Configured,
    MailAddress,
    Name,
    Port,
    Secret,
    unverified_certificate,
)
from postrail.configuration.entry import Entry, Proposal
from postrail.configuration.kind import Kind

# RFC 8314: 465 is submission with implicit TLS, 587 with STARTTLS; 25 is plain relay.
SMTP_PORTS: dict[str, int] = {"none": 25, "starttls": 587, "ssl": 465}


class OutgoingConnection(Configured):
    """An SMTP server that sends our messages, and the address that we send from."""

    name: Name
    description: str = ""
    enabled: bool = True
    # Projects that name no connection use the default one.
    is_default: bool = False
    host: Annotated[str, Field(min_length=1)]
    port: Port = 0
    encryption: Literal["none", "ssl", "starttls"] = "starttls"
    # Blank: no login.
    username: str = ""
    password: Secret = ""
    from_address: MailAddress
    from_name: str = ""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    ca_file: str = ""
    verify_certificate: bool = True

    @property
    def secret_fields(self) -> dict[str, bool]:
        """Returns the secrets that these values use, each with whether it is required."""
        return {"password": True} if self.username else {}

    def risks(self) -> list[str]:
        """Returns warnings about settings that work but are dangerous."""
        return [] if self.verify_certificate else [unverified_certificate(self.host)]

    @model_validator(mode="before")
    @classmethod
    def _default_port(cls, values: object) -> object:
        # Blank or 0 stands for the port that the encryption implies.
        if not isinstance(values, dict) or values.get("port"):
            return values
        return {**values, "port": SMTP_PORTS.get(values.get("encryption", "starttls"), 0)}


def _only_one_is_default(proposal: Proposal) -> Sequence[Entry]:
    """Makes the only enabled connection the default, unless the file says otherwise."""
    connections = proposal.all_of(OutgoingConnection).values()
    if sum(connection.enabled or connection.is_default for connection in connections) != 1:
        return proposal.entries
    return [
        replace(entry, thing=entry.thing.model_copy(update={"is_default": True}))
        if isinstance(entry.thing, OutgoingConnection)
        and entry.thing.enabled
        and "is_default" not in entry.given
        else entry
        for entry in proposal.entries
    ]


OUTGOING_CONNECTION = Kind(
    model=OutgoingConnection,
    word="connection",
    section="connections",
    title="The SMTP servers that send our messages.",
    table="outgoing_connection",
    secrets=("password",),
    guarded=("host", "port", "encryption", "username", "ca_file", "verify_certificate"),
    unused="is not used without a username: give one, or leave the password out",
    fill_in=_only_one_is_default,
)
