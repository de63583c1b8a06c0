"""A mailbox that is watched, as operators configure it."""

from __future__ import annotations

import ipaddress
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from postrail.configuration.accounts.purpose import Purpose, with_defaults_of_purpose
from postrail.configuration.configured import (
    Configured,
    LowerAddress,
    LowerCase,
    MailAddress,
    Name,
    Port,
    ProjectKey,
    Secret,
    faulty,
    unverified_certificate,
)
from postrail.configuration.javamail.meanings import LONGEST_TIMEOUT_MS as DEFAULT_TIMEOUT_MS
from postrail.configuration.javamail.names import WIRE_PROTOCOLS
from postrail.configuration.javamail.properties import read_properties
from postrail.configuration.models.mail_account_checks import account_faults
from postrail.configuration.models.project import OptionalAddress

# The ports of each protocol: the plain one, and the one with TLS from the start.
MAIL_PORTS: dict[str, tuple[int, int]] = {
    "imap": (143, 993),
    "pop3": (110, 995),
    "google_oauth2": (143, 993),
    "microsoft_oauth2": (143, 993),
    "folder": (0, 0),
    "microsoft_graph": (443, 443),
}
# Protocols that log in with tokens instead of a password, each with the provider of its tokens.
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


# With these the connection may be unencrypted.
PLAIN = ("none", "starttls_if_available")


# All below a top-level domain, such as .com, are anybody's; .internal and .local are private.
HostName = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]*|(\.[A-Za-z0-9_-]+){2,}|\.(internal|local))$",
        max_length=255,
        description="a host name, or a domain such as .example.org for all hosts below it",
    ),
    LowerCase,
]


