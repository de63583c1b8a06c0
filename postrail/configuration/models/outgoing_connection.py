"""A mail server that sends our messages, as operators configure it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from postrail.configuration.configured import (
    Configured,
    MailAddress,
    Name,
    Port,
    Secret,
    faulty,
    unverified_certificate,
)
from postrail.configuration.connections.checks import connection_faults
from postrail.configuration.connections.defaults import (
    DEFAULT_TIMEOUT_MS,
    GRAPH_PORT,
    PLAIN,
    SMTP_PORTS,
    default_host,
    default_minute_limit,
    default_port,
    is_this_machine,
)
from postrail.configuration.javamail.smtp_properties import read_smtp_properties
from postrail.configuration.models.project import OptionalAddress

OptionalName = Annotated[str, Field(max_length=100)]
# A name of the DNS without its dots at the ends, or blank.
DomainName = Annotated[
    str,
    BeforeValidator(lambda given: given.strip(" .").lower() if isinstance(given, str) else given),
    Field(
        pattern=r"^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.|$))*$",
        max_length=253,
        description="a domain such as example.org",
    ),
]
# One line of text that becomes a part of a header.
HeaderText = Annotated[
    str,
    Field(
        pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]*$", max_length=200, description="one line of text"
    ),
]


class OutgoingConnection(Configured):
    """A mail server that sends our messages, and the address that we send from."""

    name: Name
    description: str = ""
    enabled: bool = True
    # Projects that name no connection use the default one.
    is_default: bool = False
    # smtp logs in with a password or not at all, oauth2 by SMTP with tokens, graph sends by
    # Microsoft Graph.
    mode: Literal["smtp", "oauth2", "graph"] = "smtp"
    # The OAuth2 credential whose tokens oauth2 and graph use.
    credential: OptionalName = ""
    # Blank in oauth2 and graph: the provider's server.
    host: str = ""
    port: Port = 0
    # starttls_if_available goes on without encryption where the server does not offer it.
    encryption: Literal["none", "ssl", "starttls", "starttls_if_available"] = "starttls"
    # A national cloud of Microsoft, or a server; blank: the worldwide cloud.
    microsoft_host: str = ""
    # Blank: no login; with a credential: the user who signs in, from_address if blank.
    username: str = ""
    password: Secret = ""
    # Microsoft: the mailbox that messages are sent from, if it is not the user's own.
    shared_mailbox: OptionalAddress = ""
    from_address: MailAddress
    from_name: str = ""
    # Where answers go to of messages that name no other address.
    reply_to: OptionalAddress = ""
    # Stands before the key in subjects, such as [Help desk].
    subject_prefix: HeaderText = ""
    # Where bounces go to, with an extension that names the message: bounces+TOKEN@desk.example. Its
    # server must deliver these to a watched mailbox. Blank: to from_address, without extension.
    bounce_address: OptionalAddress = ""
    # Marks automatic messages with Precedence: bulk.
    precedence_bulk: bool = True
    # The size of the largest message that the server takes; 0: only its own limit holds.
    max_bytes: Annotated[int, BeforeValidator(lambda given: given or 0), Field(ge=0)] = 0
    # None: 30 for Microsoft's servers, which allow no more, else no limit; 0: no limit.
    mails_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    # The most SMTP connections at once; None: POSTRAIL_SENDER__CONNECTIONS.
    channels: Annotated[int, Field(ge=1, le=100)] | None = None
    # The connection that takes over on faults of connection, login and size.
    fallback: OptionalName = ""
    # DKIM: the key signs for the domain, whose record SELECTOR._domainkey.DOMAIN has the other key.
    dkim_domain: DomainName = ""
    dkim_selector: DomainName = ""
    dkim_key: Secret = ""
    # The timeout of each operation on the connection.
    timeout_ms: Annotated[
        int, BeforeValidator(lambda given: given or DEFAULT_TIMEOUT_MS), Field(ge=1, le=30_000)
    ] = DEFAULT_TIMEOUT_MS
    # The name that EHLO gives to the server; blank: this machine's.
    ehlo_name: DomainName = ""
    min_tls_version: Literal["1.2", "1.3"] = "1.2"
    ca_file: str = ""
    verify_certificate: bool = True
    # Allows the password to be sent unencrypted to another machine.
    allow_plain_login: bool = False
    # Logs the dialogue with the server, without passwords, tokens and texts.
    debug: bool = False
    # JavaMail properties that set some of the fields above; see javamail/smtp_properties.py.
    properties: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_properties(cls, values: object) -> object:
        if not isinstance(values, dict) or not isinstance(values.get("properties"), str):
            return values
        found = read_smtp_properties(values["properties"], values)
        if found.faults:
            raise faulty([("properties", fault) for fault in found.faults])
        return values | found.values

    @property
    def secret_fields(self) -> dict[str, bool]:
        """Returns the secrets that these values use, each with whether it is required."""
        login = {"password": True} if self.mode == "smtp" and self.username else {}
        signing = {"dkim_key": True} if self.dkim_domain and self.dkim_selector else {}
        return login | signing

    @property
    def title(self) -> str:
        """Returns its name as errors show it."""
        return f"outgoing connection {self.name}"

    @property
    def command_group(self) -> str:
        """Returns the group of commands for it."""
        return "connections"

    @property
    def wire_protocol(self) -> str:
        """Returns the protocol that the server understands."""
        return "https" if self.mode == "graph" else "smtp"

    @property
    def usual_ports(self) -> tuple[int, int]:
        """Returns the usual ports without and with TLS from the start."""
        if self.mode == "graph":
            return GRAPH_PORT, GRAPH_PORT
        return SMTP_PORTS["starttls"], SMTP_PORTS["ssl"]

    @property
    def token_use(self) -> str:
        """Returns what its tokens are for: smtp, graph_send or graph_send_shared."""
        if self.mode != "graph":
            return "smtp"
        shared = self.mailbox_user.lower() != self.username.lower()
        return "graph_send_shared" if shared else "graph_send"

    @property
    def mailbox_user(self) -> str:
        """Returns the user whose mailbox messages are sent from."""
        return self.shared_mailbox or self.username

    @property
    def login_hint(self) -> str:
        """Returns the user name that a provider suggests for signing in."""
        return self.username

    @property
    def is_on_this_machine(self) -> bool:
        """Returns whether its server is this machine, so that nothing crosses a network."""
        return is_this_machine(self.host)

    @property
    def may_send_password_unencrypted(self) -> bool:
        """Returns whether the login may go over a connection without encryption."""
        return self.allow_plain_login or self.is_on_this_machine

    @property
    def minute_limit(self) -> int:
        """Returns the number of messages that may be sent in a minute; 0: no limit."""
        if self.mails_per_minute is None:
            return default_minute_limit(self.mode, self.host)
        return self.mails_per_minute

    def risks(self) -> list[str]:
        """Returns warnings about settings that work but are dangerous."""
        found = [] if self.verify_certificate else [unverified_certificate(self.host)]
        if self.allow_plain_login and self.username and self.encryption in PLAIN:
            found.append(
                f"allow_plain_login is true: the password may be sent to {self.host} unencrypted"
            )
        return found

    @model_validator(mode="after")
    def _fill_in_and_check(self) -> OutgoingConnection:
        host = self.host or default_host(self.mode, self.microsoft_host)
        object.__setattr__(self, "host", host)
        if self.mode == "graph" and self.encryption == "starttls":
            # Microsoft Graph is HTTPS.
            object.__setattr__(self, "encryption", "ssl")
        object.__setattr__(self, "port", self.port or default_port(self.mode, self.encryption))
        if self.mode != "smtp":
            object.__setattr__(self, "username", self.username or self.from_address)
        if faults := list(connection_faults(self)):
            raise faulty(faults)
        return self
