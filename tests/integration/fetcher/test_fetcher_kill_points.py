"""A fetcher is killed at each point, with each protocol and each setting of after_download."""

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
    """The numbers of messages in INBOX, of marked ones there, and of those in the other folder."""

    inbox: int
    marked: int = 0
    moved: int = 0


@dataclass(frozen=True)
class AfterDownload:
    """What the account wants after the download, and the state of three finished messages."""

    changes: dict[str, str]
    state: State
    more_settings: str = ""


POP3 = {"protocol": "pop3"}
MOVE = {"after_download": "move", "move_to": "Processed"}
SETTINGS_AFTER_DOWNLOAD = {
    "seen": AfterDownload({}, State(3, marked=3)),
    "remove": AfterDownload({"after_download": "remove"}, State(0)),
    "move": AfterDownload(MOVE, State(0, moved=3)),
    "copy": AfterDownload(MOVE, State(0, moved=3), WITHOUT_MOVE),
    "pop3": AfterDownload(POP3, State(3)),
    "pop3 remove": AfterDownload({**POP3, "after_download": "remove"}, State(0)),
}
UNTOUCHED = State(3)
# The setting, the point, the number of rows right after the kill, and the state of the mailbox.
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
# After a kill between copying and expunging, the successor copies once more.
COPIED_TWICE = {("copy", "copied"), ("copy", "flagged")}


def mail(number: int, size: int = 0) -> bytes:
    """Makes a message with its number in the subject, and padding."""
    head = f"Subject: Mail {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    return head.encode() + b"x" * 70 * (size // 72) + b"\r\n"


def account_of(dovecot: Dovecot, certificates: Certificates, wanted: AfterDownload) -> MailAccount:
    """Makes an account over TLS whose poll timer is longer than a test."""
    pop3 = wanted.changes.get("protocol") == "pop3"
    values: dict[str, Any] = {
        "port": dovecot.pop3s_port if pop3 else dovecot.imaps_port,
        "encryption": "ssl",
        "ca_file": str(certificates.ca_file),
        "poll_seconds": 3600,
        "timeout_ms": 10_000,
    }
    return account_named(USER, **(values | wanted.changes))


def state_of(dovecot: Dovecot, wanted: AfterDownload) -> State:
    """Returns the state of the mailbox; Dovecot itself marks messages that POP3 has read."""
    flags = dovecot.flags(USER)
    marked = [uid for uid in flags if flags[uid] & {"\\Seen", "\\Deleted"}]
    moved = len(dovecot.uids(USER, "Processed"))
    pop3 = wanted.changes.get("protocol") == "pop3"
    return State(len(flags), 0 if pop3 else len(marked), moved)


@pytest.mark.parametrize(("name", "point", "recorded", "state"), POINTS)
async def test_after_a_kill_at_each_point_a_successor_completes_the_work(
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
    url, wanted = settings.database.url.get_secret_value(), SETTINGS_AFTER_DOWNLOAD[name]
    if wanted.more_settings:
        dovecot.stop()
        dovecot.more_settings = wanted.more_settings
        dovecot.start()
    await configure(settings, [account_of(dovecot, certificates, wanted)])
    dovecot.fill(USER, [mail(1), mail(2, size=1_500_000), mail(3)])
    environment = os.environ | environment | {"POSTRAIL_SECRET_MAIL": PASSWORD}
    log = tmp_path / "fetcher.log"
    with fetcher(environment, log, "tests.processes.faulty.killed_at", point) as process:
        code = await asyncio.to_thread(process.wait, 40)
        assert code == -signal.SIGKILL, log.read_text()
    assert (len(sources(url)), state_of(dovecot, wanted)) == (recorded, state)
    final = State(0, moved=6) if (name, point) in COPIED_TWICE else wanted.state
    with fetcher(environment, log) as process:
        await until_count(url, 3)
        await until_blocking(lambda: state_of(dovecot, wanted) == final, 40)
        # The successor may have nothing to do, and still be starting.
        await until_blocking(lambda: log.read_text().count("mailbox open") == 2, 40)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0, log.read_text()
    await _require_one_identity_each(settings, twice=point == "acknowledged")
    assert state_of(dovecot, wanted) == final


async def _require_one_identity_each(settings: Settings, *, twice: bool) -> None:
    """Checks that messages have one id each, and were published twice only before their rows."""
    records = await asyncio.to_thread(fetched_records, settings)
    counts = Counter(record.mail_id for record in records)
    assert set(counts.values()) == {2 if twice else 1}
    assert len(counts) == 3
    for record in records:
        if record.blob:
            assert await BlobStore(settings.blobs.url).get(record.blob.sha256)
