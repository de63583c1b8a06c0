"""OAuth2 credentials as operators configure them: a registration with a provider of tokens.

One credential serves any number of mail accounts and outgoing connections; each of them has tokens
of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from postrail.configuration.accounts.login import with_login, with_logins
from postrail.configuration.configured import Configured, Name, Secret, TokenOwner, faulty
from postrail.configuration.connections.microsoft_clouds import (
    WORLDWIDE,
    cloud_for,
    hosts_of_authority,
)
from postrail.configuration.entry import Entry, Fault, Proposal, Thing, unknown_name
from postrail.configuration.kind import Kind
from postrail.configuration.models.credential_checks import (
    INTERACTIVE,
    Flow,
    credential_faults,
    service_account_faults,
)
from postrail.configuration.models.mail_account import TOKEN_PROVIDERS, MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection

# The only servers that receive a provider's tokens, unless the credential names others.
GOOGLE_HOSTS = ["imap.gmail.com", "pop.gmail.com", "smtp.gmail.com"]
# Google and Microsoft accept any port in these addresses; Microsoft requires the name localhost.
REDIRECTS = {
    "google": "http://127.0.0.1",
    "microsoft": "http://localhost",
    "custom": "http://localhost",
}

# developers.google.com/gmail/imap/xoauth2-protocol: one scope for IMAP, POP and SMTP.
GOOGLE_SCOPE = "https://mail.google.com/"
# Delegated permissions of Exchange, and of Microsoft Graph, by what the tokens are for. A draft,
# which large messages need, and the sent copy are read and written.
EXCHANGE_PERMISSIONS = {
    "imap": "IMAP.AccessAsUser.All",
    "microsoft_oauth2": "IMAP.AccessAsUser.All",
    "pop3": "POP.AccessAsUser.All",
    "smtp": "SMTP.Send",
}
GRAPH_PERMISSIONS = {
    "microsoft_graph": ("Mail.ReadWrite",),
    "graph_send": ("Mail.Send", "Mail.ReadWrite"),
    "graph_send_shared": ("Mail.Send.Shared", "Mail.ReadWrite.Shared"),
}
# A provider returns a refresh token only with this scope.
OFFLINE = "offline_access"


class OAuthCredential(Configured):
    """Postrail's registration with a provider of OAuth2 tokens."""

    name: Name
    description: str = ""
    provider: Literal["google", "microsoft", "custom"]
    flow: Flow = "authorization_code"
    client_id: str = ""
    client_secret: Secret = ""
    # Microsoft accepts a certificate instead of a secret: its PEM text or its SHA-1 thumbprint.
    certificate: str = ""
    thumbprint: Annotated[
        str,
        Field(
            pattern=r"^([0-9A-Fa-f]{40})?$",
            description="the 40 hexadecimal digits of the certificate's SHA-1 thumbprint",
        ),
    ] = ""
    private_key: Secret = ""
    # The JSON key that Google issues for a service account.
    service_account_key: Secret = ""
    # Microsoft: a tenant's id or domain; blank: any tenant (client_credentials need one).
    tenant: str = ""
    # The provider's address: required for custom; for microsoft that of a national cloud.
    authority: str = ""
    # For providers without /.well-known/openid-configuration.
    authorization_url: str = ""
    token_url: str = ""
    device_url: str = ""
    # Blank: the scopes that the provider requires for the protocol of each account.
    scopes: Annotated[list[str], Field(default_factory=list)]
    # The only servers that receive its tokens.
    hosts: Annotated[list[str], Field(default_factory=list)]
    # The provider redirects the browser here after the sign-in.
    redirect_address: str = ""
    ca_file: str = ""

    @model_validator(mode="after")
    def _fill_in_and_check(self) -> OAuthCredential:
        microsoft = self.provider == "microsoft"
        authority = self.authority or (WORLDWIDE.authority if microsoft else "")
        object.__setattr__(self, "authority", authority.rstrip("/"))
        if microsoft and not self.tenant and self.flow in INTERACTIVE:
            object.__setattr__(self, "tenant", "common")
        hosts = self.hosts or _hosts_of(self.provider, self.authority)
        object.__setattr__(self, "hosts", [host.lower() for host in hosts])
        redirect = self.redirect_address or REDIRECTS[self.provider]
        object.__setattr__(self, "redirect_address", redirect)
        if faults := list(credential_faults(self)):
            raise faulty(faults)
        return self

    @property
    def interactive(self) -> bool:
        """Returns whether a person must sign in for each mail account."""
        return self.flow in INTERACTIVE

    @property
    def secret_fields(self) -> dict[str, bool]:
        """Returns the secrets that these values use, each with whether it is required."""
        if self.flow == "service_account":
            return {"service_account_key": True}
        if (self.certificate or self.thumbprint) and self.flow != "device_code":
            return {"private_key": True}
        if self.provider == "microsoft" and self.flow == "device_code":
            # Microsoft gives device codes to public clients only, which have no secret.
            return {}
        # Microsoft and others have public clients; Google gives a secret to desktop programs too.
        needed = self.flow == "client_credentials" or self.provider == "google"
        return {"client_secret": needed}

    def scopes_for(self, owner: TokenOwner) -> list[str]:
        """Returns the scopes to request from the provider for an account or connection."""
        if self.scopes:
            return self.scopes
        if self.provider == "google":
            return [GOOGLE_SCOPE]
        if self.provider == "microsoft":
            return self._microsoft_scopes(owner)
        return [OFFLINE] if self.interactive else []

    def _microsoft_scopes(self, owner: TokenOwner) -> list[str]:
        """Returns the permissions in the cloud that the owner's server belongs to."""
        cloud = cloud_for(owner.host, self.authority)
        graph = GRAPH_PERMISSIONS.get(owner.token_use)
        if self.flow == "client_credentials":
            # All permissions that an administrator granted, such as SMTP.SendAsApp or Mail.Send.
            return [f"https://{cloud.graph if graph else cloud.mailboxes}/.default"]
        if graph:
            return [*(f"https://{cloud.graph}/{one}" for one in graph), OFFLINE]
        return [f"{cloud.exchange}/{EXCHANGE_PERMISSIONS[owner.token_use]}", OFFLINE]


