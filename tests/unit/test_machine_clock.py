"""Tests that only a few places read the machine's clock, each for a reason."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
READS = re.compile(r"datetime\.now\(|time\.time\(|time\.time_ns\(|\bSystemClock\(\)")

ALLOWED = {
    # The clocks themselves.
    "postrail/clock/__init__.py",
    "postrail/clock/shared_clock.py",
    # A file has the time of the machine's clock.
    "postrail/doctor/mail.py",
    "postrail/mailbox/folder/mbox_lock.py",
    "postrail/mailbox/folder/trial.py",
    "services/fetcher/opener.py",
    # TLS judges certificates by the machine's clock.
    "postrail/wire/connection_check.py",
    # Compares it with the server's.
    "services/cli/commands/doctor.py",
    # PostgreSQL runs on the same machine.
    "postrail/embedded/data_folder.py",
    "services/cli/commands/demo.py",
    "services/cli/demo/mail_server.py",
    "services/cli/local/lifecycle.py",
    # Where there is no better time: a command without a database, an answer without a date.
    "postrail/wire/graph.py",
    "postrail/stream/producer.py",
    "services/cli/installation.py",
    "services/cli/trial.py",
}


def test_times_come_from_the_clock_that_is_passed_in() -> None:
    files = [path for folder in ("postrail", "services") for path in _modules(folder)]
    readers = {path for path in files if READS.search((REPOSITORY / path).read_text())}
    assert readers == ALLOWED


def _modules(folder: str) -> list[str]:
    found = (REPOSITORY / folder).rglob("*.py")
    return [path.relative_to(REPOSITORY).as_posix() for path in found]
