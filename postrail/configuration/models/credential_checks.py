"""Checks which fields of an OAuth2 credential contradict each other or are missing. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from postrail.configuration.models.credential import OAuthCredential

Flow = Literal["authorization_code", "device_code", "client_credentials", "service_account"]

# Google's device flow has no mail scopes, and its client credentials do not reach users' mail.
FLOWS: dict[str, tuple[Flow, ...]] = {
    "google": ("authorization_code", "service_account"),
    "microsoft": ("authorization_code", "device_code", "client_credentials"),
    "custom": ("authorization_code", "device_code", "client_credentials"),
}
# In these a person signs in, at first and whenever the authorization has ended.
INTERACTIVE = ("authorization_code", "device_code")


def credential_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    """Yields each field that is missing or contradicts another, with what to do about it."""
    flows = FLOWS[credential.provider]
    if credential.flow not in flows:
        yield (
            "flow",
            f"{credential.provider} does not offer {credential.flow}; choose {' or '.join(flows)}",
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
            yield "tenant", "is missing: client_credentials work for one tenant only; give its id"
    elif credential.tenant:
        yield "tenant", "is used with provider microsoft only; leave it out"
    if credential.provider == "google" and credential.authority:
        yield "authority", "is fixed for provider google; leave it out"
    if credential.provider == "custom":
        yield from _custom_faults(credential)


def _custom_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    if not credential.hosts:
        yield "hosts", "is missing: the mail servers that may receive its tokens"
    if credential.authority:
        return
    if not credential.token_url:
        yield "authority", "is missing: give the provider's https address, or token_url"
        return
    if credential.flow == "authorization_code" and not credential.authorization_url:
        yield "authorization_url", "is missing: give it, or the authority that publishes it"
    if credential.flow == "device_code" and not credential.device_url:
        yield "device_url", "is missing: give it, or the authority that publishes it"


def _certificate_faults(credential: OAuthCredential) -> Iterator[tuple[str, str]]:
    for field in ("certificate", "thumbprint"):
        if getattr(credential, field) and credential.provider != "microsoft":
            yield field, "is used with provider microsoft only; give a client_secret"
        elif getattr(credential, field) and credential.flow == "device_code":
            yield field, "is not used with device_code: leave it out"
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
                yield field, "is fixed for provider microsoft; name another cloud in authority"
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
    """Returns whether a browser on this machine reaches our command at this address."""
    if not _is_address(text, "http"):
        return False
    # The command listens on 127.0.0.1 only, not on ::1 or 127.0.0.2.
    return urlsplit(text).hostname in ("localhost", "127.0.0.1")


def service_account_faults(key: str) -> list[str]:
    """Returns the problems of a service account's key, without showing any of it."""
    try:
        found = json.loads(key)
    except ValueError:
        return ["must be the JSON key that Google issued for the service account"]
    if not isinstance(found, dict):
        return ["must be the JSON key that Google issued for the service account"]
    missing = [name for name in ("client_email", "private_key") if not found.get(name)]
    return [f"has no {name}: give the whole JSON key that Google issued" for name in missing]
