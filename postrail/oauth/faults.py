"""Turns a provider's refusal into an error that names the setting to change.

The codes are those of RFC 6749 (4.1.2.1, 5.2), OpenID Connect Core (3.1.2.6) and RFC 8628 (3.5);
Microsoft adds a number of its own (AADSTS…) to the description.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from postrail.configuration.configured import TokenOwner
from postrail.configuration.models.credential import OAuthCredential
from postrail.errors import ConfigurationError, PipelineError
from postrail.oauth import NeedsAuthorization, ProviderUnavailable

# Only a new sign-in by a person resolves these.
SIGN_IN_AGAIN = frozenset(
    {
        "invalid_grant",
        "interaction_required",
        "consent_required",
        "login_required",
        "account_selection_required",
    }
)
# Faults of the credential: fields and remedy by code. Other codes are retried.
CLIENT_CODES = {
    "invalid_client": (
        "client_id, client_secret",
        "Give the id and a secret that has not expired, as the provider shows them for this"
        " application",
    ),
    "unauthorized_client": (
        "client_id, flow",
        "Check the client id, and that the provider allows this application the flow and the"
        " scopes (for a service account: domain-wide delegation)",
    ),
    "unsupported_grant_type": ("flow", "Choose a flow that the provider offers"),
    "invalid_scope": ("scopes", "Name scopes that the provider allows this application"),
    "invalid_request": (
        "client_id, tenant, redirect_address",
        "Compare them with what the provider shows for this application",
    ),
    "redirect_uri_mismatch": (
        "redirect_address",
        "Register exactly this address with the provider",
    ),
    "access_denied": (
        "scopes",
        "Sign in as a user who may grant it, or have an administrator grant it",
    ),
    "admin_policy_enforced": ("scopes", "Have an administrator of the domain allow this client id"),
    "org_internal": (
        "client_id",
        "Sign in with an address of the organisation, or make the app external",
    ),
    "expired_token": ("flow", "Begin again and enter the code in time"),
    "invalid_grant": (
        "client_id, tenant, service_account_key",
        "Check that the account exists and that this machine's clock is right; for a service"
        " account check its domain-wide delegation too",
    ),
}
# Microsoft sends these with codes whose remedy above would be misleading.
MICROSOFT_NUMBERS = {
    "AADSTS7000215": ("client_secret", "Give the secret's value, not its id"),
    "AADSTS7000222": (
        "client_secret",
        "It has expired: create a new one in Entra and give it here",
    ),
    "AADSTS700016": ("client_id, tenant", "The tenant does not know this application: check both"),
    "AADSTS90002": ("tenant", "The tenant does not exist: give its id or its domain"),
    "AADSTS50011": ("redirect_address", "Register this address for the application in Entra"),
    "AADSTS700027": ("certificate, thumbprint, private_key", "Upload this certificate in Entra"),
    "AADSTS65001": (
        "scopes",
        "They lack consent: have a user or an administrator consent",
    ),
}
SHOWN_CHARACTERS = 300


def refusal(
    credential: OAuthCredential,
    owner: TokenOwner,
    answer: Mapping[str, Any],
    sent: Iterable[str] = (),
) -> PipelineError:
    """Returns the error for a refusing answer, without the secrets in `sent`."""
    code = str(answer.get("error", ""))
    words = described(answer, sent)
    if code in SIGN_IN_AGAIN and credential.interactive:
        return NeedsAuthorization(owner, words)
    problem = f"{provider_of(credential)} refuses a token for {owner.username}: {words}"
    number = next((known for known in MICROSOFT_NUMBERS if known in words), "")
    found = MICROSOFT_NUMBERS.get(number) or CLIENT_CODES.get(code)
    if found is None:
        return ProviderUnavailable(problem, remedy="It is retried automatically")
    fields, remedy = found
    return ConfigurationError(problem, setting=setting_of(credential, fields), remedy=remedy)


def no_refresh_token(credential: OAuthCredential) -> ConfigurationError:
    """Returns the error for a sign-in that the provider would forget within the hour."""
    return ConfigurationError(
        f"{provider_of(credential)} sent no refresh token, so it would stop working within the"
        " hour",
        setting=setting_of(credential, "scopes, client_id"),
        remedy="Request the scope offline_access if the provider has it; with Google remove the"
        " access at myaccount.google.com/permissions and sign in again",
    )


def described(answer: Mapping[str, Any], sent: Iterable[str] = ()) -> str:
    """Returns the provider's words in one line, without the secrets that we sent."""
    text = ": ".join(str(answer[key]) for key in ("error", "error_description") if answer.get(key))
    for secret in sent:
        text = text.replace(secret, "***") if len(secret) > 3 else text
    line = re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()
    return line[:SHOWN_CHARACTERS] or "it gives no reason"


def provider_of(credential: OAuthCredential) -> str:
    """Returns the provider as messages name it."""
    names = {"google": "Google", "microsoft": "Microsoft"}
    return names.get(credential.provider) or credential.authority or credential.token_url


def setting_of(credential: OAuthCredential, fields: str) -> str:
    """Returns the credential's fields as messages name them."""
    return f"credential {credential.name}: {fields}"
