"""Sender processes on the fake of Microsoft Graph, with tokens of a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes.graph import FakeGraph
from tests.processes.graph_desk import DESK, credential, graph_connection, save, serve_tokens
from tests.processes.sender_lab import SenderLab, make_lab
from tests.servers import oauth_provider
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import OAuthProvider


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from oauth_provider.running(certificates)


@pytest.fixture
def graph(certificates: Certificates, provider: OAuthProvider) -> Iterator[FakeGraph]:
    with FakeGraph(certificates) as graph:
        graph.add_mailbox(DESK)
        serve_tokens(graph, provider)
        yield graph


@pytest.fixture
async def lab(
    environment: dict[str, str],
    tmp_path: Path,
    graph: FakeGraph,
    provider: OAuthProvider,
    certificates: Certificates,
) -> AsyncIterator[SenderLab]:
    made = await make_lab(environment, tmp_path)
    await save(
        made.settings,
        credential(provider, certificates, made.settings),
        graph_connection(graph, certificates),
    )
    yield made
    await made.close()
    await made.pool.close()
