"""The queue of webhooks on PostgreSQL, receivers, and senders whose clock the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from postrail.clock import SettableClock
from postrail.database import Pool, open_pool
from postrail.secrets import Secrets
from postrail.settings import Settings
from tests.integration.webhooks.scene import Scene
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.webhooks.receiver import Receiver, running_receiver


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("webhooks"))


@pytest.fixture
def receiver(certificates: Certificates) -> Iterator[Receiver]:
    with running_receiver(certificates) as server:
        yield server


@pytest.fixture
def other_receiver(certificates: Certificates) -> Iterator[Receiver]:
    with running_receiver(certificates) as server:
        yield server


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    opened = await open_pool(settings.database)
    yield opened
    await opened.close()


@pytest.fixture
async def scene(pool: Pool, settings: Settings, certificates: Certificates) -> AsyncIterator[Scene]:
    clock = SettableClock(datetime.now(UTC))
    made = Scene(pool, clock, Secrets(settings.secrets), certificates)
    yield made
    await made.close()
