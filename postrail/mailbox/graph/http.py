"""Sends requests to Microsoft Graph for one mailbox, over one connection, one at a time. Blocking.

Each request has the token and asks for immutable ids; a failed one raises one of our errors.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.graph_limits.shared import TakeRequest
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.graph.faults import connection_fault, refusal, strange_answer
from postrail.mailbox.limits import HEADER_MAX_BYTES
from postrail.oauth import BearerToken
from postrail.wire import connect_timeout_seconds
from postrail.wire.dialogue_log import DialogueLog
from postrail.wire.faults import tls_context
from postrail.wire.graph import IMMUTABLE_IDS, VERSION, json_in, segment
from postrail.wire.login import token_from

# We get tokens that are valid for at least five more minutes.
BEARER_SECONDS = 240.0
# A page of 1000 messages has half a megabyte; 10,000 pages are a mailbox of millions.
ANSWER_MAX_BYTES = 8 * 1024 * 1024
MOST_PAGES = 10_000


def header_in(chunks: Iterable[bytes]) -> bytes:
    """Returns the header of a message; takes no more chunks than that needs."""
    header = bytearray()
    for chunk in chunks:
        searched = max(0, len(header) - 3)
        header += chunk
        end = header.find(b"\r\n\r\n", searched)
        if end >= 0:
            return bytes(header[: end + 4])
        if len(header) > HEADER_MAX_BYTES:
            break
    return bytes(header)


@functools.cache
def _system_context(min_tls_version: str) -> ssl.SSLContext:
    """Returns one context for all mailboxes with the system's authorities, as it takes 0.7 MB."""
    context = ssl.create_default_context()
    if min_tls_version == "1.3":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class GraphClient:
    """Sends the requests for the mailbox of an account, below /users/{mailbox} or /me."""

    def __init__(
        self, account: MailAccount, token: BearerToken, take_request: TakeRequest | None = None
    ) -> None:
        self._account = account
        self._take_request = take_request
        self._token = token
        self._bearer = ""
        self._bearer_until = 0.0
        self._dialogue = DialogueLog(account.name) if account.debug else None
        self._socket: socket.socket | None = None
        self._interrupted = False
        # `me` is the mailbox of the person who authorized the account.
        name = account.username or account.address
        self.mailbox = name
        self._owner = "me" if name.lower() == "me" else f"users/{segment(name)}"
        self._client: httpx.Client | None = None

    def connect(self) -> None:
        """Creates the client, which connects later. Raises ConfigurationError for a bad ca_file."""
        account = self._account
        self._client = httpx.Client(
            base_url=f"https://{account.host}:{account.port}/{VERSION}/",
            verify=self._context(),
            timeout=httpx.Timeout(
                account.timeout_ms / 1000, connect=connect_timeout_seconds(account)
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
        """Returns the object at a path below the mailbox, or at a link that Graph sent."""
        preferred = f", odata.maxpagesize={page_size}" if page_size else ""
        with self._response("GET", path, params, prefer=IMMUTABLE_IDS + preferred) as response:
            return self._json(response)

    def send(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Sends a change; returns the changed object, or an empty one for status 204."""
        with self._response(method, path, body=body) as response:
            return {} if response.status_code == httpx.codes.NO_CONTENT else self._json(response)

    @contextlib.contextmanager
    def content(self, path: str) -> Iterator[Iterator[bytes]]:
        """Yields the chunks of a content as they come; leaving early ends the download."""
        with self._response("GET", path) as response:
            if not {"content-length", "transfer-encoding"} & set(response.headers):
                # Such an answer ends with the connection, so that a cut would not be noticed.
                raise strange_answer(self._account, "content without a length")
            yield self._chunks(response)

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        with connection_fault(self._account):
            yield from response.iter_bytes()

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        content = self._whole(response)
        with connection_fault(self._account):
            found = json_in(content)
        if not isinstance(found, dict):
            raise strange_answer(self._account, "JSON that is not an object")
        return found

    def _whole(self, response: httpx.Response) -> bytes:
        content = bytearray()
        for chunk in self._chunks(response):
            content += chunk
            if len(content) > ANSWER_MAX_BYTES:
                raise strange_answer(self._account, f"more than {ANSWER_MAX_BYTES} bytes of JSON")
        return bytes(content)

    def items(self, page: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Returns the objects in a page of a list; raises when one of them lacks its id."""
        found = page.get("value", [])
        if not isinstance(found, list) or not all(
            isinstance(item, dict) and item.get("id") for item in found
        ):
            raise strange_answer(self._account, "a list of objects without ids")
        return found

    def note_page(self, link: str, followed: set[str]) -> None:
        """Raises MailboxUnavailable when a list returns to an earlier page, or has too many."""
        if link in followed or len(followed) >= MOST_PAGES:
            raise strange_answer(self._account, "a list without end")
        followed.add(link)

    @contextlib.contextmanager
    def _response(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        prefer: str = IMMUTABLE_IDS,
    ) -> Iterator[httpx.Response]:
        """Yields the answer; raises the error for a refusal."""
        response = self._answer(method, path, params, body, prefer)
        try:
            if not response.is_success:
                raise self._refusal(response)
            yield response
        finally:
            response.close()
            self._log(response)

    def _answer(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
        prefer: str,
    ) -> httpx.Response:
        """Returns the answer; sends the request again, with a new token, when that was refused."""
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
                self._log(response)
                response = self._sent(client, request, other)
            return response

    def _sent(self, client: httpx.Client, request: httpx.Request, bearer: str) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {bearer}"
        if self._take_request is not None:
            self._take_request()
        return client.send(request, stream=True)

    def _log(self, response: httpx.Response) -> None:
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
        """Returns a token, kept for a while, as getting one takes a query to PostgreSQL."""
        if refused or time.monotonic() > self._bearer_until:
            self._bearer = token_from(self._token, refused)
            self._bearer_until = time.monotonic() + BEARER_SECONDS
        return self._bearer

    def _address(self, path: str) -> str:
        """Returns the address of a path; a link must lead to the host that our token is for."""
        if not path.startswith("https://"):
            return f"{self._owner}/{path}"
        url = httpx.URL(path)
        ours = (self._account.host.lower(), self._account.port)
        # httpx would send a user name in a link instead of our token.
        if (url.host, url.port or 443) != ours or url.userinfo:
            raise strange_answer(self._account, f"a link to {url.host}")
        return path

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Keeps the socket of a new connection for `interrupt`."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._interrupted:
                self.interrupt()

    def _connected(self) -> httpx.Client:
        if self._interrupted or self._client is None:
            raise MailboxUnavailable("the mailbox is closed")
        return self._client

    def interrupt(self) -> None:
        """Shuts the socket down while another thread may read from it; ends all requests."""
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
