"""OAuth2 credentials as operators configure them: a registration with a provider of tokens.

One credential serves any number of mail accounts; each account has tokens of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from postrail.configuration.configured import Configured, Name, Secret, faulty
from postrail.configuration.entry import Entry, Fault, Proposal, unknown_name
from postrail.configuration.kind import Kind
from postrail.configuration.models.credential_checks import (
    INTERACTIVE,
    Flow,
    credential_faults,
    service_account_faults,
)
from postrail.configuration.models.mail_account import TOKEN_PROVIDERS, MailAccount

# The only servers that receive a provider's tokens, unless the credential names others.
HOSTS: dict[str, list[str]] = {
    "google": ["imap.gmail.com", "pop.gmail.com", "smtp.gmail.com"],
    "microsoft": ["outlook.office365.com", "smtp.office365.com", "graph.microsoft.com"],
}
# Google and Microsoft accept any port in these addresses; Microsoft requires the name localhost.
REDIRECTS = {
    "google": "http://127.0.0.1",
    "microsoft": "http://localhost",
    "custom": "http://localhost",
}
MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"

# developers.google.com/gmail/imap/xoauth2-protocol: one scope for IMAP, POP and SMTP.
GOOGLE_SCOPE = "https://mail.google.com/"
# Delegated permissions, by the protocol of the mail account.
MICROSOFT_SCOPES = {
    "imap": "https://outlook.office.com/IMAP.AccessAsUser.All",
    "microsoft_oauth2": "https://outlook.office.com/IMAP.AccessAsUser.All",
    "pop3": "https://outlook.office.com/POP.AccessAsUser.All",
    "microsoft_graph": "https://graph.microsoft.com/Mail.ReadWrite",
}
# Application permissions, which an administrator grants.
MICROSOFT_APPLICATION_SCOPES = {
    "microsoft_graph": "https://graph.microsoft.com/.default",
}
EXCHANGE_APPLICATION_SCOPE = "https://outlook.office365.com/.default"
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
        authority = self.authority or (MICROSOFT_AUTHORITY if microsoft else "")
        object.__setattr__(self, "authority", authority.rstrip("/"))
        if microsoft and not self.tenant and self.flow in INTERACTIVE:
            object.__setattr__(self, "tenant", "common")
        hosts = self.hosts or HOSTS.get(self.provider, [])
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

    def scopes_for(self, account: MailAccount) -> list[str]:
        """Returns the scopes to request from the provider for this account."""
        if self.scopes:
            return self.scopes
        if self.provider == "google":
            return [GOOGLE_SCOPE]
        if self.provider == "microsoft":
            if self.flow == "client_credentials":
                default = EXCHANGE_APPLICATION_SCOPE
                return [MICROSOFT_APPLICATION_SCOPES.get(account.protocol, default)]
            return [MICROSOFT_SCOPES[account.protocol], OFFLINE]
        return [OFFLINE] if self.interactive else []


def _account_fits_credential(proposal: Proposal) -> Iterable[Fault]:
    credentials = proposal.all_of(OAuthCredential)
    for entry in proposal.entries_of(MailAccount).values():
        assert isinstance(entry.thing, MailAccount)
        if entry.thing.credential:
            yield from _misfits(entry, entry.thing, credentials)


def _misfits(
    entry: Entry, account: MailAccount, credentials: dict[str, OAuthCredential]
) -> Iterable[Fault]:
    credential = credentials.get(account.credential)
    if credential is None:
        problem = unknown_name("credential", account.credential, credentials)
        yield entry.fault("credential", problem)
        return
    wanted = TOKEN_PROVIDERS.get(account.protocol, credential.provider)
    if credential.provider != wanted:
        yield entry.fault(
            "credential",
            f"{credential.name!r} has provider {credential.provider}, but {account.protocol}"
            f" needs tokens from {wanted}; name another credential or protocol",
        )
    if account.host.lower() not in credential.hosts:
        yield entry.fault(
            "host",
            f"{account.host} may not receive tokens of credential {credential.name!r}, only"
            f" {', '.join(credential.hosts)}; add it to the hosts of that credential",
        )


def _hosts_in_use_are_kept(proposal: Proposal) -> Iterable[Fault]:
    """Refuses to remove a host that an account outside of the file uses: it would stop silently."""
    given = proposal.entries_of(MailAccount)
    accounts = proposal.all_of(MailAccount)
    others = [account for name, account in accounts.items() if name not in given]
    credentials = proposal.all_of(OAuthCredential)
    for name, entry in proposal.entries_of(OAuthCredential).items():
        for account in others:
            uses = account.credential == name and account.enabled
            if uses and account.host.lower() not in credentials[name].hosts:
                problem = f"must include {account.host}, which account {account.name!r} uses"
                yield entry.fault("hosts", problem)


OAUTH_CREDENTIAL = Kind(
    model=OAuthCredential,
    word="credential",
    section="credentials",
    title="OAuth2 registrations, which give accounts their tokens: postrail accounts authorize.",
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
