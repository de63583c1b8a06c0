"""An SMTP server that takes our messages, as operators configure it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from postrail.configuration.configured import Configured, MailAddress, Name, Port, Secret

Encryption = Literal["none", "ssl", "starttls"]
# RFC 8314: 465 is submission with implicit TLS, 587 with STARTTLS; 25 is plain relay.
SMTP_PORTS: dict[str, int] = {"none": 25, "starttls": 587, "ssl": 465}


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

    @property
    def secret_fields(self) -> dict[str, bool]:
        """The secrets that it has, each with whether it must be given."""
        return {"password": True} if self.username else {}

    @model_validator(mode="before")
    @classmethod
    def _default_port(cls, values: object) -> object:
        # Blank or 0 stands for the port that the encryption implies.
        if not isinstance(values, dict) or values.get("port"):
            return values
        return {**values, "port": SMTP_PORTS.get(values.get("encryption", "starttls"), 0)}
