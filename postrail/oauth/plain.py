"""Fetches tokens from Google and custom providers: RFC 6749, 7636 (PKCE), 8628 (devices)."""

from __future__ import annotations

import base64
import hashlib
import secrets as random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from postrail.clock import Clock
from postrail.configuration.configured import TokenOwner
from postrail.configuration.models.credential import OFFLINE, OAuthCredential
from postrail.errors import ConfigurationError
from postrail.oauth import Begun, DeviceCode, Tokens
from postrail.oauth.assertion import JWT_BEARER, ServiceAccount
from postrail.oauth.faults import refusal, setting_of
from postrail.oauth.http import (
    DEVICE_INTERVAL_SECONDS,
    UNKNOWN_LIFETIME_SECONDS,
    ProviderHttp,
    seconds_in,
    sent_secrets,
)
from postrail.oauth.signed_in import names_in

GOOGLE_AUTHORIZATION_URL = "https://accounts.google.com/o/oauth2/v2/auth"
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  An address.
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN = ("access_token",)
WAITING = "authorization_pending"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The addresses of a provider's endpoints; blank when it does not publish one."""

    authorization: str
    token: str
    device: str
    # True: the client's secret is sent in the form; False: by HTTP Basic.
    secret_in_form: bool


class PlainProvider:
    """The role Provider for providers that need no special library."""

    def __init__(
        self,
        credential: OAuthCredential,
        owner: TokenOwner,
        client_secret: str,
        service_account: ServiceAccount | None,
        clock: Clock,
    ) -> None:
        self._credential = credential
        self._owner = owner
        self._client_secret = client_secret
        self._service_account = service_account
        self._clock = clock
        self._scope = " ".join(credential.scopes_for(owner))
        self._http = ProviderHttp(credential)
        self._endpoints = _endpoints(credential, self._http)

    def begin(self, redirect_address: str) -> Begun:
        # RFC 7636: only the process that has the verifier can redeem the answer.
        state, verifier = random.token_urlsafe(24), random.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._credential.client_id,
            "redirect_uri": redirect_address,
            "scope": self._sign_in_scope(),
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "login_hint": self._owner.login_hint,
            **self._asking_for_a_refresh_token(),
        }
        url = self._endpoint("authorization")
        address = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
        return Begun(address, state, {"verifier": verifier, "redirect_address": redirect_address})

    def redeem(self, kept: dict[str, Any], answer: Mapping[str, str]) -> Tokens:
        if "error" in answer:
            raise refusal(self._credential, self._owner, answer)
        return self._tokens(
            {
                "grant_type": "authorization_code",
                "code": answer.get("code", ""),
                "redirect_uri": kept["redirect_address"],
                "code_verifier": kept["verifier"],
            }
        )

    def begin_device(self) -> DeviceCode:
        form = {"client_id": self._credential.client_id, "scope": self._scope}
        wanted = ("user_code", "device_code", "verification_uri")
        answer = self._post(self._endpoint("device"), form, wanted=wanted)
        address = answer.get("verification_uri_complete") or answer["verification_uri"]
        return DeviceCode(
            code=str(answer["user_code"]),
            address=str(address),
            expires_at=self._clock.now() + timedelta(seconds=self._lifetime(answer)),
            interval_seconds=seconds_in(answer, "interval", DEVICE_INTERVAL_SECONDS),
            kept={"device_code": answer["device_code"]},
        )

    def poll_device(self, device: DeviceCode) -> Tokens | None:
        form = {"grant_type": DEVICE_GRANT, "device_code": device.kept["device_code"]}
        answer = self._answer(self._endpoint("token"), form)
        if answer.get("error") == WAITING:
            return None
        return self._tokens_of(self._checked(answer, form))

    def refresh(self, refresh_token: str) -> Tokens:
        return self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def own_token(self) -> Tokens:
        if self._service_account is None:
            return self._tokens({"grant_type": "client_credentials", "scope": self._scope})
        assertion = self._service_account.assertion(
            subject=self._owner.username,
            scope=self._scope,
            audience=self._endpoint("token"),
            now=self._clock.now(),
        )
        form = {"grant_type": JWT_BEARER, "assertion": assertion}
        return self._tokens_of(self._post(self._endpoint("token"), form, as_client=False))

    def _sign_in_scope(self) -> str:
        """Returns the scopes to sign in for; Google names the user only with two of its own."""
        if self._credential.provider != "google":
            return self._scope
        return " ".join(dict.fromkeys([*self._scope.split(), "openid", "email"]))

    def _asking_for_a_refresh_token(self) -> dict[str, str]:
        if self._credential.provider == "google":
            # Without both Google returns a refresh token for the very first consent only.
            return {"access_type": "offline", "prompt": "consent"}
        # OpenID Connect Core, 11: offline access requires consent.
        return {"prompt": "consent"} if OFFLINE in self._scope.split() else {}

    def _endpoint(self, name: str) -> str:
        url = str(getattr(self._endpoints, name))
        if not url:
            raise ConfigurationError(
                f"{self._credential.authority} does not publish its {name} endpoint",
                setting=setting_of(self._credential, f"flow, {name}_url"),
                remedy="Choose a flow that the provider offers, or give the address",
            )
        if not url.startswith("https://"):
            raise ConfigurationError(
                f"secrets would be sent unencrypted to {url}",
                setting=setting_of(self._credential, f"authority, {name}_url"),
                remedy="Use a provider that publishes addresses beginning with https://",
            )
        return url

    def _tokens(self, form: Mapping[str, str]) -> Tokens:
        return self._tokens_of(self._post(self._endpoint("token"), form))

    def _tokens_of(self, answer: Mapping[str, Any]) -> Tokens:
        return Tokens(
            access_token=str(answer["access_token"]),
            refresh_token=str(answer.get("refresh_token", "")),
            expires_at=self._clock.now() + timedelta(seconds=self._lifetime(answer)),
            signed_in=names_in(answer),
        )

    def _lifetime(self, answer: Mapping[str, Any]) -> float:
        return seconds_in(answer, "expires_in", UNKNOWN_LIFETIME_SECONDS)

    def _post(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        as_client: bool = True,
        wanted: Sequence[str] = TOKEN,
    ) -> dict[str, Any]:
        return self._checked(self._answer(url, form, as_client=as_client), form, wanted)

    def _answer(
        self, url: str, form: Mapping[str, str], *, as_client: bool = True
    ) -> dict[str, Any]:
        if not as_client:
            return self._http.post_form(url, form)
        client_id, secret = self._credential.client_id, self._client_secret
        if secret and not self._endpoints.secret_in_form:
            # RFC 6749, 2.3.1: both are form-encoded first.
            basic = (quote_plus(client_id), quote_plus(secret))
            return self._http.post_form(url, form, basic)
        own = {"client_id": client_id} | ({"client_secret": secret} if secret else {})
        return self._http.post_form(url, {**form, **own})

    def _checked(
        self, answer: dict[str, Any], form: Mapping[str, str], wanted: Sequence[str] = TOKEN
    ) -> dict[str, Any]:
        if "error" in answer or not all(answer.get(name) for name in wanted):
            sent = [*sent_secrets(form), self._client_secret]
            raise refusal(self._credential, self._owner, answer, sent)
        return answer


def _endpoints(credential: OAuthCredential, http: ProviderHttp) -> Endpoints:
    """Returns the endpoints of the credential, else those that the provider publishes."""
    google = credential.provider == "google"
    known: Mapping[str, Any] = {}
    if google:
        known = {
            "authorization_endpoint": GOOGLE_AUTHORIZATION_URL,
            "token_endpoint": GOOGLE_TOKEN_URL,
        }
    elif credential.authority:
        known = http.get_json(f"{credential.authority}/.well-known/openid-configuration")
    methods = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        authorization=credential.authorization_url or str(known.get("authorization_endpoint", "")),
        token=credential.token_url or str(known.get("token_endpoint", "")),
        device=credential.device_url or str(known.get("device_authorization_endpoint", "")),
        secret_in_form=google or "client_secret_basic" not in methods,
    )
