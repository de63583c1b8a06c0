"""HTTP to a provider of tokens, over TLS only; blocking. Out come JSON objects or our errors."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

from postrail.configuration.credential import OAuthCredential
from postrail.errors import ConfigurationError
from postrail.oauth import ProviderUnavailable
from postrail.oauth.faults import provider_of, setting_of

# A row of the table of tokens is locked meanwhile, and PostgreSQL ends a transaction that is idle
# for longer than 20 s.
TIMEOUT = httpx.Timeout(6.0, connect=4.0)
# What is looked at in an answer's header; how it was encoded matters no more.
SHOWN_HEADERS = ("Content-Type", "Retry-After")
# The fields of a request that no message may show.
SECRET_FIELDS = (
    "client_secret",
    "client_assertion",
    "assertion",
    "refresh_token",
    "code",
    "code_verifier",
    "device_code",
)
# A token has some kilobytes. The whole answer has to come well before PostgreSQL gives up, too:
# with the lock gone, another replica would use the same refresh token.
ANSWER_MAX_BYTES = 1024 * 1024
ANSWER_SECONDS = 10.0
BUSY = (429, 500, 502, 503, 504)
LONGEST_RETRY_AFTER_SECONDS = 3600.0
LONGEST_SECONDS = 10 * 365 * 86400.0
# RFC 6749, 5.1 recommends to tell the lifetime; this one is short enough for any provider.
UNKNOWN_LIFETIME_SECONDS = 600.0
# RFC 8628, 3.2: the pause when the provider names none.
DEVICE_INTERVAL_SECONDS = 5.0


class ProviderHttp:
    """Requests to one provider. Its `get` and `post` are also what msal takes as an HTTP client."""

    def __init__(self, credential: OAuthCredential) -> None:
        self._credential = credential
        self._context = _context(credential)

    def get_json(self, url: str) -> dict[str, Any]:
        """The JSON object at the address."""
        response = self.get(url)
        if response.is_error:
            raise self._wrong_address(url, f"it answers {response.status_code}")
        return self._object(response)

    def post_form(
        self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object that answers a form; an OAuth2 error is an answer, too."""
        auth = httpx.BasicAuth(*basic) if basic else None
        return self._object(self._send("POST", url, data=dict(form), auth=auth))

    def get(self, url: str, **options: Any) -> httpx.Response:
        """Raises ProviderUnavailable when the provider cannot be reached or is busy."""
        return self._send("GET", url, **_known(options))

    def post(self, url: str, **options: Any) -> httpx.Response:
        """Raises ProviderUnavailable when the provider cannot be reached or is busy."""
        return self._send("POST", url, **_known(options))

    def _send(
        self, method: str, url: str, *, auth: httpx.BasicAuth | None = None, **options: Any
    ) -> httpx.Response:
        try:
            # Two requests an hour: no connection is worth being kept.
            with httpx.Client(verify=self._context, timeout=TIMEOUT) as client:
                response = self._whole(client, client.build_request(method, url, **options), auth)
        except httpx.InvalidURL as error:
            raise self._wrong_address(url, str(error)) from error
        except httpx.HTTPError as error:
            raise self._not_reached(url, error) from error
        if response.status_code in BUSY:
            raise self._busy(response)
        if response.status_code == 404:
            raise self._wrong_address(url, "it answers 404 (not found)")
        # msal would log an answer that is no JSON, whatever it holds.
        self._object(response)
        return response

    def _whole(
        self, client: httpx.Client, request: httpx.Request, auth: httpx.BasicAuth | None
    ) -> httpx.Response:
        """The answer with its content, which neither is endless nor takes for ever."""
        content, until = bytearray(), time.monotonic() + ANSWER_SECONDS
        with contextlib.closing(client.send(request, auth=auth, stream=True)) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > ANSWER_MAX_BYTES or time.monotonic() > until:
                    raise httpx.ReadTimeout("the answer has no end", request=request)
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
                str(response.url), f"it answers {response.status_code} without JSON"
            )
        return found

    def _not_reached(self, url: str, error: httpx.HTTPError) -> Exception:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__cause__ or cause.__context__
        host = httpx.URL(url).host
        if cause is not None:
            return ConfigurationError(
                f"the certificate of {host} is not trusted: {cause.verify_message}",
                setting=setting_of(self._credential, "ca_file"),
                remedy="Set ca_file to the PEM file of the authority that signed it",
            )
        return ProviderUnavailable(
            f"{host}, which gives the tokens, cannot be reached: {error or type(error).__name__}",
            remedy="Check the network between here and there; it is tried again by itself",
        )

    def _busy(self, response: httpx.Response) -> ProviderUnavailable:
        text = response.headers.get("Retry-After", "")
        seconds = float(text) if text.isascii() and text.isdigit() else 0.0
        return ProviderUnavailable(
            f"{provider_of(self._credential)} gives no tokens now: it answers"
            f" {response.status_code}",
            retry_after_seconds=min(seconds, LONGEST_RETRY_AFTER_SECONDS),
            remedy="It is tried again by itself",
        )

    def _wrong_address(self, url: str, words: str) -> ConfigurationError:
        return ConfigurationError(
            f"{url} is no address of a provider of tokens: {words}",
            setting=setting_of(self._credential, "authority, tenant, token_url"),
            remedy="Correct the provider's addresses",
        )


def sent_secrets(form: Mapping[str, Any]) -> list[str]:
    """What a form holds that no message may show."""
    return [str(form[name]) for name in SECRET_FIELDS if form.get(name)]


def seconds_in(answer: Mapping[str, Any], name: str, otherwise: float) -> float:
    """A span of time in an answer, where it is one that makes sense."""
    try:
        found = float(answer[name])
    except (KeyError, TypeError, ValueError):
        return otherwise
    return found if 0 < found < LONGEST_SECONDS else otherwise


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    """msal passes options of the library requests on, and bytes, which httpx would quote."""
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