class MailAccount(Configured):
    """A mailbox that is watched. Its name is its identity: with a new name it is a new mailbox."""

    name: Name
    description: str = ""
    enabled: bool = True
    # What its messages are: issues and comments, or answers to approval requests, which decide
    # these and nothing else. The defaults of approvals are in accounts/purpose.py.
    purpose: Purpose = "issues"
    protocol: Literal[
        "imap", "pop3", "google_oauth2", "microsoft_oauth2", "microsoft_graph", "folder"
    ] = "imap"
    # Protocol folder only: a maildir, a folder of .eml files, or an mbox file on this machine.
    path: str = ""
    host: str = ""
    port: Port = 0
    # starttls_if_available goes on without encryption where the server does not offer it.
    encryption: Literal["none", "ssl", "starttls", "starttls_if_available"] = "ssl"
    # Allows the password to be sent unencrypted to another machine.
    allow_plain_login: bool = False
    min_tls_version: Literal["1.2", "1.3"] = "1.2"
    ca_file: str = ""
    verify_certificate: bool = True
    # With a credential, blank stands for the address. A shared mailbox takes that mailbox's name;
    # in Microsoft Graph "me" is the mailbox of the person who authorized the account.
    username: str = ""
    password: Secret = ""
    # The OAuth2 credential whose tokens replace the password.
    credential: Annotated[str, Field(max_length=100)] = ""
    # The outgoing connection whose user and password, or credential, it uses for want of its own.
    login_of: Annotated[str, Field(max_length=100)] = ""
    folder: str = ""
    # The address that people write to.
    address: MailAddress
    project: Annotated[ProjectKey, Field(description="the key of a project, such as HELP")]
    # The names by which the servers of this mailbox sign Authentication-Results (RFC 8601), such as
    # mx.example.org; .example.org stands for all below it, and microsoft for fields without a name,
    # as Microsoft 365 writes them. Without any, no sender is verified.
    authserv_ids: list[HostName] = Field(default_factory=list)
    # Further servers that may add Received fields above that.
    trusted_hosts: list[HostName] = Field(default_factory=list)
    # Senders whom no trusted result verifies: they may write as outsiders, or wait for a person.
    unverified_senders: Literal["accept", "quarantine", "ignore"] = "accept"
    # Whose message may be a comment because of an issue key in its subject alone, when the sender
    # is not verified.
    key_alone: Literal["participants", "never", "anybody"] = "participants"
    # What a key in the subject makes of a message whose sender takes no part in the issue.
    weak_keys: Literal["new_issue", "comment", "quarantine"] = "new_issue"
    # What a message becomes that arrives at several accounts: one issue in each project, with the
    # other addresses noted, or one of each account.
    fan_in: Literal["note", "own"] = "note"
    # Senders, such as web forms, whose Reply-To names the person who wrote.
    reply_to_senders: list[LowerAddress] = Field(default_factory=list)
    # Notifications are answered to an address that names and proves their issue, such as
    # help+12-0f3a…@desk.example: the mail server must deliver these to the mailbox, too.
    plus_addresses: bool = False
    # A bounce of a message about an issue is noted on its delivery, or also an internal comment.
    bounces: Literal["note", "comment"] = "note"
    # Where bounces are sent on that fit no message of ours; blank: nowhere.
    forward_bounces: OptionalAddress = ""
    # True: a comment holds only the new text of a reply; False: quotation and signature too.
    strip_quotations: bool = True
    # What happens to a message in the mailbox once it is stored here.
    after_download: Literal["seen", "remove", "move", "leave"] = "seen"
    move_to: str = ""
    poll_seconds: Annotated[float, Field(ge=1, le=86400)] = 60.0
    idle: bool = True
    # 0: no limit. With a limit IDLE is off, and only the poll timer starts a poll.
    max_mails_per_poll: Annotated[int, Field(ge=0)] = 0
    # 0: no limit. Only the header of a larger message is fetched.
    max_message_bytes: Annotated[int, Field(ge=0)] = 0
    # Messages that the server received before this day are skipped.
    only_after: date | None = None
    # The timeout of each socket operation.
    timeout_ms: Annotated[
        int, BeforeValidator(lambda given: given or DEFAULT_TIMEOUT_MS), Field(ge=1, le=30_000)
    ] = DEFAULT_TIMEOUT_MS
    # Logs the dialogue with the server, without passwords, tokens and bodies.
    debug: bool = False
    # JavaMail properties that set some of the fields above; see javamail/properties.py.
    properties: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_properties(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        values = with_defaults_of_purpose(values)
        if not isinstance(values.get("properties"), str):
            return values
        found = read_properties(values["properties"], values)
        if found.faults:
            raise faulty([("properties", fault) for fault in found.faults])
        return values | found.values

    @property
    def title(self) -> str:
        """Returns its name as errors show it."""
        return f"mail account {self.name}"

    @property
    def command_group(self) -> str:
        """Returns the group of commands for it."""
        return "accounts"

    @property
    def usual_ports(self) -> tuple[int, int]:
        """Returns its protocol's ports without and with TLS from the start."""
        return MAIL_PORTS[self.protocol]

    @property
    def wire_protocol(self) -> str:
        """Returns the protocol that the server understands, such as imap for google_oauth2."""
        return WIRE_PROTOCOLS.get(self.protocol, self.protocol)

    @property
    def wants_tokens(self) -> bool:
        """Returns whether its protocol logs in with tokens only."""
        return self.protocol in TOKEN_PROVIDERS

    @property
    def is_on_this_machine(self) -> bool:
        """Returns whether its server is this machine, so that nothing crosses a network."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def token_use(self) -> str:
        """Returns what its tokens are for."""
        return self.protocol

    @property
    def mailbox_user(self) -> str:
        """Returns the user whose mailbox the tokens open."""
        return self.username

    @property
    def login_hint(self) -> str:
        """Returns the user name that a provider suggests for signing in."""
        return self.address if self.username.lower() == "me" else self.username

    @property
    def secret_fields(self) -> dict[str, bool]:
        """Returns the secrets that these values use, each with whether it is required."""
        if self.credential or self.protocol == "folder":
            return {}
        if self.login_of:
            return {"password": False} if self.username else {}
        return {"password": True}

    def risks(self) -> list[str]:
        """Returns warnings about settings that work but are dangerous."""
        found = [] if self.verify_certificate else [unverified_certificate(self.host)]
        if self.allow_plain_login and self.encryption in PLAIN:
            found.append(
                f"allow_plain_login is true: the password may be sent to {self.host} unencrypted"
            )
        return found

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
    """Returns whether the password may be sent unencrypted: within this machine it always may."""
    return account.allow_plain_login or account.is_on_this_machine
