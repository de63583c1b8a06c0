"""Posts JSON to other systems: over TLS, without redirects, and to public addresses only.

The address of a webhook is its password: no error has more of it than the host.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

import httpx

from postrail.errors import PipelineError, causes
from postrail.webhooks.address import (
    Resolve,
    checked_url,
    host_of,
    is_named,
    public_addresses,
    resolve,
)
from postrail.webhooks.signature import headers

# For all of it, so that a receiver that sends a byte now and then holds no sender.
SECONDS = 10.0
# More addresses of a host are not tried in one post.
ADDRESSES_MAX = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where something is posted to, and how."""

    url: str = field(repr=False)
    # "": it is not signed.
    secret: str = field(repr=False)
    # Names of hosts whose addresses need not be public, and that may be reached without TLS.
    private_hosts: Collection[str]
    context: ssl.SSLContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of a post; without an error, the receiver has taken it."""

    status: int | None = None
    error: str = ""

    @property
    def gone(self) -> bool:
        """Tells whether the receiver wants no repetition."""
        return self.status == HTTPStatus.GONE


class Poster:
    """Posts to several hosts at once, each in its own time."""

    def __init__(self, *, at_once: int, resolver: Resolve = resolve) -> None:
        # Resolving blocks and cannot be cancelled: each post has a thread for it.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="webhooks")
        self._resolver = resolver

    def close(self) -> None:
        """Ends the threads, and waits for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, target: Target, post_id: str, body: str, now: datetime) -> Answer:
        """Posts once; every fault of the address and of the receiver is in the answer."""
        try:
            async with asyncio.timeout(SECONDS):
                status = await self._status(target, post_id, body, now)
        except PipelineError as error:
            return Answer(error=str(error))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            return Answer(error=f"{host_of(target.url)} is unavailable: {_reason(error)}")
        if httpx.codes.is_success(status):
            return Answer(status=status)
        return Answer(status=status, error=f"{host_of(target.url)} {_refusal(status)}")

    async def _status(self, target: Target, post_id: str, body: str, now: datetime) -> int:
        parts = checked_url(target.url, target.private_hosts)
        host, given = parts.hostname or "", headers(post_id, body, target.secret, now)
        url = httpx.URL(target.url)
        # Both read the address alike, else the wrong host might count as named.
        if is_named(host, target.private_hosts) and host in (url.host, url.raw_host.decode()):
            return await _posted(target, url, body, given)
        port = parts.port or 443
        addresses = await public_addresses(host, port, self._threads, self._resolver)
        fault: httpx.ConnectError | None = None
        for address in addresses[:ADDRESSES_MAX]:
            try:
                return await _posted(target, url, body, given, address)
            except httpx.ConnectError as error:
                fault = error
        raise fault or httpx.ConnectError("")


async def _posted(
    target: Target, url: httpx.URL, body: str, given: dict[str, str], address: str = ""
) -> int:
    """Posts to the host, or to this address of it; returns the status of the answer."""
    extensions = {}
    if address:
        # The certificate is checked by the name.
        given = {**given, "Host": url.netloc.decode()}
        extensions = {"sni_hostname": url.raw_host.decode()}
        url = url.copy_with(host=address)
    async with (
        # A proxy of the environment would connect to an address of its own choice.
        httpx.AsyncClient(verify=target.context, timeout=SECONDS, trust_env=not address) as client,
        # The answer has no words for us, whatever its length.
        client.stream("POST", url, content=body, headers=given, extensions=extensions) as response,
    ):
        return response.status_code


def _refusal(status: int) -> str:
    if status == HTTPStatus.GONE:
        return f"wants no further posts: the answer is {status}"
    if httpx.codes.is_redirect(status):
        return f"has not taken it: the answer is {status}, and redirects are not followed"
    return f"has not taken it: the answer is {status}"


def _reason(error: Exception) -> str:
    """Returns the reason without the error's own text, which may hold the address."""
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'no reason given'})"
        if isinstance(cause, TimeoutError | httpx.TimeoutException):
            return f"no answer within {SECONDS:.0f} s"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    if isinstance(error, httpx.ProtocolError):
        return "it does not answer in HTTP"
    return "the connection failed"
