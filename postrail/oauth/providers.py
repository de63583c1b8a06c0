"""Makes the provider of a credential, with the secrets revealed for it."""

from __future__ import annotations

from collections.abc import Callable

from postrail.clock import Clock
from postrail.configuration.configured import TokenOwner
from postrail.configuration.models.credential import OAuthCredential
from postrail.errors import ConfigurationError
from postrail.oauth import Provider
from postrail.oauth.assertion import ServiceAccount, rsa_key
from postrail.oauth.faults import setting_of
from postrail.oauth.microsoft import MicrosoftProvider
from postrail.oauth.plain import PlainProvider
from postrail.secrets import Secrets

ProviderFor = Callable[[OAuthCredential, TokenOwner, Secrets, Clock], Provider]


def provider_for(
    credential: OAuthCredential, owner: TokenOwner, secrets: Secrets, clock: Clock
) -> Provider:
    """Returns the provider; blocking, as it may ask the provider for its addresses."""
    if credential.provider == "microsoft":
        return MicrosoftProvider(credential, owner, _microsoft_secret(credential, secrets), clock)
    service_account = None
    if credential.flow == "service_account":
        service_account = ServiceAccount.parse(
            secrets.reveal(credential.service_account_key),
            setting_of(credential, "service_account_key"),
        )
    client_secret = secrets.reveal(credential.client_secret)
    return PlainProvider(credential, owner, client_secret, service_account, clock)


def _microsoft_secret(credential: OAuthCredential, secrets: Secrets) -> str | dict[str, str] | None:
    if not credential.private_key:
        return secrets.reveal(credential.client_secret) or None
    found = {"private_key": secrets.reveal(credential.private_key)}
    if rsa_key(found["private_key"]) is None:
        raise ConfigurationError(
            f"the private key of credential {credential.name} is not an RSA key in PEM",
            setting=setting_of(credential, "private_key"),
            remedy="Give the key that belongs to the certificate, from -----BEGIN to its end,"
            " without a passphrase",
        )
    if credential.thumbprint:
        found["thumbprint"] = credential.thumbprint
    if credential.certificate:
        found["public_certificate"] = credential.certificate
    return found
