"""Measures reading one full mailbox: our fetcher, imapclient alone and getmail6."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

from bench.installation import Installation
from postrail.embedded.ports import LOOPBACK
from tests.servers.dovecot import PASSWORD

USER = "full"
AT_ONCE = 50
LONGEST_SECONDS = 600.0
# Debian's getmail6, run as a program.
GETMAIL = "getmail"
NOBODY = 65534
# It is slow, since it starts processes for each message.
GETMAIL_MAILS = 300


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A reader's time for all messages, and its own CPU time."""

    name: str
    mix: str
    mails: int
    size: int
    seconds: float
    cpu_seconds: float


def peers(lot: Sequence[bytes], mix: str, say: Callable[[str], None]) -> Iterator[Peer]:
    """Measures the readers one after the other on the same mailbox."""
    size = sum(map(len, lot))
    with Installation(replicas=1, monitor=False, profile=None, stages=("fetcher",)) as installation:
        installation.dovecot.fill(USER, lot)
        installation.configure_outgoing()
        installation.start_services()
        for name, read in (
            ("Postrail's fetcher, into Kafka and PostgreSQL", _postrail),
            ("imapclient alone, without its log", _imapclient_quiet),
            ("imapclient alone, as it comes", _imapclient),
            ("getmail6, into a maildir", _getmail),
        ):
            say(f"{mix} mails: {name}")
            if name.startswith("getmail") and shutil.which(GETMAIL) is None:
                say("getmail6 is not installed (apt-get install getmail6)")
                continue
            seconds, cpu_seconds = read(installation, len(lot))
            yield Peer(
                name=name,
                mix=mix,
                mails=len(lot),
                size=size,
                seconds=seconds,
                cpu_seconds=cpu_seconds,
            )


def _postrail(installation: Installation, count: int) -> tuple[float, float]:
    before, begun = installation.usage()["fetcher"].cpu_seconds, time.monotonic()
    installation.configure_mailboxes([USER])
    with installation.connect() as connection:
        while time.monotonic() - begun < LONGEST_SECONDS:
            found = connection.execute("SELECT last_uid FROM sync_state").fetchone()
            if found and found[0] >= count:
                break
            time.sleep(0.02)
    seconds = time.monotonic() - begun
    return seconds, installation.usage()["fetcher"].cpu_seconds - before


def _imapclient(
    installation: Installation, count: int, *, quiet: bool = False
) -> tuple[float, float]:
    cpu, begun = time.process_time(), time.monotonic()
    with IMAPClient(LOOPBACK, installation.dovecot.imap_port, ssl=False) as client:
        if quiet:
            client._imap.debug = 0
        client.login(USER, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        assert len(uids) == count
        for first in range(0, count, AT_ONCE):
            client.fetch(uids[first : first + AT_ONCE], ["BODY.PEEK[]", "INTERNALDATE"])
    return time.monotonic() - begun, time.process_time() - cpu


def _imapclient_quiet(installation: Installation, count: int) -> tuple[float, float]:
    return _imapclient(installation, count, quiet=True)


def _getmail(installation: Installation, count: int) -> tuple[float, float]:
    folder = installation.folder / f"getmail-{time.monotonic_ns()}"
    for part in ("cur", "new", "tmp"):
        (folder / "maildir" / part).mkdir(parents=True)
    (folder / "getmailrc").write_text(
        "[retriever]\ntype = SimpleIMAPRetriever\n"
        f"server = {LOOPBACK}\nport = {installation.dovecot.imap_port}\n"
        f"username = {USER}\npassword = {PASSWORD}\n"
        f"[destination]\ntype = Maildir\npath = {folder}/maildir/\n"
        "[options]\nread_all = true\ndelete = false\nverbose = 0\n"
        f"max_messages_per_session = {GETMAIL_MAILS}\n"
        "delivered_to = false\nreceived = false\n"
    )
    with _as_nobody(folder) as user:
        before, begun = _children_seconds(), time.monotonic()
        subprocess.run(
            [GETMAIL, "--getmaildir", str(folder)],
            check=True,
            env={"HOME": str(folder), "PATH": os.environ["PATH"]},
            timeout=LONGEST_SECONDS,
            user=user,
            group=user,
            stderr=subprocess.DEVNULL,
        )
        seconds = time.monotonic() - begun
    # Extrapolated to all messages.
    times = count / len(list((folder / "maildir" / "new").iterdir()))
    return seconds * times, (_children_seconds() - before) * times


@contextmanager
def _as_nobody(folder: Path) -> Iterator[int | None]:
    """Gives the folder to an ordinary user, as getmail refuses to write as root."""
    if os.geteuid() != 0:
        yield None
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    yield NOBODY


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
