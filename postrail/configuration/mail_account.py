"""A mailbox that is watched, as operators configure it."""

from __future__ import annotations

import ipaddress
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from postrail.configuration.configured import (
    Configured,
    MailAddress,
    Name,
    Port,
    ProjectKey,
    Secret,
    faulty,
)
from postrail.configuration.javamail.names import LONGEST_TIMEOUT_MS as DEFAULT_TIMEOUT_MS
from postrail.configuration.javamail.names import SPOKEN
from postrail.configuration.javamail.properties import read_properties
from postrail.configuration.mail_account_checks import account_faults

# For each protocol its own port, and the one with TLS from the start.
MAIL_PORTS: dict[str, tuple[int, int]] = {
    "imap": (143, 993),
    "pop3": (110, 995),
    "google_oauth2": (143, 993),
    "microsoft_oauth2": (143, 993),
    "folder": (0, 0),
    "microsoft_graph": (443, 443),
}
# Protocols that take tokens instead of a password, each with its provider of tokens.
TOKEN_PROVIDERS = {
    "google_oauth2": "google",
    "microsoft_oauth2": "microsoft",
    "microsoft_graph": "microsoft",
}
DEFAULT_HOSTS = {
    "google_oauth2": "imap.gmail.com",
    "microsoft_oauth2": "outlook.office365.com",
    "microsoft_graph": "graph.microsoft.com",
}


class MailAccount(Configured):
    """A mailbox that is watched. Its name is its identity: another name is another mailbox."""

    name: Name
    description: str = ""
    enabled: bool = True
    protocol: Literal[
        "imap", "pop3", "google_oauth2", "microsoft_oauth2", "microsoft_graph", "folder"
    ] = "imap"
    # Of the protocol folder: a maildir, a folder of .eml files, or an mbox file on this machine.
    path: str = ""
    host: str = ""
    port: Port = 0
    # starttls_if_available goes on without encryption where the server does not offer it.
    encryption: Literal["none", "ssl", "starttls", "starttls_if_available"] = "ssl"
    # May the password go over an unencrypted line to another machine?
    allow_plain_login: bool = False
    min_tls_version: Literal["1.2", "1.3"] = "1.2"
    ca_file: str = ""
    verify_certificate: bool = True
    # With a credential blank means the address. For a shared mailbox it is that mailbox's. "me" in
    # Microsoft Graph: the mailbox of whoever authorized the account.
    username: str = ""
    password: Secret = ""
    # The OAuth2 credential whose tokens stand for the password.
    credential: Annotated[str, Field(max_length=100)] = ""
    folder: str = ""
    # The address that people write to.
    address: MailAddress
    project: ProjectKey
    # Comments hold what is new in a reply; False: its whole text, with quotation and signature.
    strip_quotations: bool = True
    # What becomes of a mail in the mailbox once it is safe here.
    after_download: Literal["seen", "remove", "move", "leave"] = "seen"
    move_to: str = ""
    poll_seconds: Annotated[float, Field(ge=1, le=86400)] = 60.0
    idle: bool = True
    # 0: no limit. With one there is no IDLE: only the poll timer says when to look.
    max_mails_per_poll: Annotated[int, Field(ge=0)] = 0
    # 0: no limit. Of a larger mail only the header is fetched.
    max_message_bytes: Annotated[int, Field(ge=0)] = 0
    # Mail that the server took in before that day is left alone.
    only_after: date | None = None
    # For each operation on the socket.
    timeout_ms: Annotated[
        int, BeforeValidator(lambda given: given or DEFAULT_TIMEOUT_MS), Field(ge=1, le=30_000)
    ] = DEFAULT_TIMEOUT_MS
    # The dialogue with the server goes to the log, without passwords, tokens and bodies.
    debug: bool = False
    # A text of JavaMail's properties that says some of the above; see accounts/properties.py.
    properties: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_properties(cls, values: object) -> object:
        if not isinstance(values, dict) or not isinstance(values.get("properties"), str):
            return values
        found = read_properties(values["properties"], values)
        if found.faults:
            raise faulty([("properties", fault) for fault in found.faults])
        return values | found.values

    @property
    def wire_protocol(self) -> str:
        """What is spoken with the server: imap."""
        return SPOKEN.get(self.protocol, self.protocol)

    @property
    def wants_tokens(self) -> bool:
        """Whether its protocol takes no passwords."""
        return self.protocol in TOKEN_PROVIDERS

    @property
    def is_on_this_machine(self) -> bool:
        """Whether nothing goes over a network on the way to the server."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def login_hint(self) -> str:
        """Who is likely to sign in for it."""
        return self.address if self.username.lower() == "me" else self.username

    @property
    def secret_fields(self) -> dict[str, bool]:
        """The secrets that it has, each with whether it must be given."""
        return {} if self.credential or self.protocol == "folder" else {"password": True}

    @model_validator(mode="after")
    def _fill_in_and_check(self) -> MailAccount:
        object.__setattr__(self, "host", self.host or DEFAULT_HOSTS.get(self.protocol, ""))
        if self.credential:
            object.__setattr__(self, "username", self.username or self.address)
        plain, encrypted = MAIL_PORTS[self.protocol]
        default_port = encrypted if self.encryption == "ssl" else plain
        object.__setattr__(self, "port", self.port or default_port)
        object.__setattr__(self, "folder", self.folder or "INBOX")
        if faults := list(account_faults(self)):
            raise faulty(faults)
        return self


def plain_login_allowed(account: MailAccount) -> bool:
    """Whether the password may go over an unencrypted line: within this machine it always may."""
    return account.allow_plain_login or account.is_on_this_machine
