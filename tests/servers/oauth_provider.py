"""A stateful provider of OAuth2 tokens over TLS with the checks of Google and Microsoft.

It verifies PKCE, redirect addresses, client secrets and signatures; refresh tokens rotate, and the
second use of one ends its whole family (RFC 9700, 4.14.2), unless a grace is set. It signs in the
user whom `login_hint` names.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import jwt

from tests.servers.certificates import Certificates

TENANT = "tenant"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
Form = dict[str, str]


class Refused(Exception):
    """An OAuth2 error."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.answer = {"error": error, "error_description": description or f"no: {error}"}
        self.status = status


@dataclass
class Family:
    """The refresh tokens that follow from one sign-in; only the newest is valid."""

    user: str
    newest: str = ""
    previous: str = ""


@dataclass
class Busy:
    """An answer that replaces the next one of the token endpoint."""

    status: int = 503
    retry_after: str = ""
    body: str = '{"error": "temporarily_unavailable"}'


class OAuthProvider:
    """One provider; `authority` is its address."""

    def __init__(self, certificates: Certificates) -> None:
        # Client id to secret; a public client has a blank secret.
        self.clients = {"app": "client-s3cret", "public": ""}
        # The PEM public keys of signers, by client id or by the service account's address.
        self.keys: dict[str, str] = {}
        # Addresses that a service account may act for.
        self.delegated = {"help@example.org"}
        self.redirect_hosts = {"localhost", "127.0.0.1"}
        self.access_seconds = 3600
        self.rotates = True
        # True: a spent token stays valid until its successor is used.
        self.grace = False
        self.gives_refresh_tokens = True
        # Answers to the next requests for tokens, one for each.
        self.busy: list[Busy] = []
        # Called after a rotation, before the answer is sent.
        self.after_rotation: Callable[[], None] = lambda: None
        # All forms that reached the token endpoint.
        self.requests: list[Form] = []
        # Access token to user.
        self.valid: dict[str, str] = {}
        # Answers until a person enters the code, in turn; the last one is repeated.
        self.device_answers = ["authorization_pending"]
        self.device_entered = threading.Event()
        self._families: dict[str, Family] = {}
        self._codes: dict[str, Form] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._server.socket = certificates.server_context().wrap_socket(
            self._server.socket, server_side=True
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def authority(self) -> str:
        """Returns its address without a path."""
        return f"https://localhost:{self._server.server_address[1]}"

    def start(self) -> None:
        """Starts the server."""
        self._thread.start()

    def stop(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()

    def refreshes(self) -> list[Form]:
        """Returns the forms of the refreshes that were requested."""
        return [form for form in self.requests if form.get("grant_type") == "refresh_token"]

    def revoke(self, user: str) -> None:
        """Revokes all tokens of the user, as a change of the password does."""
        for family in {id(found): found for found in self._families.values()}.values():
            if family.user == user:
                family.newest = family.previous = ""
        self.valid = {token: owner for token, owner in self.valid.items() if owner != user}

    def configuration(self) -> dict[str, Any]:
        """Returns the published configuration (OpenID Connect Discovery)."""
        root = f"{self.authority}/{TENANT}/oauth2/v2.0"
        return {
            "issuer": f"{self.authority}/{TENANT}/v2.0",
            "authorization_endpoint": f"{root}/authorize",
            "token_endpoint": f"{root}/token",
            "device_authorization_endpoint": f"{root}/devicecode",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def sign_in(self, query: Form) -> str:
        """Returns the address to which the browser is redirected after a sign-in."""
        redirect = query["redirect_uri"]
        if urlsplit(redirect).hostname not in self.redirect_hosts:
            raise Refused("redirect_uri_mismatch")
        if query.get("client_id") not in self.clients:
            raise Refused("unauthorized_client", "AADSTS700016: not found in the directory")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise Refused("invalid_request", "PKCE is required")
        code = f"code-{next(self._numbers)}"
        self._codes[code] = query
        return f"{redirect}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: Form, basic: tuple[str, str] | None) -> dict[str, Any]:
        """Returns the answer of the token endpoint."""
        with self._lock:
            self.requests.append(form)
            grant = form.get("grant_type", "")
            if grant == JWT_BEARER:
                return self._access(self._asserted(form))
            client = self._client(form, basic)
            if grant == "client_credentials":
                if not self.clients[client] and client not in self.keys:
                    raise Refused("unauthorized_client")
                return self._access(client)
            if grant == "authorization_code":
                return self._with_refresh(self._redeemed(form, client))
            if grant == DEVICE:
                return self._with_refresh(self._device(form))
            if grant == "refresh_token":
                return self._refreshed(form["refresh_token"])
            raise Refused("unsupported_grant_type")

    def device(self, form: Form) -> dict[str, Any]:
        """Returns the answer of the device endpoint."""
        self._client_known(form.get("client_id", ""))
        return {
            "device_code": "device-1",
            "user_code": "ABCD-EFGH",
            "verification_uri": f"{self.authority}/device",
            "expires_in": 900,
            "interval": 1,
        }

    def _client(self, form: Form, basic: tuple[str, str] | None) -> str:
        client, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        self._client_known(client)
        if assertion := form.get("client_assertion"):
            # RFC 7523, 2.2: signed by the key whose certificate was uploaded.
            self._verified(assertion, client)
        elif secret != self.clients[client]:
            raise Refused("invalid_client", "AADSTS7000215: invalid client secret", status=401)
        return client

    def _client_known(self, client: str) -> None:
        if client not in self.clients:
            raise Refused("unauthorized_client", "AADSTS700016: not found in the directory")

    def _verified(self, assertion: str, signer: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                assertion,
                self.keys[signer],
                algorithms=["RS256", "PS256"],
                options={"verify_aud": False},
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            raise Refused("invalid_client", f"AADSTS700027: bad signature: {error}", 401) from error

    def _asserted(self, form: Form) -> str:
        claims = jwt.decode(form["assertion"], options={"verify_signature": False})
        try:
            self._verified(form["assertion"], claims["iss"])
        except Refused as error:
            raise Refused("invalid_grant", "Invalid JWT Signature.") from error
        if claims["exp"] - claims["iat"] > 3600 or claims["exp"] < time.time():
            raise Refused("invalid_grant", "Invalid JWT: it must live for an hour at most")
        if claims["aud"] != self.configuration()["token_endpoint"]:
            raise Refused("invalid_grant", "Invalid audience")
        if claims["sub"] not in self.delegated:
            raise Refused("unauthorized_client", "not authorized for this subject or scopes")
        return str(claims["sub"])

    def _redeemed(self, form: Form, client: str) -> str:
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or asked["client_id"] != client:
            raise Refused("invalid_grant", "the code is not known, or was used")
        if asked["redirect_uri"] != form.get("redirect_uri"):
            raise Refused("invalid_grant", "another redirect address")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            raise Refused("invalid_grant", "the code verifier is wrong")
        return asked.get("login_hint", "somebody@example.org")

    def _device(self, form: Form) -> str:
        if form.get("device_code") != "device-1":
            raise Refused("invalid_grant")
        if not self.device_entered.is_set():
            answers = self.device_answers
            raise Refused(answers.pop(0) if len(answers) > 1 else answers[0])
        return "help@example.org"

    def _access(self, user: str) -> dict[str, Any]:
        token = f"access-{next(self._numbers)}"
        self.valid[token] = user
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.access_seconds}

    def _with_refresh(self, user: str) -> dict[str, Any]:
        answer = self._access(user)
        if self.gives_refresh_tokens:
            answer["refresh_token"] = self._next(Family(user))
        return answer

    def _next(self, family: Family) -> str:
        token = f"refresh-{next(self._numbers)}"
        family.previous, family.newest = family.newest, token
        self._families[token] = family
        return token

    def _refreshed(self, token: str) -> dict[str, Any]:
        family = self._families.get(token)
        if family is None or not family.newest:
            raise Refused("invalid_grant", "AADSTS70000: the refresh token is revoked")
        again = self.grace and token == family.previous
        if token != family.newest and not again:
            # The token was copied, so the whole family is revoked.
            family.newest = family.previous = ""
            raise Refused("invalid_grant", f"the refresh token {token} was used before")
        answer = self._access(family.user)
        if self.rotates:
            answer["refresh_token"] = self._next(family)
            if again:
                family.previous = token
            self.after_rotation()
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: OAuthProvider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that end the handshake because they do not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.endswith("/.well-known/openid-configuration"):
            if path.startswith(("/.well", f"/{TENANT}/")):
                self._answer(200, self.server.provider.configuration())
            else:
                self._answer(400, {"error": "invalid_tenant", "error_description": "AADSTS90002"})
        elif path.endswith("/authorize"):
            self._sign_in(dict(parse_qsl(query)))
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form, provider = dict(parse_qsl(body)), self.server.provider
        try:
            if self.path.endswith("/devicecode"):
                self._answer(200, provider.device(form))
            elif not self.path.endswith("/token"):
                self._answer(404, {"error": "not_found"})
            elif provider.busy:
                self._busy(provider.busy.pop(0))
            else:
                self._answer(200, provider.token(form, self._basic()))
        except Refused as error:
            self._answer(error.status, error.answer)

    def _sign_in(self, query: Form) -> None:
        try:
            location = self.server.provider.sign_in(query)
        except Refused as error:
            self._answer(error.status, error.answer)
            return
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _basic(self) -> tuple[str, str] | None:
        given = self.headers.get("Authorization", "")
        if not given.startswith("Basic "):
            return None
        client, _, secret = base64.b64decode(given[6:]).decode().partition(":")
        return unquote_plus(client), unquote_plus(secret)

    def _busy(self, busy: Busy) -> None:
        headers = {"Retry-After": busy.retry_after} if busy.retry_after else {}
        self._send(busy.status, busy.body.encode(), headers)

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        self._send(status, json.dumps(answer).encode(), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  Its name there.
        """Logs nothing; tests read `requests` instead."""


def running(certificates: Certificates) -> Iterator[OAuthProvider]:
    """Runs a provider for the duration of a fixture."""
    provider = OAuthProvider(certificates)
    provider.start()
    yield provider
    provider.stop()
