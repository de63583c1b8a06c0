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
    faulty,
    unverified_certificate,
)
from postrail.configuration.entry import Entry, Proposal
from postrail.configuration.kind import Kind
from postrail.configuration.models.project import OptionalAddress

# RFC 5321, 4.5.3.1.1: 64 characters before the @, without the extension of 40.
BOUNCE_LOCAL_CHARACTERS = 24
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
    # Where bounces go to, with an extension that names the message: bounces+TOKEN@desk.example. Its
    # server must deliver these to a watched mailbox. Blank: to from_address, without extension.
    bounce_address: OptionalAddress = ""
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

    @model_validator(mode="after")
    def _check_bounce_address(self) -> OutgoingConnection:
        local = self.bounce_address.rpartition("@")[0]
        if len(local) > BOUNCE_LOCAL_CHARACTERS:
            problem = (
                f"has {len(local)} characters before the @, and room for {BOUNCE_LOCAL_CHARACTERS}"
                " beside the extension: choose a shorter address, such as bounces@desk.example"
            )
            raise faulty([("bounce_address", problem)])
        return self

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
