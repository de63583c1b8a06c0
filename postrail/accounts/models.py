"""What operators configure: mail accounts, outgoing connections, projects, people. Validated here.

The same models serve `postrail apply`, the store and the services. A secret is kept as it was
given (`env:NAME`, `file:NAME`) or sealed (see `postrail.secrets`), never in plain text.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

Encryption = Literal["none", "ssl", "starttls"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
ProjectKey = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,19}$")]
MailAddress = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^[^\s@<>]+@[^\s@<>]+$")]
# Blanks at the ends of a password belong to it.
Secret = Annotated[str, StringConstraints(strip_whitespace=False)]
# Blank or 0 in a port means the protocol's own.
Port = Annotated[int, Field(ge=0, le=65535)]

IMAP_PORTS: dict[str, int] = {"none": 143, "starttls": 143, "ssl": 993}
# RFC 8314: 465 is submission with implicit TLS, 587 with STARTTLS; 25 is plain relay.
SMTP_PORTS: dict[str, int] = {"none": 25, "starttls": 587, "ssl": 465}


class Configured(BaseModel):
    """Something an operator configures, known by its name."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class MailAccount(Configured):
    """A mailbox that is watched. Its name is its identity: another name is another mailbox."""

    name: Name
    description: str = ""
    enabled: bool = True
    protocol: Literal["imap"] = "imap"
    host: Annotated[str, Field(min_length=1)]
    port: Port = 0
    encryption: Encryption = "ssl"
    username: Annotated[str, Field(min_length=1)]
    password: Secret
    folder: str = "INBOX"
    # The address that people write to.
    address: MailAddress
    project: ProjectKey
    # Comments hold what is new in a reply; False: its whole text, with quotation and signature.
    strip_quotations: bool = True
    poll_seconds: Annotated[float, Field(ge=1, le=86400)] = 60.0
    idle: bool = True
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    ca_file: str = ""
    verify_certificate: bool = True

    @field_validator("folder")
    @classmethod
    def _blank_means_inbox(cls, folder: str) -> str:
        return folder or "INBOX"

    @model_validator(mode="before")
    @classmethod
    def _default_port(cls, values: object) -> object:
        return _with_default_port(values, IMAP_PORTS)


class OutgoingConnection(Configured):
    """An SMTP server that takes our mail, and the address that we send from."""

    name: Name
    description: str = ""
    enabled: bool = True
    # The connection of projects that name none.
    is_default: bool = False
    host: Annotated[str, Field(min_length=1)]
    port: Port = 0
    encryption: Encryption = "starttls"
    # Blank: no login.
    username: str = ""
    password: Secret = ""
    from_address: MailAddress
    from_name: str = ""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    ca_file: str = ""
    verify_certificate: bool = True

    @model_validator(mode="before")
    @classmethod
    def _default_port(cls, values: object) -> object:
        return _with_default_port(values, SMTP_PORTS)


class Project(Configured):
    """A project of the built-in tracker; its key opens the keys of its issues."""

    key: ProjectKey
    name: Annotated[str, Field(min_length=1)]
    issue_types: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] = [
        "Request"
    ]
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


class Person(Configured):
    """Somebody we know: may comment on any issue by naming its key."""

    address: MailAddress
    name: str = ""
    enabled: bool = True

    @field_validator("address")
    @classmethod
    def _lower_case(cls, address: str) -> str:
        return address.lower()


def _with_default_port(values: object, ports: dict[str, int]) -> object:
    """Fills in the port that the encryption implies, where it is blank or 0."""
    if not isinstance(values, dict) or values.get("port"):
        return values
    default = "ssl" if ports is IMAP_PORTS else "starttls"
    return {**values, "port": ports.get(values.get("encryption", default), 0)}
