"""The clocks of machines are wrong, or are set during the work: no time of ours follows them."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes.faulty.shifted_clock import Shift
from tests.processes.pipeline import DOMAIN, SERVICES, Inbox, Pipeline, Replica, letter
from tests.servers.dovecot import Dovecot
from tests.servers.table_times import TOLERANCE, foreign_times

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

USER = "support"
HOUR, DAY = 3600.0, 86400.0
CONVERSATIONS, LETTERS = 4, 3
LARGE_LINES = 100_000
QUICK = {
    # Greylisted recipients are accepted a second later.
    "POSTRAIL_SENDER__RETRY_PAUSES_SECONDS": "[1, 2]",
    "POSTRAIL_SENDER__POLL_SECONDS": "0.2",
    "POSTRAIL_SENDER__CLAIM_SECONDS": "10",
    "POSTRAIL_OUTBOX__SWEEP_AFTER_SECONDS": "1",
}
ADDRESS = re.compile(r'"address": "([^"]+)"')


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    with Pipeline(own_folder, {**environment, **QUICK}, dovecot) as pipeline:
        pipeline.configure([Inbox(name=USER)])
        yield pipeline


def message_id(conversation: int, place: int) -> str:
    return f"<{conversation}-{place}@customer.test>"


def letter_of(conversation: int, place: int) -> bytes:
    """Makes a message; a person whose server greylists writes first, a colleague answers."""
    writer = "colleague" if place else "grey"
    # Too long for a record: it goes through the blob store.
    rest = "0123456789\r\n" * LARGE_LINES if (conversation, place) == (0, 0) else ""
    return letter(
        f"Conversation {conversation}",
        sender=f"{writer}{conversation}@customer.test",
        to=f"support@{DOMAIN}, colleague{conversation}@customer.test",
        message_id=message_id(conversation, place),
        in_reply_to=message_id(conversation, place - 1) if place else None,
        text=f"Letter {place}\r\n{rest}",
    )


def feed(pipeline: Pipeline, conversations: range) -> None:
    """Delivers all messages of the conversations, place by place."""
    for place in range(LETTERS):
        pipeline.dovecot.fill(USER, [letter_of(number, place) for number in conversations])


def require_one_effect_each(pipeline: Pipeline, conversations: int) -> None:
    """Checks each message's effect, their order, and that each notification was sent once."""
    found = pipeline.rows("SELECT state, outcome, count(*) FROM incoming_mail GROUP BY 1, 2")
    assert Counter({row[:2]: row[2] for row in found}) == Counter(
        {("done", "issue"): conversations, ("done", "comment"): conversations * (LETTERS - 1)}
    )
    comments = pipeline.rows(
        "SELECT issue.summary, array_agg(left(body, 8) ORDER BY comment_id) FROM comment"
        " JOIN issue USING (issue_key) GROUP BY 1"
    )
    in_order = [f"Letter {place}" for place in range(1, LETTERS)]
    assert [row[1] for row in comments] == [in_order] * conversations

    states = pipeline.rows("SELECT state, maybe_twice, count(*) FROM delivery GROUP BY 1, 2")
    assert states == [("sent", False, conversations * LETTERS)]
    sent = Counter(mail.message_id for mail in pipeline.sent())
    assert len(sent) == conversations * LETTERS
    assert set(sent.values()) == {1}
    assert pipeline.value("SELECT max(attempts) FROM delivery") > 1, "nothing was greylisted"
    assert pipeline.unaccounted() == 0


def require_times_of_postgresql(pipeline: Pipeline, since: datetime) -> None:
    """Checks all times in all tables, and those of the blobs."""
    foreign, count = foreign_times(pipeline.settings.database.url.get_secret_value(), since)
    assert foreign == []
    assert count > 100
    blobs = Path(urlsplit(pipeline.settings.blobs.url).path, "blobs")
    written = [file.stat().st_mtime for file in blobs.rglob("*") if file.is_file()]
    assert min(written) > since.timestamp() - TOLERANCE.total_seconds()
    assert max(written) < time.time() + TOLERANCE.total_seconds()


def start_shifted(pipeline: Pipeline, service: str, shift: Shift) -> Replica:
    """Starts one more replica of a service, by a clock that the test sets."""
    replica = pipeline.process(f"{service}-shifted", shift.command(f"services.{service}"))
    replica.start()
    return replica


