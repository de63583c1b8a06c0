"""A webhook for alerts, and the settings of a sender that posts there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.webhooks.receiver import Receiver, running_receiver


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("alerts"))


@pytest.fixture
def receiver(certificates: Certificates) -> Iterator[Receiver]:
    with running_receiver(certificates) as server:
        yield server
