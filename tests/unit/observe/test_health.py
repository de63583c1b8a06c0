"""Tests the health of a process, and its answers over HTTP."""

import socket
from collections.abc import Iterator
from typing import cast

import httpx
import pytest

from postrail.errors import ConfigurationError
from postrail.observe import metrics
from postrail.observe.health import Health, HealthServer
from postrail.settings import ServerSettings

LOOPBACK = ServerSettings(host="127.0.0.1", port=0)


class Time:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def health(time: Time) -> Health:
    return Health(silent_after_seconds=60, monotonic=time)


@pytest.fixture
def url(health: Health) -> Iterator[str]:
    server = HealthServer(LOOPBACK, health)
    server.start()
    yield f"http://{server.address}"
    server.stop()


def test_knows_which_parts_are_down(health: Health) -> None:
    health.down("kafka", "no answer")
    health.down("database", "no answer")
    health.up("kafka")
    assert health.problems == {"database": "no answer"}
    health.up("database")
    assert health.problems == {}


@pytest.mark.parametrize(("down", "ready"), [([], True), (["kafka"], False)])
def test_is_ready_when_all_parts_are_up(health: Health, down: list[str], ready: bool) -> None:
    for part in down:
        health.down(part, "no answer")
    assert health.ready is ready


@pytest.mark.parametrize(("silent_seconds", "alive"), [(59, True), (61, False)])
def test_a_silent_main_loop_is_not_alive(
    health: Health, time: Time, silent_seconds: float, alive: bool
) -> None:
    time.seconds = 1000
    health.beat()
    time.seconds += silent_seconds
    assert health.alive is alive


def test_readyz_names_each_problem(url: str, health: Health) -> None:
    assert httpx.get(f"{url}/readyz").status_code == 200
    health.down("kafka", "no answer")
    health.down("database", "wrong password")
    answer = httpx.get(f"{url}/readyz")
    assert answer.status_code == 503
    assert answer.text == "database: wrong password\nkafka: no answer\n"


def test_healthz_falls_with_the_main_loop_only(url: str, health: Health, time: Time) -> None:
    health.down("kafka", "no answer")
    assert httpx.get(f"{url}/healthz").status_code == 200
    time.seconds = 75
    answer = httpx.get(f"{url}/healthz")
    assert answer.status_code == 503
    assert "75 s" in answer.text


def test_metrics_hold_what_the_stage_counted(url: str, health: Health) -> None:
    metrics.observe_stage("test_health", "issue", 0.01, 2.0)
    metrics.count_dead_letter("test_health")
    metrics.set_unaccounted(3)
    health.down("stage", "PostgreSQL is unavailable")
    text = httpx.get(f"{url}/metrics").text
    assert 'postrail_mails_total{outcome="issue",service="test_health"} 1.0' in text
    assert 'postrail_dead_letters_total{service="test_health"} 1.0' in text
    assert 'postrail_mail_age_seconds_bucket{le="2.5",service="test_health"} 1.0' in text
    assert "postrail_unaccounted_mails 3.0" in text
    assert "postrail_ready 0.0" in text
    assert "postrail_paused 1.0" in text


def test_other_paths_answer_with_the_existing_ones(url: str) -> None:
    answer = httpx.get(f"{url}/")
    assert answer.status_code == 404
    assert "/readyz" in answer.text


def test_a_busy_port_names_the_setting(health: Health) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = cast(int, taken.getsockname()[1])
        server = HealthServer(ServerSettings(host="127.0.0.1", port=port), health)
        with pytest.raises(ConfigurationError, match="POSTRAIL_SERVER__PORT"):
            server.start()


def test_an_address_of_another_machine_names_the_setting(health: Health) -> None:
    # 192.0.2.0/24 is for documentation, RFC 5737.
    server = HealthServer(ServerSettings(host="192.0.2.1", port=0), health)
    with pytest.raises(ConfigurationError, match="POSTRAIL_SERVER__HOST"):
        server.start()


def test_serves_ipv6_where_it_is_available(health: Health) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    server = HealthServer(ServerSettings(host="::1", port=0), health)
    try:
        server.start()
    except ConfigurationError:
        pytest.skip("this machine has no IPv6")
    assert httpx.get(f"http://{server.address}/readyz").status_code == 200
    server.stop()


def test_an_address_for_all_interfaces_is_shown_as_the_host_name(health: Health) -> None:
    server = HealthServer(ServerSettings(host="0.0.0.0", port=9400), health)
    assert server.address == f"{socket.gethostname()}:9400"
