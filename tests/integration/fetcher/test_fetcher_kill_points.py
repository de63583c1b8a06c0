"""A fetcher killed at any point, by each protocol and with each end of a mail in its mailbox."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.configuration.models.mail_account import MailAccount
from postrail.settings import Settings
from tests.fakes.fetching import account_named, until_blocking
from tests.processes.fetcher_process import (
    configure,
    fetched_records,
    fetcher,
    sources,
    until_count,
)
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, Dovecot

pytestmark = pytest.mark.debian

USER = "support"
WITHOUT_MOVE = "imap_capability = IMAP4rev1 LITERAL+ ENABLE IDLE NAMESPACE UIDPLUS\n"


@dataclass(frozen=True)
class State:
    """How many mails are in INBOX, how many of these are marked, and how many are elsewhere."""

    inbox: int
    marked: int = 0
    moved: int = 0


@dataclass(frozen=True)
class Ending:
    """What is to become of mails, and how it looks when that has been done to three of them."""

    changes: dict[str, str]
    state: State
    more_settings: str = ""


POP3 = {"protocol": "pop3"}
MOVE = {"after_download": "move", "move_to": "Processed"}
ENDINGS = {
    "seen": Ending({}, State(3, marked=3)),
    "remove": Ending({"after_download": "remove"}, State(0)),
    "move": Ending(MOVE, State(0, moved=3)),
    "copy": Ending(MOVE, State(0, moved=3), WITHOUT_MOVE),
    "pop3": Ending(POP3, State(3)),
    "pop3 remove": Ending({**POP3, "after_download": "remove"}, State(0)),
}
UNTOUCHED = State(3)
# The ending, the point, what is recorded right after the death, and how the mailbox looks then.
POINTS = [
    ("seen", "fetched", 0, UNTOUCHED),
    ("seen", "blob", 0, UNTOUCHED),
    ("seen", "acknowledged", 0, UNTOUCHED),
    ("seen", "recorded", 3, UNTOUCHED),
    ("seen", "seen", 3, State(3, marked=3)),
    ("remove", "recorded", 3, UNTOUCHED),
    ("remove", "flagged", 3, State(3, marked=3)),
    ("remove", "expunged", 3, State(0)),
    ("move", "recorded", 3, UNTOUCHED),
    ("move", "moved", 3, State(0, moved=3)),
    ("copy", "copied", 3, State(3, moved=3)),
    ("copy", "flagged", 3, State(3, marked=3, moved=3)),
    ("copy", "expunged", 3, State(0, moved=3)),
    ("pop3", "pop3 fetched", 0, UNTOUCHED),
    ("pop3", "acknowledged", 0, UNTOUCHED),
    ("pop3", "recorded", 3, UNTOUCHED),
    ("pop3", "pop3 quit", 3, State(3)),
    ("pop3 remove", "pop3 fetched", 0, UNTOUCHED),
    ("pop3 remove", "blob", 0, UNTOUCHED),
    ("pop3 remove", "acknowledged", 0, UNTOUCHED),
    ("pop3 remove", "recorded", 3, UNTOUCHED),
    ("pop3 remove", "pop3 marked", 3, UNTOUCHED),
    ("pop3 remove", "pop3 quit", 3, State(0)),
]
# Killed between copying and expunging, the successor copies once more: better than none.
COPIED_TWICE = {("copy", "copied"), ("copy", "flagged")}


def mail(number: int, size: int = 0) -> bytes:
    """A mail with its number in the subject, and padding."""
    head = f"Subject: Mail {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    return head.encode() + b"x" * 70 * (size // 72) + b"\r\n"


def account_of(dovecot: Dovecot, certificates: Certificates, ending: Ending) -> MailAccount:
    """An account over TLS that would not be polled during a test."""
    pop3 = ending.changes.get("protocol") == "pop3"
    values: dict[str, Any] = {
        "port": dovecot.pop3s_port if pop3 else dovecot.imaps_port,
        "encryption": "ssl",
        "ca_file": str(certificates.ca_file),
        "poll_seconds": 3600,
        "timeout_ms": 10_000,
    }
    return account_named(USER, **(values | ending.changes))


def state_of(dovecot: Dovecot, ending: Ending) -> State:
    """How the mailbox looks; Dovecot marks by itself what POP3 reads."""
    flags = dovecot.flags(USER)
    marked = [uid for uid in flags if flags[uid] & {"\\Seen", "\\Deleted"}]
    moved = len(dovecot.uids(USER, "Processed"))
    pop3 = ending.changes.get("protocol") == "pop3"
    return State(len(flags), 0 if pop3 else len(marked), moved)


@pytest.mark.parametrize(("name", "point", "recorded", "state"), POINTS)
async def test_killed_at_each_point_a_successor_makes_it_right(
    dovecot: Dovecot,
    certificates: Certificates,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
    name: str,
    point: str,
    recorded: int,
    state: State,
) -> None:
    url, ending = settings.database.url.get_secret_value(), ENDINGS[name]
    if ending.more_settings:
        dovecot.stop()
        dovecot.more_settings = ending.more_settings
        dovecot.start()
    await configure(settings, [account_of(dovecot, certificates, ending)])
    dovecot.fill(USER, [mail(1), mail(2, size=1_500_000), mail(3)])
    environment = os.environ | environment | {"POSTRAIL_SECRET_MAIL": PASSWORD}
    log = tmp_path / "fetcher.log"
    with fetcher(environment, log, "tests.processes.killed_at", point) as process:
        code = await asyncio.to_thread(process.wait, 40)
        assert code == -signal.SIGKILL, log.read_text()
    assert (len(sources(url)), state_of(dovecot, ending)) == (recorded, state)
    final = State(0, moved=6) if (name, point) in COPIED_TWICE else ending.state
    with fetcher(environment, log) as process:
        await until_count(url, 3)
        await until_blocking(lambda: state_of(dovecot, ending) == final)
        # It may have found nothing to do, and be at its start still.
        await until_blocking(lambda: log.read_text().count("mailbox open") == 2)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0, log.read_text()
    await _require_one_identity_each(settings, twice=point == "acknowledged")
    assert state_of(dovecot, ending) == final


async def _require_one_identity_each(settings: Settings, *, twice: bool) -> None:
    """Read twice only where Kafka had it and PostgreSQL not; always as the same mails."""
    records = await asyncio.to_thread(fetched_records, settings)
    counts = Counter(record.mail_id for record in records)
    assert set(counts.values()) == {2 if twice else 1}
    assert len(counts) == 3
    for record in records:
        if record.blob:
            assert await BlobStore(settings.blobs.url).get(record.blob.sha256)
