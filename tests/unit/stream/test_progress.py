"""Tests the progress reports of a process."""

import asyncio

import pytest

from postrail.clock import SettableClock
from postrail.observe.health import Health
from postrail.observe.health_server import HealthServer
from postrail.records import PipelineProgress
from postrail.settings import ServerSettings
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.progress import Progress, age_bucket
from postrail.stream.topics import PIPELINE_PROGRESS


class Offered:
    """Keeps the reports that a process offers."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def offer(self, entry: Entry) -> None:
        self.entries.append(entry)

    @property
    def reports(self) -> list[PipelineProgress]:
        records = [avro.decode(entry.value) for entry in self.entries]
        return [record for record in records if isinstance(record, PipelineProgress)]


@pytest.fixture
def offered() -> Offered:
    return Offered()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def progress(offered: Offered, clock: SettableClock, health: Health) -> Progress:
    server = HealthServer(ServerSettings(host="127.0.0.1", port=9400), health)
    return Progress(
        service="test_progress", health=health, server=server, producer=offered, clock=clock
    )


def test_a_report_holds_what_happened_since_the_last(progress: Progress, offered: Offered) -> None:
    progress.count("support", "issue", age_seconds=0.4, seconds=0.01)
    progress.count("support", "issue", age_seconds=0.3)
    progress.count("support", "duplicate")
    progress.count("sales", "comment", age_seconds=100000)
    progress.report()
    progress.report()
    first, second = offered.reports
    support, sales = first.mailboxes
    assert support.mailbox == "support"
    assert support.outcomes == {"issue": 2, "duplicate": 1}
    assert support.age_buckets == {"0.5": 2}
    assert support.age_sum_seconds == pytest.approx(0.7)
    assert support.last_contact_at is None
    assert sales.age_buckets == {"+Inf": 1}
    assert second.mailboxes == []


def test_a_report_says_who_reports(progress: Progress, offered: Offered, health: Health) -> None:
    health.down("kafka", "unavailable")
    progress.report()
    (report,) = offered.reports
    (entry,) = offered.entries
    assert entry.topic == PIPELINE_PROGRESS
    assert entry.key == report.process
    assert report.process.startswith("test_progress@")
    assert report.address == "127.0.0.1:9400"
    assert report.version
    assert not report.ready


def test_a_contact_keeps_its_time(
    progress: Progress, offered: Offered, clock: SettableClock
) -> None:
    clock.move(5)
    progress.contact("support")
    progress.report()
    (report,) = offered.reports
    (support,) = report.mailboxes
    assert support.last_contact_at == clock.now()


async def test_reports_once_more_at_the_end(progress: Progress, offered: Offered) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(progress.run(stop))
    await asyncio.sleep(0)
    progress.count("support", "issue")
    stop.set()
    await running
    first, last = offered.reports
    assert first.mailboxes == []
    assert last.mailboxes[0].outcomes == {"issue": 1}


@pytest.mark.parametrize(
    ("age_seconds", "bucket"),
    [
        (-1.0, "0.05"),  # The mail server's clock is ahead of ours.
        (0.05, "0.05"),
        (0.051, "0.1"),
        (86400, "86400"),
        (86401, "+Inf"),
    ],
)
def test_ages_fall_into_buckets(age_seconds: float, bucket: str) -> None:
    assert age_bucket(age_seconds) == bucket
