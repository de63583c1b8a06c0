"""Tests the monitor as a process on a real Kafka: merged figures, and tables after a kill."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from postrail.message_parts import MailboxProgress
from postrail.records import PipelineProgress
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.producer import Entry, Producer
from postrail.stream.topics import PIPELINE_PROGRESS, apply_topics

REPOSITORY = Path(__file__).parents[3]
START_SECONDS = 90.0

# Two starts of Faust, on a machine that runs other tests too.
pytestmark = pytest.mark.timeout(400)


class Monitor:
    """A running monitor and the metrics that it serves."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._log = folder / f"monitor-{self._port}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.monitor"],
                # Faust may write to its working folder, which must not be the repository.
                cwd=folder,
                env={
                    **os.environ,
                    **environment,
                    "PYTHONPATH": str(REPOSITORY),
                    "POSTRAIL_SERVER__PORT": str(self._port),
                },
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def get(self, path: str) -> str:
        """Returns the response for this path, or None while it does not answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}{path}", timeout=5).text
        except httpx.TransportError:
            return ""

    def figures(self) -> dict[str, float]:
        """Returns its metrics by name and labels."""
        lines = [line for line in self.get("/metrics").splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def until(self, condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log + self.get("/metrics")
            time.sleep(0.2)

    def until_reading(self) -> None:
        """Waits until it has read a report, its own."""
        self.until(lambda: self.figures().get(OWN, 0) == 1)


OWN = 'postrail_processes{ready="true",service="monitor"}'


@contextmanager
def monitor(environment: dict[str, str], folder: Path) -> Iterator[Monitor]:
    running = Monitor(environment, folder)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[Producer]:
    await asyncio.to_thread(apply_topics, settings.kafka)
    producer = Producer(settings.kafka)
    await producer.start()
    yield producer
    await producer.close()


def report(process: str, issues: int, bucket: str) -> Entry:
    """Makes the report of a handler."""
    now = datetime.now(UTC)
    progress = MailboxProgress(
        mailbox="support",
        outcomes={"issue": issues},
        age_buckets={bucket: issues},
        age_sum_seconds=float(issues),
        last_contact_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    record = PipelineProgress(
        process=process,
        service="handler",
        version="1",
        started_at=now,
        reported_at=now,
        address="127.0.0.1:9400",
        ready=True,
        mailboxes=[progress],
    )
    return Entry(PIPELINE_PROGRESS, process, avro.encode(record))


def handled(running: Monitor) -> float:
    """Returns the issues that it shows for mailbox support in the last minutes."""
    labels = 'mailbox="support",outcome="issue",service="handler",window="5m"'
    return running.figures().get(f"postrail_mailbox_mails{{{labels}}}", 0)


async def test_merges_processes_and_keeps_its_tables_after_a_kill(
    environment: dict[str, str], tmp_path: Path, producer: Producer
) -> None:
    with monitor(environment, tmp_path) as first:
        await asyncio.to_thread(first.until_reading)
        await producer.send([report("handler@a:1", 3, "0.5"), report("handler@b:2", 1, "5")])
        # Other records are skipped, and reports are still read.
        rubbish = [Entry(PIPELINE_PROGRESS, key, b"rubbish") for key in "abcdefgh"]
        await producer.send(rubbish)
        await producer.send([report("handler@a:1", 2, "0.5")])
        await asyncio.to_thread(first.until, lambda: handled(first) == 6)
        figures = first.figures()
        assert figures['postrail_processes{ready="true",service="handler"}'] == 2
        labels = 'mailbox="support",quantile="0.5",service="handler"'
        assert 0 < figures[f"postrail_mailbox_age_seconds{{{labels}}}"] < 0.5
        labels = 'mailbox="support",quantile="0.99",service="handler"'
        assert 0.5 < figures[f"postrail_mailbox_age_seconds{{{labels}}}"] <= 5
        contact = 'postrail_mailbox_last_contact_timestamp_seconds{mailbox="support"}'
        assert figures[contact] == datetime(2026, 1, 2, tzinfo=UTC).timestamp()
        assert "record skipped" in first.log
        # Long enough for the changelog, which Faust sends in the background.
        await asyncio.sleep(2)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()

    with monitor(environment, tmp_path) as second:
        await asyncio.to_thread(second.until, lambda: handled(second) == 6)
        await producer.send([report("handler@a:1", 1, "0.5")])
        await asyncio.to_thread(second.until, lambda: handled(second) == 7)
        second.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(second.process.wait, 60) == 0, second.log
        assert '"stopped"' in second.log


async def test_waits_for_its_topic(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    with monitor(environment, tmp_path) as running:
        await asyncio.to_thread(running.until, lambda: "topics apply" in running.get("/readyz"))
        await asyncio.to_thread(apply_topics, settings.kafka)
        await asyncio.to_thread(running.until_reading)
        assert running.get("/readyz") == "ready\n"
