"""OAuth2 credentials as operators configure them: what we are to a provider, and what we ask of it.

One credential serves any number of mail accounts; the tokens of each account are kept apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from postrail.configuration.configured import Configured, Name, Secret
from postrail.configuration.mail_account import MailAccount

Flow = Literal["authorization_code", "device_code", "client_credentials", "service_account"]

# Google gives its device flow no scopes of mail, and knows no client credentials for users' mail.
FLOWS: dict[str, tuple[Flow, ...]] = {
    "google": ("authorization_code", "service_account"),
    "microsoft": ("authorization_code", "device_code", "client_credentials"),
    "custom": ("authorization_code", "device_code", "client_credentials"),
}
# In these a person signs in, and only a person can do so again.
INTERACTIVE = ("authorization_code", "device_code")

# Who may be given a provider's tokens, unless the credential names others.
HOSTS: dict[str, list[str]] = {
    "google": ["imap.gmail.com", "pop.gmail.com", "smtp.gmail.com"],
    "microsoft": ["outlook.office365.com", "smtp.office365.com", "graph.microsoft.com"],
}
# Google and Microsoft let the port of such an address be any; Microsoft wants the name localhost.
REDIRECTS = {
    "google": "http://127.0.0.1",
    "microsoft": "http://localhost",
    "custom": "http://localhost",
}
MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"

# developers.google.com/gmail/imap/xoauth2-protocol: one scope for IMAP, POP and SMTP.
GOOGLE_SCOPE = "https://mail.google.com/"
# What a signed-in person lets us do, by the protocol of the mail account.
MICROSOFT_SCOPES = {
    "imap": "https://outlook.office.com/IMAP.AccessAsUser.All",
    "microsoft_oauth2": "https://outlook.office.com/IMAP.AccessAsUser.All",
    "pop3": "https://outlook.office.com/POP.AccessAsUser.All",
    "microsoft_graph": "https://graph.microsoft.com/Mail.ReadWrite",
}
# What an administrator has let the application do by itself.
MICROSOFT_APPLICATION_SCOPES = {
    "microsoft_graph": "https://graph.microsoft.com/.default",
}
EXCHANGE_APPLICATION_SCOPE = "https://outlook.office365.com/.default"
# Without it a provider gives no refresh token.
OFFLINE = "offline_access"


class OAuthCredential(Configured):
    """How Postrail is registered with a provider of OAuth2 tokens."""

    name: Name
    description: str = ""
    provider: Literal["google", "microsoft", "custom"]
    flow: Flow = "authorization_code"
    client_id: str = ""
    client_secret: Secret = ""
    # Microsoft takes a certificate in the place of a secret: its PEM text or its SHA-1 thumbprint.
    certificate: str = ""
    thumbprint: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{40})?$")] = ""
    private_key: Secret = ""
    # The JSON text that Google makes for a service account.
    service_account_key: Secret = ""
    # Microsoft: a tenant's id or domain; blank: any, which client_credentials cannot do.
    tenant: str = ""
    # Where the provider is: of its own for custom, a national cloud's for microsoft.
    authority: str = ""
    # For providers that do not publish /.well-known/openid-configuration.
    authorization_url: str = ""
    token_url: str = ""
    device_url: str = ""
    # Blank: what the provider wants for the protocol of each account.
    scopes: Annotated[list[str], Field(default_factory=list)]
    # The only servers that are given its tokens.
    hosts: Annotated[list[str], Field(default_factory=list)]
    # Where the provider sends the browser of whoever has signed in.
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
        if faults := list(_credential_faults(self)):
            words = "; ".join(f"{field}: {problem}" for field, problem in faults)
            raise PydanticCustomError("fields", "{words}", {"words": words, "faults": faults})
        return self

    @property
    def interactive(self) -> bool:
        """Whether a person has to sign in for each mail account."""
        return self.flow in INTERACTIVE

    @property
    def secret_fields(self) -> dict[str, bool]:
        """The secrets that it has, each with whether it must be given."""
        if self.flow == "service_account":
            return {"service_account_key": True}
        if (self.certificate or self.thumbprint) and self.flow != "device_code":
            return {"private_key": True}
        if self.provider == "microsoft" and self.flow == "device_code":
            # Microsoft lets public clients have device codes only, and those have no secret.
            return {}
        # Microsoft and others know public clients; Google gives a secret to desktop programs too.
        needed = self.flow == "client_credentials" or self.provider == "google"
        return {"client_secret": needed}

    def scopes_for(self, account: MailAccount) -> list[str]:
        """What is asked of the provider for this account."""
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


def _credential_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    """The fields that are missing or do not go together, and what to do about it."""
    flows = FLOWS[credential.provider]
    if credential.flow not in flows:
        yield (
            "flow",
            f"{credential.flow} is not to be had from {credential.provider};"
            f" choose {' or '.join(flows)}",
        )
        return
    if credential.flow != "service_account" and not credential.client_id:
        yield "client_id", "is missing: the id that the provider gave to this application"
    yield from _provider_faults(credential)
    yield from _certificate_faults(credential)
    yield from _address_faults(credential)


def _provider_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    if credential.provider == "microsoft":
        if not credential.tenant or (
            credential.flow == "client_credentials" and credential.tenant in {"common", "consumers"}
        ):
            yield "tenant", "is missing: client_credentials work for one tenant; give its id"
    elif credential.tenant:
        yield "tenant", "is of use with provider microsoft only; leave it out"
    if credential.provider == "google" and credential.authority:
        yield "authority", "is Google's own; leave it out"
    if credential.provider == "custom":
        yield from _custom_faults(credential)


def _custom_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    if not credential.hosts:
        yield "hosts", "is missing: the mail servers that may be given its tokens"
    if credential.authority:
        return
    if not credential.token_url:
        yield "authority", "is missing: the provider's https address, or give token_url"
        return
    if credential.flow == "authorization_code" and not credential.authorization_url:
        yield "authorization_url", "is missing, as there is no authority to ask for it"
    if credential.flow == "device_code" and not credential.device_url:
        yield "device_url", "is missing, as there is no authority to ask for it"


def _certificate_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    for field in ("certificate", "thumbprint"):
        if getattr(credential, field) and credential.provider != "microsoft":
            yield field, "is of use with provider microsoft only; give a client_secret"
        elif getattr(credential, field) and credential.flow == "device_code":
            yield field, "is of no use with device_code: leave it out"
    if credential.certificate and "BEGIN CERTIFICATE" not in credential.certificate:
        yield "certificate", "must be the PEM text, from -----BEGIN CERTIFICATE----- to its end"


def _address_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    for field in ("authority", "authorization_url", "token_url", "device_url"):
        address = getattr(credential, field)
        if address and not _is_address(address, "https"):
            yield field, "must be an address that begins with https://"
    if credential.provider == "microsoft":
        for field in ("authorization_url", "token_url", "device_url"):
            if getattr(credential, field):
                yield field, "is Microsoft's own; name another cloud in authority"
    redirect = credential.redirect_address
    if not _is_address(redirect, "https") and not is_loopback_address(redirect):
        yield (
            "redirect_address",
            "must begin with https://, or with http://localhost or http://127.0.0.1",
        )


def _is_address(text: str, scheme: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme == scheme and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def is_loopback_address(text: str) -> bool:
    """Whether a browser on this machine reaches a program on this machine there."""
    if not _is_address(text, "http"):
        return False
    # Where the command listens; it would not hear what comes to ::1 or 127.0.0.2.
    return urlsplit(text).hostname in ("localhost", "127.0.0.1")


def service_account_faults(key: str) -> list[str]:
    """What is wrong with the text of a service account's key. Never shows any of it."""
    try:
        found = json.loads(key)
    except ValueError:
        return ["must be the JSON text that Google made for the service account"]
    if not isinstance(found, dict):
        return ["must be the JSON text that Google made for the service account"]
    missing = [name for name in ("client_email", "private_key") if not found.get(name)]
    return [f"has no {name}: take the whole JSON text that Google made" for name in missing]
