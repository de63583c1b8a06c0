"""Tests the HTTP server of the probes and metrics, and its limits."""

import re
import resource
import select
import socket
import subprocess
import sys
import textwrap
import time as clock
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import httpx
import pytest

from postrail.errors import ConfigurationError
from postrail.observe import metrics
from postrail.observe.health import Health
from postrail.observe.health_server import HealthServer
from postrail.settings import ServerSettings
from tests.fakes.monotonic import Time

REPOSITORY = Path(__file__).parents[3]
LOOPBACK = ServerSettings(host="127.0.0.1", port=0)


@pytest.fixture
def url(health: Health) -> Iterator[str]:
    server = HealthServer(LOOPBACK, health)
    server.start()
    yield f"http://{server.address}"
    server.stop()


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


SLOW_CLIENTS = 1200
# A process of its own with the descriptors that Linux gives by default.
SERVES = """
    import resource
    from postrail.observe.health import Health
    from postrail.observe.health_server import HealthServer
    from postrail.settings import ServerSettings

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most))
    server = HealthServer(ServerSettings(host="127.0.0.1", port=0), Health())
    server.start()
    print(server.address, flush=True)
    input()
    server.stop()
"""


@contextmanager
def serving_process() -> Iterator[tuple[str, int]]:
    """Serves in another process; yields the address and the port."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVES)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        yield f"http://{address}", int(address.rpartition(":")[2])
        process.communicate("\n", timeout=10)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def cpu_seconds(url: str) -> float:
    """Returns the CPU time of the serving process."""
    text = httpx.get(f"{url}/metrics", timeout=2).text
    found = re.search(r"^process_cpu_seconds_total (\S+)", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def slow_client(port: int) -> socket.socket:
    """Connects and sends the beginning of a request."""
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.sendall(b"GET /readyz HTTP/1.1\r\nX-Slow: ")
    return client


def drip(clients: list[socket.socket]) -> None:
    """Sends one more byte on each connection; those that the server has closed are left out."""
    for client in clients:
        try:
            client.sendall(b"x")
        except OSError:
            continue


@pytest.mark.timeout(60)
@pytest.mark.skipif(sys.platform != "linux", reason="the CPU time is read from Linux")
def test_slow_connections_take_neither_the_port_nor_a_core() -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < SLOW_CLIENTS + 300:
        pytest.skip("this machine allows too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        with serving_process() as (url, port), ExitStack() as stack:
            clients = [stack.enter_context(slow_client(port)) for _ in range(SLOW_CLIENTS)]
            before, started = cpu_seconds(url), clock.monotonic()
            for _ in range(8):
                drip(clients)
                assert httpx.get(f"{url}/readyz", timeout=2).text == "ready\n"
                clock.sleep(0.25)
            used = cpu_seconds(url) - before
            assert used < 0.5 * (clock.monotonic() - started)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


def closed_within(client: socket.socket, seconds: float) -> bool:
    """Tells whether the server closes the connection within this time."""
    readable, _, _ = select.select([client], [], [], seconds)
    if not readable:
        return False
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_a_request_that_takes_too_long_is_closed(health: Health) -> None:
    server = HealthServer(LOOPBACK, health, request_seconds=0.3)
    server.start()
    with slow_client(int(server.address.rpartition(":")[2])) as client:
        deadline = clock.monotonic() + 5
        while not closed_within(client, 0.05):
            # Each byte proves that the client is there, and does not give it more time.
            drip([client])
            assert clock.monotonic() < deadline
    server.stop()


def test_a_new_connection_closes_the_oldest_one_at_the_limit(health: Health) -> None:
    server = HealthServer(LOOPBACK, health, most_connections=2)
    server.start()
    port = int(server.address.rpartition(":")[2])
    with slow_client(port) as first, slow_client(port) as second:
        assert not closed_within(first, 0.2)
        with slow_client(port):
            assert closed_within(first, 5)
            assert not closed_within(second, 0.2)
    server.stop()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"405"),
        # A browser that expects TLS, a scanner, and a header without end.
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /readyz HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"400"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_request_for_it_is_refused_without_a_line_in_the_log(
    url: str, sent: bytes, status: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(sent)
        assert client.recv(100).split()[1] == status
    assert httpx.get(f"{url}/readyz").text == "ready\n"
    assert capfd.readouterr().err == ""