def probe(replica: Replica, path: str) -> tuple[int, str]:
    """Returns the status and body of the process's health server; 0 before it has started."""
    address = ADDRESS.search(replica.log)
    if address is None:
        return 0, ""
    try:
        with urllib.request.urlopen(f"http://{address[1]}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for_probe(pipeline: Pipeline, replica: Replica, status: int, says: str) -> None:
    """Waits until the process is ready or not, with these words."""

    def answers() -> bool:
        found = probe(replica, "/readyz")
        return found[0] == status and says in found[1]

    pipeline.wait_until(answers, 30, f"{replica.name}: {status} {says}")


def wait_for_figure(pipeline: Pipeline, monitor: Replica, figure: str) -> None:
    """Waits until the monitor shows the number of processes of a service."""
    line = f"postrail_processes{figure}"
    pipeline.wait_until(lambda: line in probe(monitor, "/metrics")[1], 30, line)


def wait_until_begun(pipeline: Pipeline, conversations: range) -> None:
    """Waits until a message of these conversations has come in."""
    first = [message_id(number, 0) for number in conversations]
    statement = "SELECT FROM incoming_mail WHERE message_id = ANY(%s)"
    pipeline.wait_until(lambda: pipeline.rows(statement, [first]), 60, "a message has come in")


def shown_offset(replica: Replica) -> float:
    found = re.search(r"^postrail_clock_offset_seconds (\S+)$", probe(replica, "/metrics")[1], re.M)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize(
    "seconds",
    [-31 * DAY, HOUR, 31 * DAY],
    ids=["31 days behind", "an hour ahead", "31 days ahead"],
)
def test_wrong_clocks_change_nothing_but_the_probes(pipeline: Pipeline, seconds: float) -> None:
    since = pipeline.value("SELECT now()")
    shift = Shift(pipeline.folder / "shift", seconds)
    replicas = {
        service: start_shifted(pipeline, service, shift) for service in (*SERVICES, "monitor")
    }

    feed(pipeline, range(CONVERSATIONS))
    pipeline.wait_until_settled(mails=CONVERSATIONS * LETTERS, seconds=90)

    require_one_effect_each(pipeline, CONVERSATIONS)
    require_times_of_postgresql(pipeline, since)
    where = "ahead of" if seconds > 0 else "behind"
    for service, replica in replicas.items():
        server = "Kafka" if service in ("parser", "monitor") else "PostgreSQL"
        says = f"clock: this machine's clock is {abs(seconds):.0f} s {where} {server}'s"
        wait_for_probe(pipeline, replica, 503, says)
        # Nothing else is wrong.
        assert len(probe(replica, "/readyz")[1].splitlines()) == 1
        assert shown_offset(replica) == pytest.approx(seconds, abs=5)
        assert replica.log.count("the machine's clock is wrong") == 1

    for service in replicas:
        wait_for_figure(pipeline, replicas["monitor"], f'{{ready="false",service="{service}"}} 1.0')

    # The clock is set right.
    shift.set(0)
    for replica in replicas.values():
        wait_for_probe(pipeline, replica, 200, "ready")
        assert replica.log.count("the machine's clock is right again") == 1
    for service in replicas:
        wait_for_figure(pipeline, replicas["monitor"], f'{{ready="true",service="{service}"}} 1.0')
    require_times_of_postgresql(pipeline, since)


def test_clocks_that_are_set_during_the_work_change_nothing(pipeline: Pipeline) -> None:
    # One process of each service has a clock that is right, and one has a clock that is set.
    since = pipeline.value("SELECT now()")
    shift = Shift(pipeline.folder / "shift")
    pipeline.start()
    for service in SERVICES:
        start_shifted(pipeline, service, shift)

    steps = (0, HOUR, 0, -HOUR, HOUR, -31 * DAY)
    for wave, seconds in enumerate(steps):
        conversations = range(wave * CONVERSATIONS, (wave + 1) * CONVERSATIONS)
        feed(pipeline, conversations)
        wait_until_begun(pipeline, conversations)
        shift.set(seconds)
    total = len(steps) * CONVERSATIONS
    pipeline.wait_until_settled(mails=total * LETTERS, seconds=90)

    require_one_effect_each(pipeline, total)
    require_times_of_postgresql(pipeline, since)
