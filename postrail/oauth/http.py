"""Sends HTTP requests to a provider of tokens, over TLS only; blocking. Returns JSON objects."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

from postrail.configuration.models.credential import OAuthCredential
from postrail.errors import ConfigurationError, causes
from postrail.oauth import ProviderUnavailable
from postrail.oauth.faults import provider_of, setting_of

# The account's row is locked during a request, and PostgreSQL ends a transaction that is idle for
# longer than 20 s.
TIMEOUT = httpx.Timeout(6.0, connect=4.0)
# The headers that are read; the content is decoded already, so those of its encoding are dropped.
SHOWN_HEADERS = ("Content-Type", "Retry-After")
# Fields of a request that must never appear in a message.
SECRET_FIELDS = (
    "client_secret",
    "client_assertion",
    "assertion",
    "refresh_token",
    "code",
    "code_verifier",
    "device_code",
)
# A token has a few kilobytes. The whole answer must arrive before PostgreSQL ends the transaction:
# without the lock another replica would use the same refresh token.
ANSWER_MAX_BYTES = 1024 * 1024
ANSWER_SECONDS = 10.0
BUSY = (429, 500, 502, 503, 504)
LONGEST_RETRY_AFTER_SECONDS = 3600.0
LONGEST_SECONDS = 10 * 365 * 86400.0
# RFC 6749, 5.1 only recommends to send the lifetime; this one is short enough for any provider.
UNKNOWN_LIFETIME_SECONDS = 600.0
# RFC 8628, 3.2: the default polling interval.
DEVICE_INTERVAL_SECONDS = 5.0


class ProviderHttp:
    """Sends requests to one provider; msal uses its `get` and `post` as an HTTP client too."""

    def __init__(self, credential: OAuthCredential) -> None:
        self._credential = credential
        self._context = _context(credential)

    def get_json(self, url: str) -> dict[str, Any]:
        """Returns the JSON object at the address."""
        response = self.get(url)
        if response.is_error:
            raise self._wrong_address(url, f"the answer is {response.status_code}")
        return self._object(response)

    def post_form(
        self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """Returns the JSON object that answers a form, which may be an OAuth2 error."""
        auth = httpx.BasicAuth(*basic) if basic else None
        return self._object(self._send("POST", url, data=dict(form), auth=auth))

    def get(self, url: str, **options: Any) -> httpx.Response:
        """Sends a GET request; raises ProviderUnavailable if it is out of reach or busy."""
        return self._send("GET", url, **_known(options))

    def post(self, url: str, **options: Any) -> httpx.Response:
        """Sends a POST request; raises ProviderUnavailable like `get`."""
        return self._send("POST", url, **_known(options))

    def _send(
        self, method: str, url: str, *, auth: httpx.BasicAuth | None = None, **options: Any
    ) -> httpx.Response:
        try:
            # There are about two requests an hour, so connections are not kept open.
            with httpx.Client(verify=self._context, timeout=TIMEOUT) as client:
                response = self._whole(client, client.build_request(method, url, **options), auth)
        except httpx.InvalidURL as error:
            raise self._wrong_address(url, str(error)) from error
        except httpx.HTTPError as error:
            raise self._not_reached(url, error) from error
        if response.status_code in BUSY:
            raise self._busy(response)
        if response.status_code == 404:
            raise self._wrong_address(url, "the answer is 404 (not found)")
        # msal would log an answer that is not JSON, with all that it contains.
        self._object(response)
        return response

    def _whole(
        self, client: httpx.Client, request: httpx.Request, auth: httpx.BasicAuth | None
    ) -> httpx.Response:
        """Returns the answer with its content, limited in size and time."""
        content, until = bytearray(), time.monotonic() + ANSWER_SECONDS
        with contextlib.closing(client.send(request, auth=auth, stream=True)) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > ANSWER_MAX_BYTES or time.monotonic() > until:
                    raise httpx.ReadTimeout("the answer is too long or too slow", request=request)
        headers = {
            name: response.headers[name] for name in SHOWN_HEADERS if name in response.headers
        }
        return httpx.Response(
            response.status_code, headers=headers, content=bytes(content), request=request
        )

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        try:
            found = json.loads(response.content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._wrong_address(
                str(response.url), f"the answer {response.status_code} is not JSON"
            )
        return found

    def _not_reached(self, url: str, error: httpx.HTTPError) -> Exception:
        untrusted = (one for one in causes(error) if isinstance(one, ssl.SSLCertVerificationError))
        cause = next(untrusted, None)
        host = httpx.URL(url).host
        if cause is not None:
            return ConfigurationError(
                f"the certificate of {host} is not trusted: {cause.verify_message}",
                setting=setting_of(self._credential, "ca_file"),
                remedy="Set ca_file to the PEM file of the authority that signed it",
            )
        return ProviderUnavailable(
            f"the provider of tokens {host} is unreachable: {error or type(error).__name__}",
            remedy="Check the network to that server; it is retried automatically",
        )

    def _busy(self, response: httpx.Response) -> ProviderUnavailable:
        text = response.headers.get("Retry-After", "")
        seconds = float(text) if text.isascii() and text.isdigit() else 0.0
        return ProviderUnavailable(
            f"{provider_of(self._credential)} issues no tokens now: the answer is"
            f" {response.status_code}",
            retry_after_seconds=min(seconds, LONGEST_RETRY_AFTER_SECONDS),
            remedy="It is retried automatically",
        )

    def _wrong_address(self, url: str, words: str) -> ConfigurationError:
        return ConfigurationError(
            f"{url} is not an address of a provider of tokens: {words}",
            setting=setting_of(self._credential, "authority, tenant, token_url"),
            remedy="Correct the provider's addresses",
        )


def sent_secrets(form: Mapping[str, Any]) -> list[str]:
    """Returns the values in a form that must never appear in a message."""
    return [str(form[name]) for name in SECRET_FIELDS if form.get(name)]


def seconds_in(answer: Mapping[str, Any], name: str, otherwise: float) -> float:
    """Returns a number of seconds in an answer, or `otherwise` when it is not plausible."""
    try:
        found = float(answer[name])
    except (KeyError, TypeError, ValueError):
        return otherwise
    return found if 0 < found < LONGEST_SECONDS else otherwise


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that httpx has, with bytes decoded; msal passes those of requests."""
    known = {name: options[name] for name in ("params", "data", "headers") if name in options}
    if isinstance(form := known.get("data"), Mapping):
        known["data"] = {name: _text(value) for name, value in form.items()}
    return known


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _context(credential: OAuthCredential) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=credential.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"cannot read certificates from {credential.ca_file}:"
            f" {getattr(error, 'strerror', '') or error}",
            setting=setting_of(credential, "ca_file"),
            remedy="Name a readable PEM file, or leave it blank for the system's certificates",
        ) from error
