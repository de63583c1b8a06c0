"""Tokens of a provider open mailboxes on the fake of Microsoft Graph."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postrail.doctor.mail import check_account
from postrail.errors import ConfigurationError
from postrail.mailbox.graph.mailbox import GraphMailbox
from postrail.oauth import NeedsAuthorization
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.stream.topics import apply_topics
from tests.fakes.fetching import until_blocking
from tests.fakes.graph import FakeGraph, Grant
from tests.fakes.ledgers import MemoryDeltas, MemoryLedger
from tests.makers.oauth import ADDRESS, Scene
from tests.processes.fetcher_process import fetcher
from tests.servers import oauth_provider
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import OAuthProvider

MAIL = b"Subject: Printer\r\nMessage-ID: <1@example.org>\r\n\r\nIt smokes.\r\n"


class GraphScene(Scene):
    """An account of Microsoft Graph, and a provider whose tokens the fake accepts."""

    def __init__(
        self, graph: FakeGraph, provider: OAuthProvider, certificates: Certificates, url: str
    ) -> None:
        super().__init__(provider, certificates, url)
        self.graph = graph
        self.server = graph.add_mailbox(ADDRESS)
        graph.grant_of = self.grant_of

    def grant_of(self, token: str) -> Grant | None:
        """Returns the grant of a token, or None when the provider has revoked it."""
        user = self.provider.valid.get(token)
        if user is None:
            return None
        return Grant(frozenset({"Mail.ReadWrite"}), "" if user == "app" else user)

    async def configure(self, flow: str, **changes: Any) -> None:
        values = {
            "protocol": "microsoft_graph",
            "port": self.graph.port,
            "ca_file": str(self.certificates.ca_file),
            "poll_seconds": 1,
        }
        await self.store(self.microsoft(flow=flow), **(values | changes))

    def mailbox(self) -> GraphMailbox:
        return GraphMailbox(
            self.account,
            self.tokens().bearer(self.account),
            ledger=MemoryLedger(),
            deltas=MemoryDeltas(),
            clock=self.clock,
        )


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from oauth_provider.running(certificates)


@pytest.fixture
def scene(
    certificates: Certificates, provider: OAuthProvider, database_url: str
) -> Iterator[GraphScene]:
    with FakeGraph(certificates) as graph:
        yield GraphScene(graph, provider, certificates, database_url)


async def test_an_application_reads_a_mailbox(scene: GraphScene) -> None:
    await scene.configure("client_credentials")
    scene.server.deliver(MAIL)
    mailbox = scene.mailbox()
    await asyncio.to_thread(mailbox.open)
    (listed,) = await asyncio.to_thread(mailbox.list_after, 0)
    (read,) = await asyncio.to_thread(mailbox.read, [listed.uid])
    await asyncio.to_thread(mailbox.close)
    assert read.content == MAIL
    (form,) = scene.provider.requests
    assert form["scope"] == "https://graph.microsoft.com/.default"


async def test_a_revoked_token_is_replaced(scene: GraphScene) -> None:
    await scene.configure("client_credentials")
    mailbox = scene.mailbox()
    await asyncio.to_thread(mailbox.open)
    scene.provider.valid.clear()
    scene.clock.move(120)
    assert await asyncio.to_thread(mailbox.list_after, 0) == []
    assert len(scene.provider.requests) == 2
    # A new token that is refused has not expired.
    scene.provider.valid.clear()
    with pytest.raises(ConfigurationError, match="needs authorization"):
        await asyncio.to_thread(mailbox.list_after, 0)
    await asyncio.to_thread(mailbox.close)


@pytest.mark.parametrize("username", ["", "me"])
async def test_a_person_authorizes_the_own_mailbox(scene: GraphScene, username: str) -> None:
    await scene.configure("authorization_code", username=username)
    scene.server.deliver(MAIL)
    mailbox = scene.mailbox()
    with pytest.raises(NeedsAuthorization):
        await asyncio.to_thread(mailbox.open)
    await scene.authorize()
    await asyncio.to_thread(mailbox.open)
    assert len(await asyncio.to_thread(mailbox.list_after, 0)) == 1
    await asyncio.to_thread(mailbox.close)
    owner = "/me/" if username == "me" else f"/users/{ADDRESS}/"
    assert scene.graph.asked(owner) == len(scene.graph.requests)


async def test_the_doctor_checks_the_folder(
    scene: GraphScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.configure("client_credentials")
    # As many checks at once as the event loop has threads, each of which waits for a token.
    monkeypatch.setattr("postrail.oauth.tokens.ASK_SECONDS", 5.0)
    with ThreadPoolExecutor(1) as only_thread:
        asyncio.get_running_loop().set_default_executor(only_thread)
        found = await check_account(scene.account, scene.secrets, scene.tokens())
        assert found.state == "ok", found
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    wrong = scene.account.model_copy(update={"folder": "Suport"})
    found = await check_account(wrong, scene.secrets, scene.tokens())
    assert found.state == "wrong"
    assert "there are: Posteingang" in found.remedy


async def test_the_fetcher_reads_messages_with_its_own_tokens(
    scene: GraphScene, settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    await asyncio.to_thread(apply_topics, settings.kafka)
    scene.secrets = Secrets(settings.secrets)
    await scene.configure("client_credentials")
    scene.server.deliver(MAIL)
    log = tmp_path / "fetcher.log"
    with fetcher(os.environ | environment, log):
        await until_blocking(lambda: all(m.is_read for m in scene.server.mails.values()), 40)
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        assert connection.execute("SELECT state FROM incoming_mail").fetchall() == [("fetched",)]
    assert all(token not in log.read_text() for token in scene.provider.valid)
