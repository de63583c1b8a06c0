"""Requests to Microsoft Graph for one mailbox, over one connection, one at a time. Blocking.

Each has the token, asks for immutable ids, and ends in an answer or in one of our errors.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.dialogue_log import Dialogue
from postrail.mailbox.faults import tls_context
from postrail.mailbox.graph.faults import connection_fault, json_in, refusal, strange_answer
from postrail.mailbox.login import asked_for
from postrail.oauth import BearerToken

VERSION = "v1.0"
# Tokens are given out while they are good for five minutes at least.
BEARER_SECONDS = 240.0
CONNECT_TIMEOUT_SECONDS = 10.0
# As https://learn.microsoft.com/graph/outlook-immutable-id has it: on each request.
IMMUTABLE_IDS = 'IdType="ImmutableId"'
# A page of 1000 mails has half a megabyte; a list of 10,000 pages is a mailbox of millions.
ANSWER_MAX_BYTES = 8 * 1024 * 1024
MOST_PAGES = 10_000
HEADER_MAX_BYTES = 1024 * 1024


def segment(text: str) -> str:
    """A name or an id as part of a path; ids are case-sensitive and go as they are."""
    return quote(text, safe="")


def header_in(pieces: Iterable[bytes]) -> bytes:
    """The header of a mail whose content comes in pieces; no more of them are taken than that."""
    header = bytearray()
    for piece in pieces:
        searched = max(0, len(header) - 3)
        header += piece
        end = header.find(b"\r\n\r\n", searched)
        if end >= 0:
            return bytes(header[: end + 4])
        if len(header) > HEADER_MAX_BYTES:
            break
    return bytes(header)


@functools.cache
def _system_context(min_tls_version: str) -> ssl.SSLContext:
    """One for all mailboxes that trust the system's authorities, as those take 0.7 MB each time."""
    context = ssl.create_default_context()
    if min_tls_version == "1.3":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class GraphClient:
    """What the mailbox of an account is asked, below /users/{mailbox} or /me."""

    def __init__(self, account: MailAccount, token: BearerToken) -> None:
        self._account = account
        self._token = token
        self._bearer = ""
        self._bearer_until = 0.0
        self._dialogue = Dialogue(account.name) if account.debug else None
        self._socket: socket.socket | None = None
        self._interrupted = False
        # `me` stands for the mailbox of whoever authorized the account.
        name = account.username or account.address
        self.mailbox = name
        self._owner = "me" if name.lower() == "me" else f"users/{segment(name)}"
        self._client: httpx.Client | None = None

    def connect(self) -> None:
        """Makes ready; the first request connects. A wrong ca_file is a ConfigurationError."""
        account = self._account
        timeout_seconds = account.timeout_ms / 1000
        self._client = httpx.Client(
            base_url=f"https://{account.host}:{account.port}/{VERSION}/",
            verify=self._context(),
            timeout=httpx.Timeout(
                timeout_seconds, connect=min(timeout_seconds, CONNECT_TIMEOUT_SECONDS)
            ),
        )

    def _context(self) -> ssl.SSLContext:
        account = self._account
        if account.ca_file or not account.verify_certificate:
            return tls_context(account)
        return _system_context(account.min_tls_version)

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, page_size: int = 0
    ) -> dict[str, Any]:
        """What is at a path below the mailbox, or at a link that Graph gave us."""
        preferred = f", odata.maxpagesize={page_size}" if page_size else ""
        with self._asked("GET", path, params, prefer=IMMUTABLE_IDS + preferred) as response:
            return self._json(response)

    def send(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Changes something; what it has become, or nothing when there is none left."""
        with self._asked(method, path, body=body) as response:
            return {} if response.status_code == httpx.codes.NO_CONTENT else self._json(response)

    @contextlib.contextmanager
    def content(self, path: str) -> Iterator[Iterator[bytes]]:
        """The pieces of a content as they come; leaving early breaks the download off."""
        with self._asked("GET", path) as response:
            if not {"content-length", "transfer-encoding"} & set(response.headers):
                # Such an answer ends where the connection ends, so that none could see a cut.
                raise strange_answer(self._account, "a content without its length")
            yield self._pieces(response)

    def _pieces(self, response: httpx.Response) -> Iterator[bytes]:
        with connection_fault(self._account):
            yield from response.iter_bytes()

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        content = self._whole(response)
        with connection_fault(self._account):
            found = json_in(content)
        if not isinstance(found, dict):
            raise strange_answer(self._account, "no object")
        return found

    def _whole(self, response: httpx.Response) -> bytes:
        content = bytearray()
        for piece in self._pieces(response):
            content += piece
            if len(content) > ANSWER_MAX_BYTES:
                raise strange_answer(self._account, f"more than {ANSWER_MAX_BYTES} bytes of JSON")
        return bytes(content)

    def items(self, page: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a page of a list holds; each has its id."""
        found = page.get("value", [])
        if not isinstance(found, list) or not all(
            isinstance(item, dict) and item.get("id") for item in found
        ):
            raise strange_answer(self._account, "a list of things without ids")
        return found

    def note_page(self, link: str, followed: set[str]) -> None:
        """Raises MailboxUnavailable when a list comes back to a page that it had, or has no end."""
        if link in followed or len(followed) >= MOST_PAGES:
            raise strange_answer(self._account, "a list that has no end")
        followed.add(link)

    @contextlib.contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        prefer: str = IMMUTABLE_IDS,
    ) -> Iterator[httpx.Response]:
        """The answer, or the error that it means."""
        response = self._answer(method, path, params, body, prefer)
        try:
            if not response.is_success:
                raise self._refusal(response)
            yield response
        finally:
            response.close()
            self._tell(response)

    def _answer(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
        prefer: str,
    ) -> httpx.Response:
        """What Graph answers; it is asked again with another token when it refuses the first."""
        with connection_fault(self._account):
            client, path = self._connected(), self._address(path)
            request = client.build_request(
                method,
                path,
                params=params,
                json=body,
                headers={"Prefer": prefer},
                extensions={"trace": self._trace},
            )
            response = self._sent(client, request, bearer := self._fresh_bearer())
            refused = response.status_code == httpx.codes.UNAUTHORIZED
            if refused and (other := self._fresh_bearer(refused=bearer)) != bearer:
                response.close()
                self._tell(response)
                response = self._sent(client, request, other)
            return response

    def _sent(self, client: httpx.Client, request: httpx.Request, bearer: str) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {bearer}"
        return client.send(request, stream=True)

    def _tell(self, response: httpx.Response) -> None:
        if self._dialogue is not None:
            request = response.request
            self._dialogue.exchanged(
                request.method,
                str(request.url),
                response.status_code,
                sent=int(request.headers.get("Content-Length", 0)),
                received=response.num_bytes_downloaded,
            )

    def _refusal(self, response: httpx.Response) -> PipelineError:
        if not response.is_error:
            return strange_answer(self._account, f"status {response.status_code}")
        content = self._whole(response)
        return refusal(self._account, response.status_code, response.headers, content)

    def _fresh_bearer(self, refused: str = "") -> str:
        """A token; whoever gives it out looks into PostgreSQL, which not each request needs."""
        if refused or time.monotonic() > self._bearer_until:
            self._bearer = asked_for(self._token, refused)
            self._bearer_until = time.monotonic() + BEARER_SECONDS
        return self._bearer

    def _address(self, path: str) -> str:
        """The address of a path; a link is followed only to where our token belongs."""
        if not path.startswith("https://"):
            return f"{self._owner}/{path}"
        url = httpx.URL(path)
        ours = (self._account.host.lower(), self._account.port)
        # A name in a link would go in the place of our token.
        if (url.host, url.port or 443) != ours or url.userinfo:
            raise strange_answer(self._account, f"a link to {url.host}")
        return path

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Notes the socket, which `interrupt` needs, when a connection comes about."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._interrupted:
                self.interrupt()

    def _connected(self) -> httpx.Client:
        if self._interrupted or self._client is None:
            raise MailboxUnavailable("the mailbox is closed")
        return self._client

    def interrupt(self) -> None:
        """Shuts the socket down under whatever reads from it; nothing is asked after that."""
        self._interrupted = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own shutdown, which changes the object that the other thread uses.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Releases the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
