"""Fetches tokens from Microsoft; the only module that uses msal."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msal

from postrail.clock import Clock
from postrail.configuration.configured import TokenOwner
from postrail.configuration.models.credential import OFFLINE, OAuthCredential
from postrail.errors import ConfigurationError
from postrail.oauth import Begun, DeviceCode, ProviderUnavailable, Tokens
from postrail.oauth.faults import refusal, setting_of
from postrail.oauth.http import (
    DEVICE_INTERVAL_SECONDS,
    UNKNOWN_LIFETIME_SECONDS,
    ProviderHttp,
    seconds_in,
)
from postrail.oauth.signed_in import names_in

# msal adds these scopes itself and refuses to be given them.
RESERVED = (OFFLINE, "openid", "profile")
WAITING = "authorization_pending"


class MicrosoftProvider:
    """The role Provider for the Microsoft identity platform, in any of its clouds."""

    def __init__(
        self,
        credential: OAuthCredential,
        owner: TokenOwner,
        client_credential: str | dict[str, str] | None,
        clock: Clock,
    ) -> None:
        self._credential = credential
        self._owner = owner
        self._clock = clock
        scopes = credential.scopes_for(owner)
        self._scopes = [scope for scope in scopes if scope not in RESERVED]
        self._secret = client_credential
        self._http = ProviderHttp(credential)
        self._app = self._application()

    def _application(self) -> Any:
        """Returns a new application, whose cache is empty: tokens are cached in our table only."""
        options = {
            "authority": f"{self._credential.authority}/{self._credential.tenant}",
            # Skips asking Microsoft to confirm the authority that the operator has configured.
            "instance_discovery": False,
            "http_client": self._http,
        }
        client_id = self._credential.client_id
        try:
            # Device codes are for public clients.
            if self._secret and self._credential.flow != "device_code":
                return msal.ConfidentialClientApplication(
                    client_id, client_credential=self._secret, **options
                )
            return msal.PublicClientApplication(client_id, **options)
        except ValueError as error:
            raise ConfigurationError(
                f"msal cannot use credential {self._credential.name}: {type(error).__name__}",
                setting=setting_of(
                    self._credential, "authority, tenant, certificate, thumbprint, private_key"
                ),
                remedy="Check the tenant, and that the private key is PEM and belongs to the"
                " certificate",
            ) from None

    def begin(self, redirect_address: str) -> Begun:
        with warnings.catch_warnings():
            # msal warns that form_post is safer, but a pasted answer must be in the address.
            warnings.simplefilter("ignore", UserWarning)
            flow = self._app.initiate_auth_code_flow(
                self._scopes,
                redirect_uri=redirect_address,
                # The person who signs in for a shared mailbox has another name than the mailbox.
                prompt="select_account",
                login_hint=self._owner.login_hint,
            )
        return Begun(str(flow["auth_uri"]), str(flow["state"]), flow)

    def redeem(self, kept: dict[str, Any], answer: Mapping[str, str]) -> Tokens:
        with self._understood():
            try:
                found = self._app.acquire_token_by_auth_code_flow(kept, dict(answer))
            except ValueError as error:
                found = {"error": "invalid_request", "error_description": str(error)}
        return self._tokens(found, [answer.get("code", "")])

    def begin_device(self) -> DeviceCode:
        flow = self._app.initiate_device_flow(self._scopes)
        if "user_code" not in flow:
            raise refusal(self._credential, self._owner, flow, self._hidden())
        return DeviceCode(
            code=str(flow["user_code"]),
            address=str(flow["verification_uri"]),
            expires_at=self._expiry(flow),
            interval_seconds=seconds_in(flow, "interval", DEVICE_INTERVAL_SECONDS),
            kept=flow,
        )

    def poll_device(self, device: DeviceCode) -> Tokens | None:
        with self._understood(), warnings.catch_warnings():
            # msal would wait by its own clock; the caller waits between the polls.
            warnings.simplefilter("ignore", UserWarning)
            found = self._app.acquire_token_by_device_flow(
                device.kept, exit_condition=lambda _: True
            )
        if found.get("error") == WAITING:
            return None
        return self._tokens(found)

    def refresh(self, refresh_token: str) -> Tokens:
        with self._understood():
            found = self._app.acquire_token_by_refresh_token(refresh_token, self._scopes)
        return self._tokens(found, [refresh_token])

    def own_token(self) -> Tokens:
        with self._understood():
            found = self._app.acquire_token_for_client(self._scopes)
        return self._tokens(found)

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """Translates the errors with which msal fails on answers that differ from Microsoft's."""
        try:
            yield
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ProviderUnavailable(
                f"msal cannot read the answer for {self._owner.username}: {type(error).__name__}",
                setting=setting_of(self._credential, "authority"),
                remedy="Check that it is an authority of Microsoft; it is retried automatically",
            ) from None

    def _tokens(self, found: Mapping[str, Any], sent: list[str] | None = None) -> Tokens:
        if not found.get("access_token"):
            raise refusal(self._credential, self._owner, found, [*(sent or []), *self._hidden()])
        return Tokens(
            access_token=str(found["access_token"]),
            refresh_token=str(found.get("refresh_token", "")),
            expires_at=self._expiry(found),
            signed_in=names_in(found),
        )

    def _expiry(self, answer: Mapping[str, Any]) -> datetime:
        # Not msal's own times, which are the machine's.
        seconds = seconds_in(answer, "expires_in", UNKNOWN_LIFETIME_SECONDS)
        return self._clock.now() + timedelta(seconds=seconds)

    def _hidden(self) -> list[str]:
        return [self._secret] if isinstance(self._secret, str) else []
