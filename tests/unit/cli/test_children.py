"""Services that end are started again, later each time, and it is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.embedded.ports import answers, free_port
from services.cli.local.children import SERVICES, LocalService, LocalServices, addresses_before


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def broken(tmp_path: Path, said: list[str]) -> Iterator[LocalService]:
    """A service that ends at once, as there is no such module."""
    (tmp_path / "services").mkdir()
    service = LocalService("nonsense", tmp_path, free_port(), said.append)
    yield service
    service.stop()


def until_it_looks(service: LocalService, restarted: bool) -> None:
    """Looks until that has the wanted answer."""
    deadline = time.monotonic() + 20
    while service.look() is not restarted:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_service_that_ends_starts_again_after_a_pause(
    broken: LocalService, said: list[str], tmp_path: Path
) -> None:
    broken.start()
    while not said:
        assert broken.look() is False
        time.sleep(0.02)
    assert said[0].startswith("nonsense: ended with exit code 1, starts again in 1 s; its log is ")
    assert "No module named services.nonsense" in (tmp_path / "logs" / "nonsense.log").read_text()
    until_it_looks(broken, True)
    assert said[1] == "nonsense: started again"
    while len(said) < 3:
        broken.look()
        time.sleep(0.02)
    assert "starts again in 2 s" in said[2]


def test_a_service_that_does_not_run_says_so(broken: LocalService) -> None:
    assert broken.problem() == "is not running"


def test_services_take_the_ports_that_they_had(tmp_path: Path, said: list[str]) -> None:
    port = free_port()
    before = {"parser": f"http://127.0.0.1:{port}"}
    services = LocalServices(tmp_path, before, said.append)
    assert list(services.addresses) == list(SERVICES)
    assert services.addresses["parser"] == before["parser"]
    assert len(set(services.addresses.values())) == len(SERVICES)
    assert not answers(port)


def test_a_new_folder_has_no_addresses(tmp_path: Path) -> None:
    assert addresses_before(tmp_path) == {}
