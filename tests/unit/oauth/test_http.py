"""Answers of servers that are not providers of tokens."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from postrail.configuration.models.credential import OAuthCredential
from postrail.errors import ConfigurationError, PipelineError
from postrail.oauth import ProviderUnavailable, http
from postrail.oauth.http import ProviderHttp

URL = "https://login.example.org/token"


class Endless(httpx.SyncByteStream):
    """An endless content."""

    def __iter__(self) -> Iterator[bytes]:
        yield from itertools.repeat(b" " * 1000, 1_000_000)


def provider(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]
) -> ProviderHttp:
    client = functools.partial(httpx.Client, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "Client", client)
    return ProviderHttp(
        OAuthCredential(
            name="desk",
            provider="custom",
            client_id="postrail",
            authority="https://login.example.org",
            hosts=["mail.example.org"],
            scopes=[],
        )
    )


def test_an_answer_comes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(400, json={"error": "invalid_grant"})

    here = provider(monkeypatch, answer)
    form = {"refresh_token": "r"}
    assert here.post_form(URL, form, ("id", "secret")) == {"error": "invalid_grant"}
    assert asked[0].content == b"refresh_token=r"
    assert asked[0].headers["Authorization"].startswith("Basic ")
    response = here.post(URL, data={"a": b"b"}, headers={"X-One": "1"}, timeout=3)
    assert (response.status_code, response.text) == (400, '{"error":"invalid_grant"}')
    assert (asked[1].content, asked[1].headers["X-One"]) == (b"a=b", "1")


def test_an_answer_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    here = provider(monkeypatch, lambda _: httpx.Response(200, stream=Endless()))
    with pytest.raises(ProviderUnavailable, match="is too long or too slow"):
        here.get_json(URL)
    monkeypatch.setattr(http, "ANSWER_MAX_BYTES", 10**12)
    now = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    with pytest.raises(ProviderUnavailable, match="is too long or too slow"):
        here.get_json(URL)


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (200, b"[" * 100_000, ConfigurationError),
        (200, b"[]", ConfigurationError),
        (404, b"{}", ConfigurationError),
        (503, b"busy", ProviderUnavailable),
        (429, b"{}", ProviderUnavailable),
    ],
)
def test_a_strange_answer_is_one_of_our_errors(
    status: int, content: bytes, error: type[PipelineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Retry-After": "17"}
    here = provider(monkeypatch, lambda _: httpx.Response(status, content=content, headers=headers))
    with pytest.raises(error) as caught:
        here.get_json(URL)
    if isinstance(caught.value, ProviderUnavailable):
        assert caught.value.retry_after_seconds == 17
