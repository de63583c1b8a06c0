"""Measures the fetcher on real servers: `python bench/fetch.py`.

First thousands of mailboxes in IDLE: their cost without new messages, the time from a delivery to
mail.fetched, and the time until the mailboxes of a killed fetcher are watched again. Then one full
mailbox, compared with imapclient alone and getmail6. Everything that it starts ends with it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# As a script, its own folder is on the path instead of the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from bench.arrivals import Arrivals, quantile
from bench.installation import Installation
from bench.mails import DEFAULT_FILE, load_maker, mails
from bench.peers.fetchers import Peer, peers

SESSIONS_PER_PROCESS = 100
OPEN_SECONDS = 300.0
TAKEOVER_SECONDS = 60.0
SETTLE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command line."""

    mailboxes: int
    replicas: int
    idle_seconds: float
    deliveries: int
    mails: int
    workload: Path
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """The cost of many mailboxes; CPU in ms per second of wall time, all fetchers together."""

    mailboxes: int
    fetchers: int
    open_seconds: float
    idle_ms_per_second: float
    dovecot_idle_ms_per_second: float
    p50_seconds: float
    p99_seconds: float
    takeover_p50_seconds: float
    takeover_longest_seconds: float
    peak_mib_each: float


def read_options(arguments: Sequence[str]) -> Options:
    """Reads the options, or exits with a message."""
    parser = argparse.ArgumentParser(prog="bench/fetch.py", description=__doc__)
    parser.add_argument("--mailboxes", type=int, metavar="N", default=1000)
    parser.add_argument("--replicas", type=int, metavar="N", default=2, help="fetchers")
    parser.add_argument("--idle-seconds", type=float, metavar="S", default=30.0)
    parser.add_argument(
        "--deliveries",
        type=int,
        metavar="N",
        default=300,
        help="messages to measure the latency, 10 per second",
    )
    parser.add_argument(
        "--mails", type=int, metavar="N", default=5000, help="messages in the full mailbox"
    )
    parser.add_argument("--workload", type=Path, metavar="FILE", default=DEFAULT_FILE)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    return Options(**vars(parser.parse_args(arguments)))


def crowd(options: Options, lot: Sequence[bytes], say: Callable[[str], None]) -> Crowd:
    """Measures many mailboxes on a few fetchers."""
    users = [f"box{number}" for number in range(options.mailboxes)]
    with Installation(
        replicas=options.replicas,
        monitor=False,
        profile=None,
        stages=("fetcher",),
        sessions_per_process=SESSIONS_PER_PROCESS,
    ) as installation:
        installation.configure_outgoing()
        installation.start_services()
        say(f"opening {len(users)} mailboxes")
        begun = time.monotonic()
        installation.configure_mailboxes(users)
        _until_open(installation, len(users))
        opened = time.monotonic() - begun
        time.sleep(SETTLE_SECONDS)
        say("measuring without new messages")
        idle, dovecot_idle = _idle(installation, options.idle_seconds)
        with Arrivals(installation) as arrivals:
            say("measuring with new messages")
            chosen = random.Random(1).choices(users, k=options.deliveries)
            took = arrivals.measure(chosen, lot, per_second=10.0, late_seconds=30.0)
            say("killing one fetcher")
            installation.services["fetcher 1"].kill()
            orphans = random.Random(2).sample(users, min(200, len(users)))
            takeover = arrivals.measure(
                orphans, lot[options.deliveries :], per_second=1e6, late_seconds=TAKEOVER_SECONDS
            )
        peak = installation.usage()["fetcher"].peak_bytes
        return Crowd(
            mailboxes=len(users),
            fetchers=options.replicas,
            open_seconds=opened,
            idle_ms_per_second=idle,
            dovecot_idle_ms_per_second=dovecot_idle,
            p50_seconds=quantile(took, 0.5),
            p99_seconds=quantile(took, 0.99),
            takeover_p50_seconds=quantile(takeover, 0.5),
            takeover_longest_seconds=takeover[-1],
            # The killed fetcher has no figures.
            peak_mib_each=peak / max(1, options.replicas - 1) / 2**20,
        )


def _until_open(installation: Installation, count: int) -> None:
    deadline = time.monotonic() + OPEN_SECONDS
    with installation.connect() as connection:
        while time.monotonic() < deadline:
            found = connection.execute("SELECT count(*) FROM reconciliation").fetchone()
            if found and found[0] >= count:
                return
            time.sleep(0.1)
    raise TimeoutError(f"not all of {count} mailboxes were opened in {OPEN_SECONDS:.0f} s")


def _idle(installation: Installation, seconds: float) -> tuple[float, float]:
    before = installation.usage()
    time.sleep(seconds)
    after = installation.usage()
    fetchers, dovecot = (
        (after[name].cpu_seconds - before[name].cpu_seconds) * 1000 / seconds
        for name in ("fetcher", "Dovecot")
    )
    return fetchers, dovecot


def crowd_table(found: Crowd) -> Table:
    """Returns the figures of many mailboxes as a table."""
    table = Table(
        "figure",
        "here",
        title=f"{found.mailboxes} mailboxes on {found.fetchers} fetchers",
        title_justify="left",
    )
    for name, value in (
        ("all open after", f"{found.open_seconds:.1f} s"),
        ("CPU while nothing arrives, all fetchers", f"{found.idle_ms_per_second:.1f} ms/s"),
        ("the same of Dovecot", f"{found.dovecot_idle_ms_per_second:.1f} ms/s"),
        ("delivery to mail.fetched, p50", f"{found.p50_seconds * 1000:.0f} ms"),
        ("delivery to mail.fetched, p99", f"{found.p99_seconds * 1000:.0f} ms"),
        (
            "the same right after SIGKILL of one, p50",
            f"{found.takeover_p50_seconds:.1f} s",
        ),
        ("longest, so all are taken over", f"{found.takeover_longest_seconds:.1f} s"),
        ("peak memory of a fetcher", f"{found.peak_mib_each:.0f} MiB"),
    ):
        table.add_row(name, value)
    return table


def peers_table(others: Sequence[Peer]) -> Table:
    """Returns the figures of one full mailbox as a table."""
    table = Table(
        "one mailbox",
        "mix",
        "mails/s",
        "CPU ms a mail",
        "MB/s",
        title="Throughput",
        title_justify="left",
    )
    for peer in others:
        table.add_row(
            peer.name,
            peer.mix,
            f"{peer.mails / peer.seconds:.0f}",
            f"{peer.cpu_seconds * 1000 / peer.mails:.2f}",
            f"{peer.size / peer.seconds / 1e6:.1f}",
        )
    return table


def main() -> None:
    """Measures, prints and writes the figures."""
    options = read_options(sys.argv[1:])
    console = Console()
    maker, _ = load_maker(options.workload)
    with console.status("starting the servers") as status:
        found = crowd(options, mails(maker, "small", options.deliveries + 200), status.update)
        console.print(crowd_table(found))
        others = [
            peer
            for mix in ("small", "real")
            for peer in peers(mails(maker, mix, options.mails), mix, status.update)
        ]
    console.print(peers_table(others))
    if options.json:
        figures = {"crowd": asdict(found), "one mailbox": [asdict(peer) for peer in others]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
