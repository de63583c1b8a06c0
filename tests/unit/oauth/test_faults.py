"""A provider's refusals become errors with the setting to change, and never show a secret."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.models.credential import OAuthCredential
from postrail.errors import ConfigurationError, PipelineError
from postrail.oauth import NeedsAuthorization, ProviderUnavailable
from postrail.oauth.faults import described, refusal
from tests.makers.oauth import account


def credential(flow: str) -> OAuthCredential:
    return OAuthCredential.model_validate(
        {"name": "desk", "provider": "microsoft", "client_id": "a", "tenant": "t", "flow": flow}
    )


def refused(error: str, description: str = "", flow: str = "authorization_code") -> PipelineError:
    answer = {"error": error, "error_description": description}
    return refusal(credential(flow), account(), answer)


@pytest.mark.parametrize(
    "code",
    [
        "invalid_grant",
        "interaction_required",
        "consent_required",
        "login_required",
        "account_selection_required",
    ],
)
def test_only_a_person_can_help(code: str) -> None:
    error = refused(code, "AADSTS50173: the password was changed")
    assert isinstance(error, NeedsAuthorization)
    assert error.reason == f"{code}: AADSTS50173: the password was changed"
    assert error.remedy == "Run: postrail accounts authorize support"


@pytest.mark.parametrize(
    ("code", "description", "setting"),
    [
        ("invalid_client", "", "client_id, client_secret"),
        ("invalid_client", "AADSTS7000215: Invalid client secret provided.", "client_secret"),
        ("invalid_client", "AADSTS7000222: The provided client secret keys", "client_secret"),
        ("invalid_client", "AADSTS700027: Client assertion", "certificate, thumbprint, private_ke"),
        ("unauthorized_client", "", "client_id, flow"),
        ("unauthorized_client", "AADSTS700016: Application not found", "client_id, tenant"),
        ("invalid_request", "AADSTS90002: Tenant not found", "tenant"),
        ("invalid_request", "AADSTS50011: The redirect URI", "redirect_address"),
        ("invalid_request", "", "client_id, tenant, redirect_address"),
        ("redirect_uri_mismatch", "", "redirect_address"),
        ("invalid_scope", "", "scopes"),
        ("access_denied", "", "scopes"),
        ("admin_policy_enforced", "", "scopes"),
        ("unsupported_grant_type", "", "flow"),
        ("expired_token", "", "flow"),
    ],
)
def test_a_setting_is_wrong(code: str, description: str, setting: str) -> None:
    error = refused(code, description)
    assert isinstance(error, ConfigurationError)
    assert not isinstance(error, NeedsAuthorization)
    assert error.setting.startswith(f"credential desk: {setting}")
    assert error.remedy
    assert f"Microsoft refuses a token for help@example.org: {code}" in error.problem


@pytest.mark.parametrize("code", ["server_error", "temporarily_unavailable", "slow_down", "new"])
def test_temporary_faults_are_retried(code: str) -> None:
    assert isinstance(refused(code), ProviderUnavailable)


def test_nobody_can_sign_in_for_an_application() -> None:
    error = refused("invalid_grant", flow="client_credentials")
    assert not isinstance(error, NeedsAuthorization)
    assert isinstance(error, ConfigurationError)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "e", "error_description": "line\r\nline \x1b[31m"}, "e: line line  [31m"),
        ({}, "it gives no reason"),
        ({"error": ["list"], "error_description": None}, "['list']"),
        # A provider that repeats the secrets that we sent.
        ({"error": "e", "error_description": "bad token t0k3n!"}, "e: bad token ***!"),
        ({"error": "e", "error_description": "x" * 900}, "e: " + "x" * 297),
    ],
)
def test_the_providers_words_are_one_line_without_secrets(
    answer: dict[str, Any], words: str
) -> None:
    assert described(answer, ["t0k3n", "", "e"]) == words
