"""Tests how reports add up in the windows of their time, on tables in memory."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from postrail.message_parts import MailboxProgress
from postrail.records import PipelineProgress
from services.monitor.step import take_in
from services.monitor.tallies import Key

START = datetime(2026, 1, 1, tzinfo=UTC)


class OneWindow:
    """A table with a single window."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = defaultdict(dict)

    def __getitem__(self, key: str) -> Any:
        held = self.held

        class Window:
            def value(self) -> Any:
                return held[key]

        return Window()

    def __setitem__(self, key: str, value: Any) -> None:
        self.held[key] = value


def report(seconds: float, *, contact: datetime | None = None) -> PipelineProgress:
    progress = MailboxProgress(
        mailbox="support",
        outcomes={"issue": 2, "duplicate": 1},
        age_buckets={"0.5": 3},
        age_sum_seconds=1.0,
        last_contact_at=contact,
    )
    return PipelineProgress(
        process="handler@a:1",
        service="handler",
        version="1",
        started_at=START,
        reported_at=START + timedelta(seconds=seconds),
        address="127.0.0.1:9400",
        ready=True,
        mailboxes=[progress],
    )


MAILBOX = Key("handler", "handler@a:1", "support").text
PROCESS = Key("handler", "handler@a:1", "").text


def test_reports_add_up() -> None:
    mails, contacts = OneWindow(), OneWindow()
    take_in(report(1), mails, contacts)
    take_in(report(2), mails, contacts)
    assert mails.held[MAILBOX] == {
        "outcomes": {"issue": 4, "duplicate": 2},
        "ages": {"0.5": 6},
        "age_sum": 2.0,
    }
    assert mails.held[PROCESS]["reported_at"] == (START + timedelta(seconds=2)).timestamp()
    assert not contacts.held


def test_a_report_that_is_read_again_adds_nothing() -> None:
    mails, contacts = OneWindow(), OneWindow()
    take_in(report(1), mails, contacts)
    take_in(report(1), mails, contacts)
    assert mails.held[MAILBOX]["outcomes"] == {"issue": 2, "duplicate": 1}


def test_a_contact_is_kept() -> None:
    mails, contacts = OneWindow(), OneWindow()
    take_in(report(1, contact=START), mails, contacts)
    assert contacts.held[MAILBOX] == {"at": START.timestamp()}
