"""Answers that Microsoft Graph would not give neither leak the token nor loop for ever."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.graph import http
from postrail.mailbox.graph import mailbox as graph_mailbox
from postrail.mailbox.graph.folders import find_folder
from postrail.mailbox.graph.http import GraphClient
from postrail.mailbox.graph.listing import GraphListing
from postrail.mailbox.graph.mailbox import GraphMailbox
from tests.fakes.ledgers import MemoryDeltas, MemoryLedger

Answer = Callable[[httpx.Request], httpx.Response]
HERE = "https://graph.microsoft.com/v1.0/next"


def client_of(answer: Answer, host: str = "") -> GraphClient:
    account = MailAccount(
        name="support",
        protocol="microsoft_graph",
        credential="entra",
        host=host,
        address="support@example.org",
        project="HELP",
    )
    client = GraphClient(account, lambda _: "token")
    client._client = httpx.Client(
        transport=httpx.MockTransport(answer), base_url="https://graph.microsoft.com/v1.0/"
    )
    return client


def listing_of(answer: Answer) -> GraphListing:
    listing = GraphListing(
        client=client_of(answer),
        account=MailAccount(
            name="support",
            protocol="microsoft_graph",
            credential="entra",
            address="support@example.org",
            project="HELP",
        ),
        ledger=MemoryLedger(),
        deltas=MemoryDeltas(),
        clock=SystemClock(),
        full_listing=timedelta(hours=1),
    )
    listing.begin("inbox-id")
    return listing


# Links to other hosts, to which the token must not be sent.
@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/next",
        "https://graph.microsoft.com@evil.example/next",
        "https://graph.microsoft.com:8443/next",
        "https://graph.microsoft.com.evil.example/next",
        # httpx would send the user name as a login instead of the token.
        "https://name:password@graph.microsoft.com/next",
        # These are not taken for links, but for paths below the mailbox.
        "http://evil.example/next",
        "//evil.example/next",
        "HTTPS://evil.example/next",
    ],
)
def test_the_token_is_sent_to_graph_only(link: str) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(404, json={"error": {"code": "x", "message": "y"}})

    with pytest.raises(MailboxUnavailable):
        client_of(answer).get(link)
    assert all(request.url.host == "graph.microsoft.com" for request in asked)
    assert all(request.url.scheme == "https" for request in asked)
    assert all(request.headers["Authorization"] == "Bearer token" for request in asked)


def test_a_link_is_followed_however_the_account_writes_the_host() -> None:
    client = client_of(lambda _: httpx.Response(200, json={"a": 1}), host="Graph.Microsoft.com")
    assert client.get(HERE) == {"a": 1}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "content",
    [b'{"a":' + b"[" * 100_000, b'{"a": "' + b"x" * http.ANSWER_MAX_BYTES + b'"}', b"[]", b"\xff"],
    ids=["deep", "huge", "no object", "no JSON"],
)
def test_any_json_is_read_or_refused(content: bytes, status: int) -> None:
    with pytest.raises(MailboxUnavailable):
        client_of(lambda _: httpx.Response(status, content=content)).get("messages")


def test_a_refusal_is_shown_in_one_short_line() -> None:
    error = {"error": {"code": "Code", "message": "first\nsecond\x1b[31m" + "x" * 10_000}}
    with pytest.raises(MailboxUnavailable) as caught:
        client_of(lambda _: httpx.Response(400, json=error)).get("messages")
    assert len(caught.value.problem) < 500
    assert caught.value.problem.isprintable()


@pytest.mark.parametrize("value", [None, {"a": 1}, [1], [{}], [{"id": ""}]])
def test_a_list_must_hold_objects_with_ids(value: object) -> None:
    page = json.dumps({"value": value}).encode()
    with pytest.raises(MailboxUnavailable, match="without ids"):
        listing_of(lambda _: httpx.Response(200, content=page)).above(0)
    with pytest.raises(MailboxUnavailable, match="without ids"):
        find_folder(client_of(lambda _: httpx.Response(200, content=page)), "Some/Where")


def in_a_circle(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"value": [], "@odata.nextLink": HERE})


def never_the_same() -> Answer:
    numbers = itertools.count()

    def answer(_: httpx.Request) -> httpx.Response:
        link = f"{HERE}?skip={next(numbers)}"
        return httpx.Response(200, json={"value": [], "@odata.nextLink": link})

    return answer


def expired_each_time() -> Answer:
    numbers = itertools.count()

    def answer(request: httpx.Request) -> httpx.Response:
        if "next" in request.url.path:
            return httpx.Response(410, json={"error": {"code": "x", "message": "y"}})
        link = f"{HERE}?skip={next(numbers)}"
        return httpx.Response(200, json={"value": [], "@odata.nextLink": link})

    return answer


@pytest.mark.parametrize(
    "answer",
    [in_a_circle, never_the_same(), expired_each_time()],
    ids=["circle", "endless", "expired"],
)
def test_a_list_has_an_end(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_PAGES", 20)
    with pytest.raises(MailboxUnavailable, match="without end"):
        listing_of(answer).above(0)


@pytest.mark.parametrize("answer", [in_a_circle, never_the_same()], ids=["circle", "endless"])
def test_whole_listings_and_folders_have_an_end(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MOST_PAGES", 20)
    with pytest.raises(MailboxUnavailable, match="without end"):
        listing_of(answer).held(0)
    with pytest.raises(MailboxUnavailable, match="without end"):
        find_folder(client_of(answer), "Some/Where")


def test_a_message_larger_than_reported_goes_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("$value"):
            return httpx.Response(200, content=b"x" * 5000)
        size = {"id": "Long 0xe08", "value": "10"}
        item = {"id": "one", "singleValueExtendedProperties": [size]}
        return httpx.Response(200, json={"value": [item], "@odata.deltaLink": HERE})

    client = client_of(answer)
    monkeypatch.setattr(graph_mailbox, "IN_MEMORY_BYTES", 4000)
    monkeypatch.setattr(graph_mailbox, "GraphClient", lambda *_: client)
    mailbox = GraphMailbox(
        client._account,
        lambda _: "token",
        ledger=MemoryLedger(),
        deltas=MemoryDeltas(),
        clock=SystemClock(),
    )
    mailbox._listing.begin("inbox-id")
    (listed,) = mailbox.list_after(0)
    assert listed.size == 10
    (mail,) = mailbox.read([listed.uid])
    assert mail.spool is not None
    assert (mail.content, mail.spool.size) == (b"", 5000)
    mail.close()
