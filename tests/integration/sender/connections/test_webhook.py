"""Alerts are posted to a webhook over TLS until it has taken them; its address is secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from postrail.database import rows, transaction
from postrail.errors import ConfigurationError
from postrail.outgoing import suppressions
from postrail.outgoing.alerts import posts
from postrail.settings import SenderSettings, load_settings
from postrail.timed_work.worker import TimedWork
from postrail.timers.queue import TimerKind
from services.sender.alerts import webhook
from services.sender.alerts.webhook import webhook_work
from tests.integration.sender.bench import Bench
from tests.integration.sender.connections.test_rerouting import stored
from tests.integration.sender.connections.test_unreached import BOUNCE
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import configure, until
from tests.servers.certificates import Certificates, make_certificates

SECRET = "T0K3N"


class Receiver(ThreadingHTTPServer):
    """Answers each post with the next status, the last one again and again."""

    daemon_threads = True

    def __init__(self, certificates: Certificates) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = certificates.server_context().wrap_socket(self.socket, server_side=True)
        self.statuses = [204]
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.silence = threading.Event()
        self.silence.set()

    @property
    def address(self) -> str:
        return f"https://localhost:{self.server_address[1]}/hooks/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((self.path, body))
        self.server.silence.wait(10)
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Location", f"{self.server.address}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("webhook"))


@pytest.fixture
def receiver(certificates: Certificates) -> Iterator[Receiver]:
    server = Receiver(certificates)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.silence.set()
    server.shutdown()
    thread.join()
    server.server_close()


def work_of(bench: Bench, receiver: Receiver, ca_file: Path, address: str = "") -> TimedWork:
    settings = SenderSettings.model_validate(
        {"alert_webhook": address or receiver.address, "alert_webhook_ca_file": ca_file}
    )
    work = {TimerKind.WEBHOOK: webhook_work(settings)}
    return TimedWork(bench.process, bench.pool, b"key", work)


async def add(bench: Bench) -> None:
    async with transaction(bench.pool) as connection:
        await posts.add(connection, {"text": "Nobody gets it."}, bench.clock.now())


async def waiting(bench: Bench) -> list[str]:
    """Returns why each alert still waits."""
    async with transaction(bench.pool) as connection:
        found = await rows(
            connection, "SELECT reason FROM alert JOIN timer ON key = alert_id::text"
        )
    return [row[0] for row in found]


async def test_an_alert_is_posted_once(
    bench: Bench, receiver: Receiver, certificates: Certificates
) -> None:
    await add(bench)
    work = work_of(bench, receiver, certificates.ca_file)
    assert await work.work() == 1
    assert await work.work() == 0
    ((path, body),) = receiver.posted
    assert path == f"/hooks/{SECRET}"
    assert body["text"] == "Nobody gets it."
    assert body["at"] == bench.clock.now().isoformat()
    assert await waiting(bench) == []


@pytest.mark.parametrize("status", [302, 307, 400, 500])
async def test_it_is_posted_again_until_the_webhook_takes_it(
    bench: Bench, receiver: Receiver, certificates: Certificates, status: int, capsys: Any
) -> None:
    await add(bench)
    receiver.statuses = [status, 200]
    work = work_of(bench, receiver, certificates.ca_file)
    await work.work()
    (reason,) = await waiting(bench)
    assert f"the webhook localhost has not taken an alert: the answer is {status}" in reason
    assert SECRET not in reason
    bench.clock.move(60)
    await work.work()
    assert await waiting(bench) == []
    first, second = receiver.posted
    # The same alert, to the same address: no redirect is followed.
    assert first == second
    assert SECRET not in "".join(capsys.readouterr())


async def test_one_that_is_silent_or_not_trusted_is_tried_again(
    bench: Bench, receiver: Receiver, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    await add(bench)
    other = make_certificates(certificates.ca_file.parent / "other")
    await work_of(bench, receiver, other.ca_file).work()
    assert "certificate" in (await waiting(bench))[0].lower()
    bench.clock.move(60)
    receiver.silence.clear()
    await work_of(bench, receiver, certificates.ca_file).work()
    (reason,) = await waiting(bench)
    assert reason.startswith("the webhook localhost is unavailable")
    assert SECRET not in reason


async def test_it_is_given_up_after_days_and_without_a_webhook(
    bench: Bench, receiver: Receiver, certificates: Certificates
) -> None:
    await add(bench)
    receiver.statuses = [500]
    work = work_of(bench, receiver, certificates.ca_file)
    await work.work()
    bench.clock.move(timedelta(days=6).total_seconds())
    await work.work()
    assert await waiting(bench) == []
    await add(bench)
    none = {TimerKind.WEBHOOK: webhook_work(SenderSettings())}
    await TimedWork(bench.process, bench.pool, b"key", none).work()
    assert await waiting(bench) == []
    assert len(receiver.posted) == 1


async def test_a_sender_that_is_killed_while_it_posts_leaves_the_alert_to_the_next_one(
    lab: SenderLab, receiver: Receiver, certificates: Certificates
) -> None:
    await configure(lab.pool, 25)
    await stored(lab.pool, "relay", "SALE")
    async with transaction(lab.pool) as connection:
        await suppressions.suppress(
            connection, "ann@example.org", "no such user", BOUNCE, datetime.now(UTC)
        )
    environment = {
        "POSTRAIL_SENDER__ALERT_WEBHOOK": receiver.address,
        "POSTRAIL_SENDER__ALERT_WEBHOOK_CA_FILE": str(certificates.ca_file),
    }

    async def posted_again() -> bool:
        async with transaction(lab.pool) as connection:
            left = await rows(connection, "SELECT FROM alert")
        return len(receiver.posted) > 1 and not left

    receiver.silence.clear()
    first = lab.start(**environment)
    await until(lambda: _true(bool(receiver.posted)))
    first.kill()
    receiver.silence.set()
    second = lab.start(**environment)
    await until(posted_again)

    (_, told), (_, again) = receiver.posted
    assert told == again
    assert (told["fault"], told["issue"]) == ("unreachable", "SALE-1")
    assert SECRET not in f"{first.log}{second.log}"


async def _true(value: bool) -> bool:
    return value


@pytest.mark.parametrize("given", ["http://example.org/x", "example.org", "https://"])
def test_an_address_without_tls_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTRAIL_SENDER__ALERT_WEBHOOK", given)
    with pytest.raises(ConfigurationError, match=r"ALERT_WEBHOOK: .*begins with https://"):
        load_settings()


def test_a_missing_file_of_certificates_is_named(tmp_path: Path) -> None:
    settings = SenderSettings(alert_webhook_ca_file=tmp_path / "none.pem")
    with pytest.raises(ConfigurationError, match="ALERT_WEBHOOK_CA_FILE"):
        webhook_work(settings)
