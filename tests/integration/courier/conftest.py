"""Couriers on the fake of Microsoft Graph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes.graph import FakeGraph
from tests.integration.courier.graph_scene import Scene
from tests.servers.certificates import Certificates


@pytest.fixture
def graph(certificates: Certificates) -> Iterator[FakeGraph]:
    with FakeGraph(certificates) as server:
        yield server


@pytest.fixture
async def scene(graph: FakeGraph, certificates: Certificates) -> AsyncIterator[Scene]:
    made = Scene(graph, certificates)
    yield made
    for courier in made.couriers:
        await courier.close()
