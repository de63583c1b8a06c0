"""Messages in Microsoft Graph are finished although one is refused, or a folder is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox import MailboxUnavailable, MailUnreadable
from postrail.mailbox.graph import mailbox as graph_mailbox
from postrail.mailbox.graph.http import GraphClient
from postrail.mailbox.graph.listing import Entry
from postrail.mailbox.graph.mailbox import GraphMailbox
from tests.fakes.ledgers import MemoryDeltas, MemoryLedger

Answer = Callable[[httpx.Request], httpx.Response]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def opened(answer: Answer, monkeypatch: pytest.MonkeyPatch, after: str) -> GraphMailbox:
    """Returns a session that knows three messages: 1, 2 and 3."""
    account = MailAccount(
        name="support",
        protocol="microsoft_graph",
        credential="entra",
        address="support@example.org",
        project="HELP",
        after_download=after,
        move_to="Done" if after == "move" else "",
    )
    client = GraphClient(account, lambda _: "token")
    client._client = httpx.Client(
        transport=httpx.MockTransport(answer), base_url="https://graph.microsoft.com/v1.0/"
    )
    monkeypatch.setattr(graph_mailbox, "GraphClient", lambda *_: client)
    mailbox = GraphMailbox(
        account,
        lambda _: "token",
        ledger=MemoryLedger(),
        deltas=MemoryDeltas(),
        clock=SystemClock(),
    )
    mailbox._folder = "inbox-id"
    mailbox._listing.begin("inbox-id")
    mailbox._listing._delta_followed = True
    mailbox._listing._entries = {n: Entry(n, f"mail{n}", 10, NOW) for n in (1, 2, 3)}
    return mailbox


def fault(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": "Words."}})


@pytest.mark.parametrize("after", ["seen", "remove"])
def test_finishes_the_others_when_one_message_is_refused(
    after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"isRead": False, "parentFolderId": "inbox-id"})
        if request.url.path.endswith("mail1"):
            return fault(400, "ErrorInvalidOperation")
        done.append(request.url.path[-5:])
        return httpx.Response(204) if request.method == "DELETE" else httpx.Response(200, json={})

    with pytest.raises(MailUnreadable, match="ErrorInvalidOperation"):
        opened(answer, monkeypatch, after).finish([1, 2, 3])
    assert done == ["mail2", "mail3"]


def test_a_target_folder_that_is_gone_is_created_again(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/move"):
            if request.content != b'{"DestinationId":"new"}':
                return fault(404, "ErrorFolderNotFound")
            moved.append(path.split("/")[-2])
            return httpx.Response(201, json={"id": "x"})
        if path.endswith("/mailFolders"):
            if request.method == "POST":
                return httpx.Response(201, json={"id": "new"})
            return httpx.Response(200, json={"value": []})
        return httpx.Response(200, json={"isRead": False, "parentFolderId": "inbox-id"})

    mailbox = opened(answer, monkeypatch, "move")
    mailbox._target = "old"
    assert mailbox.finish([1, 2])
    assert moved == ["mail1", "mail2"]


def test_a_message_that_graph_refuses_to_show_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("mail2"):
            return fault(400, "ErrorInvalidIdMalformed")
        return httpx.Response(200, json={"isRead": False, "parentFolderId": "inbox-id"})

    mailbox = opened(answer, monkeypatch, "seen")
    mailbox._listing.between = lambda *_: list(mailbox._listing._entries.values())  # type: ignore[method-assign]
    assert [mail.uid for mail in mailbox.unfinished_between(1, 3)] == [1, 3]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "ErrorAccessDenied", ConfigurationError),
        # From the mailbox or a proxy: it is not about the message.
        (404, "ErrorInvalidUser", MailboxUnavailable),
        (500, "ErrorInternalServerError", MailboxUnavailable),
        (429, "ApplicationThrottled", MailboxUnavailable),
    ],
)
def test_a_fault_that_is_not_the_messages_is_raised(
    status: int, code: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = opened(lambda _: fault(status, code), monkeypatch, "seen")
    mailbox._listing.between = lambda *_: list(mailbox._listing._entries.values())  # type: ignore[method-assign]
    with pytest.raises(error):
        mailbox.unfinished_between(1, 3)
