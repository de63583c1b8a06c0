"""Services that end are restarted, with growing pauses, and this is announced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.embedded.ports import answers, free_port
from services.cli.local.children import SERVICES, LocalService, LocalServices, addresses_before


@pytest.fixture
def announced() -> list[str]:
    return []


@pytest.fixture
def broken(tmp_path: Path, announced: list[str]) -> Iterator[LocalService]:
    """Returns a service that ends at once, as its module does not exist."""
    (tmp_path / "services").mkdir()
    service = LocalService("nonsense", tmp_path, free_port(), announced.append)
    yield service
    service.stop()


def until_restarted(service: LocalService) -> None:
    """Waits until the restart is due and done."""
    deadline = time.monotonic() + 20
    while not service.restart_if_due():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_service_that_ends_is_restarted_after_a_pause(
    broken: LocalService, announced: list[str], tmp_path: Path
) -> None:
    broken.start()
    while not announced:
        assert broken.restart_if_due() is False
        time.sleep(0.02)
    assert announced[0].startswith("nonsense: ended with exit code 1, restarts in 1 s; its log is ")
    assert "No module named services.nonsense" in (tmp_path / "logs" / "nonsense.log").read_text()
    until_restarted(broken)
    assert announced[1] == "nonsense: restarted"
    while len(announced) < 3:
        broken.restart_if_due()
        time.sleep(0.02)
    assert "restarts in 2 s" in announced[2]


def test_a_start_that_fails_is_announced_and_tried_again(
    broken: LocalService, announced: list[str], tmp_path: Path
) -> None:
    # As on a full disk, its pid file cannot be written.
    (tmp_path / "services").rmdir()
    assert not broken.start()
    assert announced[0].startswith("nonsense: cannot be started: No such file or directory (")
    assert announced[0].endswith("; next attempt in 1 s")
    assert broken.problem() == "is not running"
    while len(announced) < 2:
        assert not broken.restart_if_due()
        time.sleep(0.02)
    assert announced[1].endswith("; next attempt in 2 s")
    (tmp_path / "services").mkdir()
    until_restarted(broken)
    assert announced[2:] == ["nonsense: restarted"]


def test_a_first_start_that_fails_leaves_the_others_running(
    tmp_path: Path, announced: list[str]
) -> None:
    services = LocalServices(tmp_path, {}, announced.append)
    (tmp_path / "logs").rmdir()
    (tmp_path / "logs").write_text("no folder")
    services.start()
    assert [line.partition(":")[0] for line in announced] == list(SERVICES)
    assert set(services.problems().values()) == {"is not running"}


def test_a_service_that_does_not_run_says_so(broken: LocalService) -> None:
    assert broken.problem() == "is not running"


def test_services_take_the_ports_that_they_had(tmp_path: Path, announced: list[str]) -> None:
    port = free_port()
    before = {"parser": f"http://127.0.0.1:{port}"}
    services = LocalServices(tmp_path, before, announced.append)
    assert list(services.addresses) == list(SERVICES)
    assert services.addresses["parser"] == before["parser"]
    assert len(set(services.addresses.values())) == len(SERVICES)
    assert not answers(port)


def test_a_new_folder_has_no_addresses(tmp_path: Path) -> None:
    assert addresses_before(tmp_path) == {}
