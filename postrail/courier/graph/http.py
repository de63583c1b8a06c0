"""Sends requests to Microsoft Graph for one mailbox, several at once; each raises our errors."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import as_unavailable
from postrail.courier.graph.faults import (
    InDoubt,
    owner_of,
    refusal,
    strange_answer,
    transport_fault,
    was_not_sent,
)
from postrail.courier.graph.permissions import permissions_in
from postrail.errors import ConfigurationError, ServerUnavailable
from postrail.oauth import TokenSource
from postrail.wire.dialogue_log import DialogueLog
from postrail.wire.faults import tls_context
from postrail.wire.graph import IMMUTABLE_IDS, VERSION, json_in, segment
from postrail.wire.login import token_of

# We get tokens that are valid for at least five more minutes.
BEARER_SECONDS = 240.0
# A message's resource has kilobytes; only its id and few fields are asked for.
ANSWER_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Returns whether Graph did what it was asked for."""
        return 200 <= self.status < 300


async def _read(response: httpx.Response) -> Reply:
    """Reads an answer; one that is too long is no answer of Graph."""
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > ANSWER_MAX_BYTES:
            raise httpx.ReadError("the answer is too long", request=response.request)
    return Reply(response.status_code, response.headers, bytes(content))


class GraphHttp:
    """Sends the requests for the mailbox of a connection, below /users/{mailbox}."""

    def __init__(
        self,
        connection: OutgoingConnection,
        token: TokenSource,
        dialogue: DialogueLog | None = None,
    ) -> None:
        self._connection = connection
        self._token = token
        self._bearer = ""
        self._bearer_until = 0.0
        self._dialogue = dialogue
        self._client: httpx.AsyncClient | None = None
        self._users = 0
        self._is_closed = False

    @contextlib.asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Keeps the connections open within the block, also when `close` is called meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._is_closed:
                await self.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        content: bytes | None = None,
        wants_answer: bool = True,
    ) -> dict[str, Any]:
        """Returns the object that answers a request below the mailbox; empty if it has no body.

        Without `wants_answer` success is all that counts. `content` is sent as text/plain.
        Raises CourierUnavailable, MessageTooLarge, Refused, Forbidden, and InDoubt when the
        connection broke after the request.
        """
        bearer = await self._fresh_bearer()
        options = {"params": params, "json": json, "content": content}
        reply = await self._sent(method, path, bearer, options)
        if reply.status == httpx.codes.UNAUTHORIZED:
            other = await self._fresh_bearer(refused=bearer)
            if other != bearer:
                reply = await self._sent(method, path, other, options)
        if not reply.is_success:
            raise refusal(self._connection, reply.status, reply.headers, reply.content)
        return self._object(reply.content) if wants_answer else {}

    async def permissions(self) -> frozenset[str] | None:
        """Returns the permissions in the token, a new one if need be; None: it is not readable."""
        return permissions_in(await self._fresh_bearer())

    async def put(self, url: str, content: bytes, content_range: str) -> None:
        """Uploads a part of an attachment to the address that Graph gave, which needs no token."""
        if not url.startswith("https://"):
            raise strange_answer(self._connection, "an address for uploads without https")
        headers = {"Content-Range": content_range, "Content-Type": "application/octet-stream"}
        reply = await self._exchange("PUT", url, headers, {"content": content})
        if not reply.is_success:
            raise refusal(self._connection, reply.status, reply.headers, reply.content)

    async def close(self) -> None:
        """Closes the connections, or leaves that to the last one that uses them."""
        self._is_closed = True
        if self._users == 0 and self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _sent(self, method: str, path: str, bearer: str, options: Mapping[str, Any]) -> Reply:
        headers = {"Authorization": f"Bearer {bearer}", "Prefer": IMMUTABLE_IDS}
        if options["content"] is not None:
            headers["Content-Type"] = "text/plain"
        url = f"users/{segment(owner_of(self._connection))}/{path}"
        return await self._exchange(method, url, headers, options)

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], options: Mapping[str, Any]
    ) -> Reply:
        client = await self._connected()
        request = client.build_request(method, url, headers=headers, **options)
        try:
            response = await client.send(request, stream=True)
            try:
                reply = await _read(response)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            fault = transport_fault(self._connection, error)
            if was_not_sent(error):
                raise fault from error
            raise InDoubt(fault.problem) from error
        except httpx.InvalidURL as error:
            raise strange_answer(self._connection, str(error)) from error
        self._show(request, reply)
        return reply

    def _object(self, content: bytes) -> dict[str, Any]:
        if not content:
            return {}
        try:
            found = json_in(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise strange_answer(self._connection, "content that is no JSON object")
        return found

    def _show(self, request: httpx.Request, reply: Reply) -> None:
        if self._dialogue is not None:
            self._dialogue.exchanged(
                request.method,
                str(request.url),
                reply.status,
                sent=int(request.headers.get("Content-Length", 0)),
                received=len(reply.content),
            )

    async def _fresh_bearer(self, refused: str = "") -> str:
        """Returns a token, kept for a while, as getting one takes a query to PostgreSQL."""
        if refused or time.monotonic() > self._bearer_until:
            try:
                self._bearer = await token_of(self._token, refused)
            except (ConfigurationError, ServerUnavailable) as error:
                raise as_unavailable(error) from error
            self._bearer_until = time.monotonic() + BEARER_SECONDS
        return self._bearer

    async def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            connection = self._connection
            try:
                context: ssl.SSLContext = await asyncio.to_thread(tls_context, connection)
            except ConfigurationError as error:
                raise as_unavailable(error) from error
            self._client = httpx.AsyncClient(
                base_url=f"https://{connection.host}:{connection.port}/{VERSION}/",
                verify=context,
                timeout=connection.timeout_ms / 1000,
            )
        return self._client
