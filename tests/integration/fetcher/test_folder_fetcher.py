"""Fetchers on folders: after a kill at any point, each message still has one effect."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postrail.settings import Settings
from tests.fakes.fetching import until_blocking
from tests.makers.folders import KINDS, Folder
from tests.processes.fetcher_process import configure, fetched_records, fetcher

MAILS = [
    b"Subject: Mail %d\nMessage-ID: <%d@example.org>\n\nText\n" % (number, number)
    for number in range(3)
]
# The messages left in the folder and those moved, for each setting of after_download.
OUTCOMES: dict[str, tuple[list[bytes], list[bytes]]] = {
    "seen": (MAILS, []),
    "remove": ([], []),
    "move": ([], MAILS),
}


def query(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        return connection.execute(statement.encode()).fetchall()


def mails_fetched(settings: Settings) -> int:
    return len(query(settings, "SELECT 1 FROM incoming_mail WHERE state = 'fetched'"))


async def until_fetched(settings: Settings, count: int) -> None:
    await until_blocking(lambda: mails_fetched(settings) == count, 40)


def filled(kind: str, base: Path) -> Folder:
    folder = Folder(kind, base)
    for mail in MAILS:
        folder.add(mail)
    return folder


def account_values(wanted: str) -> dict[str, Any]:
    target = "Processed" if wanted == "move" else ""
    return {"after_download": wanted, "move_to": target, "poll_seconds": 1}


POINTS = [
    ("maildir", "seen", "file read"),
    ("eml", "remove", "acknowledged"),
    ("mbox", "remove", "acknowledged"),
    ("maildir", "move", "recorded"),
    ("mbox", "remove", "recorded"),
    ("maildir", "seen", "file finished"),
    ("mbox", "seen", "file finished"),
    ("maildir", "move", "file in both places"),
    ("eml", "move", "file in both places"),
    ("eml", "remove", "file removed"),
    ("mbox", "move", "mbox copied"),
    ("mbox", "remove", "mbox to be replaced"),
    ("mbox", "move", "mbox replaced"),
]


@pytest.mark.parametrize(("kind", "wanted", "point"), POINTS)
async def test_after_a_kill_at_each_point_a_successor_completes_the_work(
    kind: str,
    wanted: str,
    point: str,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    folder, log = filled(kind, tmp_path), tmp_path / "fetcher.log"
    await configure(settings, [folder.account(**account_values(wanted))])
    with fetcher(environment, log, "tests.processes.faulty.killed_at", point) as process:
        code = await asyncio.to_thread(process.wait, 40)
        assert code == -signal.SIGKILL, log.read_text()
    if point in ("file read", "acknowledged"):
        # A message without a row is not finished.
        assert (folder.left(), mails_fetched(settings)) == (MAILS, 0)
    left, moved = OUTCOMES[wanted]
    with fetcher(environment, log) as process:
        await until_fetched(settings, 3)
        await until_blocking(lambda: folder.left() == left, 20)
        if kind == "maildir" and wanted == "seen":
            await until_blocking(lambda: folder.seen() == MAILS, 20)
        # The successor may have nothing to do, and still be starting.
        await until_blocking(lambda: log.read_text().count("mailbox open") == 2, 40)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0, log.read_text()
    assert mails_fetched(settings) == 3, log.read_text()
    records = await asyncio.to_thread(fetched_records, settings)
    # Messages in Kafka but not in PostgreSQL are published again, with the same id.
    assert len({record.mail_id for record in records}) == 3
    assert len(records) == (6 if point == "acknowledged" else 3)
    # An interrupted copy to another file is repeated, so that none is missing.
    assert sorted(set(folder.moved())) == moved
    assert len(folder.moved()) == len(moved) * (2 if point == "mbox copied" else 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_new_files_are_fetched_and_old_ones_are_not_fetched_again(
    kind: str, settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    folder, log = filled(kind, tmp_path), tmp_path / "fetcher.log"
    await configure(settings, [folder.account(poll_seconds=1)])
    for number in range(2):
        with fetcher(environment, log):
            await until_fetched(settings, 3 + number)
            folder.add(b"Subject: New %d\n\nText\n" % number)
            await until_fetched(settings, 4 + number)
    assert len(query(settings, "SELECT DISTINCT raw_partition, raw_offset FROM incoming_mail")) == 5
    ((last_offset,),) = query(settings, "SELECT max(raw_offset) FROM incoming_mail")
    # Each message was published once.
    assert last_offset == 4
    assert len(folder.left()) == 5


async def test_of_a_too_large_message_the_header_is_fetched_and_the_file_stays(
    settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    folder, log = Folder("eml", tmp_path), tmp_path / "fetcher.log"
    folder.add(b"Subject: Large\n\n" + b"x" * 100_000)
    folder.add(MAILS[0])
    account = folder.account(max_message_bytes=50_000, **account_values("remove"))
    await configure(settings, [account])
    with fetcher(environment, log):
        await until_fetched(settings, 2)
        await until_blocking(lambda: len(folder.left()) == 1, 20)
    sizes = query(settings, "SELECT size FROM incoming_mail ORDER BY size DESC")
    assert sizes == [(100_016,), (len(MAILS[0]),)]