def _hosts_of(provider: str, authority: str) -> list[str]:
    if provider == "microsoft":
        return hosts_of_authority(authority) or hosts_of_authority(WORLDWIDE.authority)
    return GOOGLE_HOSTS if provider == "google" else []


def _account_fits_credential(proposal: Proposal) -> Iterable[Fault]:
    credentials = proposal.all_of(OAuthCredential)
    connections = proposal.all_of(OutgoingConnection)
    entries = proposal.entries_of(MailAccount)
    of_connections = proposal.entries_of(OutgoingConnection)
    for name, stored in proposal.all_of(MailAccount).items():
        account = with_login(stored, connections)
        entry = entries.get(name) or of_connections.get(account.login_of)
        if entry and account.credential:
            provider = TOKEN_PROVIDERS.get(account.protocol, "")
            wanted = (provider, f"{account.protocol} needs", "protocol")
            yield from misfits(entry, account, credentials, wanted)


def misfits(
    entry: Entry,
    owner: TokenOwner,
    credentials: dict[str, OAuthCredential],
    wanted: tuple[str, str, str],
) -> Iterable[Fault]:
    """Yields why an account or a connection cannot use its credential.

    `wanted` is the provider that it needs ("": any), with the words for that need and the field
    that makes it.
    """
    credential = credentials.get(owner.credential)
    if credential is None:
        problem = unknown_name("credential", owner.credential, credentials)
        yield entry.fault("credential", problem)
        return
    provider, need, field = wanted
    if provider and credential.provider != provider:
        yield entry.fault(
            "credential",
            f"{credential.name!r} has provider {credential.provider}, but {need} tokens from"
            f" {provider}; name another credential or {field}",
        )
    if owner.host.lower() not in credential.hosts:
        yield entry.fault(
            "host",
            f"{owner.host} may not receive tokens of credential {credential.name!r}, only"
            f" {', '.join(credential.hosts)}; add it to the hosts of that credential",
        )


def _hosts_in_use_are_kept(proposal: Proposal) -> Iterable[Fault]:
    """Refuses to remove a host that things outside of the file use: they would stop silently."""
    connections = proposal.all_of(OutgoingConnection).values()
    users: list[MailAccount | OutgoingConnection] = [
        *with_logins(_not_given(proposal, MailAccount), connections),
        *_not_given(proposal, OutgoingConnection),
    ]
    credentials = proposal.all_of(OAuthCredential)
    for name, entry in proposal.entries_of(OAuthCredential).items():
        for user in users:
            uses = user.credential == name and user.enabled
            if uses and user.host.lower() not in credentials[name].hosts:
                word = user.command_group.removesuffix("s")
                problem = f"must include {user.host}, which {word} {user.name!r} uses"
                yield entry.fault("hosts", problem)


def _not_given(proposal: Proposal, model: type[Thing]) -> list[Thing]:
    """Returns the stored things of a kind that the file does not name."""
    given = proposal.entries_of(model)
    return [thing for name, thing in proposal.all_of(model).items() if name not in given]


OAUTH_CREDENTIAL = Kind(
    model=OAuthCredential,
    word="credential",
    section="credentials",
    title="OAuth2 registrations, which give tokens: postrail accounts|connections authorize.",
    table="oauth_credential",
    secrets=("client_secret", "private_key", "service_account_key"),
    guarded=(
        "provider",
        "flow",
        "client_id",
        "tenant",
        "authority",
        "authorization_url",
        "token_url",
        "device_url",
        "hosts",
        "ca_file",
    ),
    unused="is not used with this flow and certificate: leave it out",
    secret_checks={"service_account_key": service_account_faults},
    checks=(_account_fits_credential, _hosts_in_use_are_kept),
)
