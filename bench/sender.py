"""Measures the sender on real servers: `python bench/sender.py`, or `make bench-sender`.

The real sender sends notifications from PostgreSQL and Kafka to an SMTP sink, over 1 and over 8
channels, beside Postfix's smtp-source and aiosmtplib alone, which have no queue. Rounds take turns,
and the best figure of each counts, so that a busy machine spoils no ratio. Everything that it
starts ends with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pstats
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

# As a script, its own folder is on the path instead of the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from bench.installation import Installation
from bench.mails import DEFAULT_FILE, load_maker, mails
from bench.peers.senders import BARE, Sent, aiosmtplib_alone, smtp_source
from bench.sending import ours
from bench.sending.messages import notifications

PEERS = (smtp_source, aiosmtplib_alone)
PROFILE_LINES = 40


def main() -> None:
    """Measures, prints and writes the figures."""
    options = _options()
    console = Console(width=120)
    # sys.exit ends the processes and removes the folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    file = Path(tempfile.gettempdir()) / "postrail-sender.prof"
    maker, source = load_maker(options.workload)
    raws = mails(maker, "small", options.mails)
    with Installation(
        replicas=1,
        monitor=False,
        profile=("sender", file) if options.profile else None,
        stages=("sender",),
    ) as installation:
        installation.configure_outgoing()
        installation.save([ours.relay(installation, channels) for channels in options.channels])
        installation.start_services()
        found = [
            sent
            for _ in range(options.rounds)
            for sent in _round(installation, raws, options.channels)
        ]
        installation.stop_services()
        for problem in installation.log_problems()[:10]:
            console.print(problem, style="yellow", markup=False)
    best = _best(found)
    console.print(_table(best))
    console.print(f"{options.mails} messages of {source}, the best of {options.rounds} rounds")
    if options.profile:
        pstats.Stats(str(file)).sort_stats("tottime").print_stats(PROFILE_LINES)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/sender.py", description=__doc__)
    parser.add_argument("--mails", type=int, default=1000, help="messages of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--channels", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--workload", type=Path, metavar="FILE", default=DEFAULT_FILE)
    parser.add_argument("--profile", action="store_true", help="profile the sender, which slows it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    return parser.parse_args()


def _round(
    installation: Installation, raws: Sequence[bytes], numbers: Sequence[int]
) -> Iterator[Sent]:
    for channels in numbers:
        mails = notifications(raws, ours.relay(installation, channels))
        yield ours.send(installation, mails, channels)
        messages = asyncio.run(ours.as_sent(installation, mails))
        for peer in PEERS:
            yield peer(installation.smtp_port, messages, channels, installation.sink_seconds)


def _best(found: Sequence[Sent]) -> list[Sent]:
    """Returns the best figures of each sender with each number of channels."""
    rounds: dict[tuple[int, str], list[Sent]] = {}
    for one in found:
        rounds.setdefault((one.channels, one.name), []).append(one)
    return [
        replace(
            same[0],
            seconds=min(one.seconds for one in same),
            cpu_seconds=min(one.cpu_seconds for one in same),
            server_cpu_seconds=min(one.server_cpu_seconds for one in same),
            peak_bytes=max(one.peak_bytes for one in same),
        )
        for same in rounds.values()
    ]


def _table(best: Sequence[Sent]) -> Table:
    bare = {one.channels: one for one in best if one.name == BARE}
    table = Table(title=f"CPU in ms a mail; times: of {BARE}", title_justify="left")
    columns = ("mails/s", "times", "CPU", "times", "CPU of servers", "peak memory")
    for column in ("channels", "sender", *columns):
        table.add_column(column, justify="left" if column == "sender" else "right")
    for one in best:
        other = bare[one.channels]
        table.add_row(
            str(one.channels),
            one.name,
            f"{one.per_second:.0f}",
            f"{one.per_second / other.per_second:.2f}",
            f"{one.cpu_ms:.2f}",
            f"{one.cpu_ms / other.cpu_ms:.1f}",
            f"{one.server_cpu_ms:.2f}",
            f"{one.peak_bytes / 2**20:.0f} MiB" if one.peak_bytes else "",
            end_section=one.name == BARE,
        )
    return table


if __name__ == "__main__":
    main()
