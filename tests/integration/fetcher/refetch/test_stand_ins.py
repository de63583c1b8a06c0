"""Dovecot serves Exchange's stand-in for a message first, and the message itself later."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.settings import Settings
from tests.fakes.exchange import stand_in
from tests.fakes.fetching import account_named, until_blocking
from tests.processes.fetcher_process import configure, fetched_records, fetcher, query
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, Dovecot

pytestmark = pytest.mark.debian

USER = "support"
NAMES = ("1700000001.M1.host", "1700000002.M2.host", "1700000003.M3.host")
REAL = b"Subject: Broken lamp\r\nMessage-ID: <lamp@example.org>\r\n\r\nIt is dark.\r\n"
TRIED = "SELECT 1 FROM refetch WHERE attempts > 2"
ROW = "SELECT subject, sender, reason FROM incoming_mail WHERE state = 'failed'"
# The point of a kill, whether the real message is there by then, and how many messages are left in
# the mailbox at the end: a late message that is saved already is not removed any more.
KILLS = [
    ("fetched", False, 0),
    ("recorded", False, 0),
    ("refetch begun", True, 0),
    ("acknowledged", True, 0),
    ("refetch saved", True, 1),
]


@pytest.fixture
def maildir(own_folder: Path, certificates: Certificates) -> Iterator[Dovecot]:
    """Starts a Dovecot whose files a test may replace."""
    server = Dovecot(own_folder, certificates, mail_location="maildir:~/Maildir:INDEX=MEMORY")
    server.start()
    yield server
    server.stop()


def mail(number: int) -> bytes:
    return b"Subject: Mail %d\r\nMessage-ID: <%d@example.org>\r\n\r\nText\r\n" % (number, number)


def fill(server: Dovecot, place: int) -> None:
    """Puts a stand-in at this place among other messages."""
    for number, name in enumerate(NAMES):
        content = stand_in(sender="ann@example.com") if number == place else mail(number)
        server.put(USER, name, content)


def account_of(server: Dovecot, certificates: Certificates, protocol: str) -> MailAccount:
    values: dict[str, Any] = {
        "protocol": protocol,
        "port": server.pop3s_port if protocol == "pop3" else server.imaps_port,
        "encryption": "ssl",
        "ca_file": str(certificates.ca_file),
        "poll_seconds": 1,
        # Nothing but the mailbox has the message: it must not be removed too early.
        "after_download": "remove",
    }
    return account_named(USER, **values)


def environment_with(environment: dict[str, str], pause_hours: float) -> dict[str, str]:
    return {
        **os.environ,
        **environment,
        "POSTRAIL_SECRET_MAIL": PASSWORD,
        "POSTRAIL_FETCHER__PARKED_PAUSE_HOURS": f"[{pause_hours}]",
    }


def states(settings: Settings) -> list[str]:
    url = settings.database.url.get_secret_value()
    return sorted(state for (state,) in query(url, "SELECT state FROM incoming_mail"))


def bodies(settings: Settings) -> list[bytes]:
    return [record.body or b"" for record in fetched_records(settings)]


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("place", [0, 2])
async def test_a_stand_in_is_held_and_the_real_message_arrives_later(
    maildir: Dovecot,
    certificates: Certificates,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
    protocol: str,
    place: int,
) -> None:
    fill(maildir, place)
    await configure(settings, [account_of(maildir, certificates, protocol)])
    with fetcher(environment_with(environment, 0.001), tmp_path / "fetcher.log"):
        await until_blocking(lambda: states(settings) == ["failed", "fetched", "fetched"], 40)
        await until_blocking(lambda: len(maildir.uids(USER)) == 1, 40)
        ((subject, sender, reason),) = query(settings.database.url.get_secret_value(), ROW)
        assert (subject, sender) == ("Broken lamp", "ann@example.com")
        assert reason.startswith("could not be fetched: the mail server cannot convert it")
        maildir.put(USER, NAMES[place], REAL)
        await until_blocking(lambda: states(settings) == ["fetched"] * 3, 40)
        await until_blocking(lambda: maildir.uids(USER) == [], 40)
    others = [mail(number) for number in range(3) if number != place]
    assert sorted(bodies(settings)) == sorted([*others, REAL])


@pytest.mark.parametrize(("point", "real", "left"), KILLS)
async def test_after_a_kill_the_real_message_is_fetched_all_the_same(
    maildir: Dovecot,
    certificates: Certificates,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
    point: str,
    real: bool,
    left: int,
) -> None:
    maildir.put(USER, NAMES[0], stand_in())
    await configure(settings, [account_of(maildir, certificates, "imap")])
    environment, log = environment_with(environment, 0.001), tmp_path / "fetcher.log"
    if real:
        with fetcher(environment, log):
            await until_blocking(lambda: states(settings) == ["failed"], 40)
        maildir.put(USER, NAMES[0], REAL)
    with fetcher(environment, log, "tests.processes.faulty.killed_at", point) as process:
        assert await asyncio.to_thread(process.wait, 40) == -signal.SIGKILL, log.read_text()
    assert len(maildir.uids(USER)) == 1
    with fetcher(environment, log):
        if not real:
            await until_blocking(lambda: states(settings) == ["failed"], 40)
            maildir.put(USER, NAMES[0], REAL)
        await until_blocking(lambda: states(settings) == ["fetched"], 40)
        await until_blocking(lambda: len(maildir.uids(USER)) == left, 40)
    assert set(bodies(settings)) == {REAL}


async def test_a_stand_in_that_stays_is_asked_for_again_and_never_taken(
    maildir: Dovecot,
    certificates: Certificates,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    maildir.put(USER, NAMES[0], stand_in())
    await configure(settings, [account_of(maildir, certificates, "imap")])
    url = settings.database.url.get_secret_value()
    with fetcher(environment_with(environment, 0.0003), tmp_path / "fetcher.log"):
        await until_blocking(lambda: bool(query(url, TRIED)), 60)
    assert states(settings) == ["failed"]
    assert len(maildir.uids(USER)) == 1
    assert bodies(settings) == []
