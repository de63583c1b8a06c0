"""Measures the whole pipeline on real servers: `python bench/pipeline.py`, or `make bench`.

Messages go from Dovecot to issues and notifications. It prints their rate, the CPU time and memory
of each process next to the floor of its steps, and the latency at low load. Everything that it
starts ends with it.
"""

from __future__ import annotations

import argparse
import json
import pstats
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# As a script, its own folder is on the path instead of the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console

from bench.floors import Floors
from bench.installation import STAGES, Installation
from bench.latency import Latency, measure_latency
from bench.mails import DEFAULT_FILE, load_maker, mails
from bench.report import Run, show
from bench.throughput import measure_throughput

FLOOR_MAILS = 2000
LATENCY_MAILS_PER_SECOND = 10.0
PROFILE_LINES = 25


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command line."""

    mails: int
    mix: str
    workload: Path
    mailboxes: int
    replicas: int
    latency_seconds: float
    floors: bool
    monitor: bool
    profile: str | None
    json: Path | None
    logs: Path | None


def read_options(arguments: Sequence[str]) -> Options:
    """Reads the options, or exits with a message."""
    parser = argparse.ArgumentParser(prog="bench/pipeline.py", description=__doc__)
    parser.add_argument(
        "--mails", type=int, metavar="N", default=5000, help="messages in the mailboxes"
    )
    parser.add_argument(
        "--mix", choices=["small", "real"], default="small", help="kind of messages"
    )
    parser.add_argument(
        "--workload",
        type=Path,
        default=DEFAULT_FILE,
        metavar="FILE",
        help="Python file with make(mix, index) -> bytes; default if missing: our generator",
    )
    parser.add_argument(
        "--mailboxes",
        type=int,
        metavar="N",
        default=1,
        help="mailboxes to distribute the messages to",
    )
    parser.add_argument(
        "--replicas", type=int, metavar="N", default=1, help="processes of each service"
    )
    parser.add_argument(
        "--latency-seconds",
        type=float,
        default=20.0,
        help="duration of the latency measurement; 0 to skip it",
    )
    parser.add_argument("--no-floors", dest="floors", action="store_false")
    parser.add_argument("--no-monitor", dest="monitor", action="store_false")
    parser.add_argument(
        "--profile", choices=STAGES, help="profile one process of this service (which slows it)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument(
        "--logs", type=Path, metavar="DIR", help="copy the services' logs to this folder"
    )
    return Options(**vars(parser.parse_args(arguments)))


def run(options: Options, console: Console, profile_file: Path) -> Run:
    """Performs a run, from empty servers to the figures."""
    maker, source = load_maker(options.workload)
    profile = (options.profile, profile_file) if options.profile else None
    late = int(options.latency_seconds * LATENCY_MAILS_PER_SECOND)
    lot = mails(maker, options.mix, max(FLOOR_MAILS, options.mails + late))
    with (
        console.status("starting the servers") as status,
        Installation(
            replicas=options.replicas, monitor=options.monitor, profile=profile
        ) as installation,
    ):
        floors = {}
        if options.floors:
            status.update("measuring the floor of each step")
            floors = Floors(installation, lot[:FLOOR_MAILS]).measure()
        users = [f"box{number}" for number in range(1, options.mailboxes + 1)]
        status.update(f"filling {len(users)} mailboxes with {options.mails} mails")
        fill(installation, users, lot[: options.mails])
        installation.configure_outgoing()
        status.update("starting the services")
        installation.start_services()
        throughput = measure_throughput(installation, users, options.mails, status.update)
        status.update("measuring the latency")
        latency = low_load(installation, users, lot[options.mails :][:late])
        installation.stop_services()
        for problem in installation.log_problems()[:10]:
            console.print(problem, style="yellow", markup=False)
        if options.logs:
            installation.copy_logs(options.logs)
    return Run(
        mix=options.mix,
        source=source,
        mailboxes=options.mailboxes,
        replicas=options.replicas,
        floors=floors,
        throughput=throughput,
        latency=latency,
    )


def fill(installation: Installation, users: Sequence[str], lot: Sequence[bytes]) -> None:
    """Distributes the messages to the mailboxes."""
    for number, user in enumerate(users):
        installation.dovecot.fill(user, lot[number :: len(users)])


def low_load(
    installation: Installation, users: Sequence[str], lot: Sequence[bytes]
) -> Latency | None:
    """Measures the latency of single messages; returns None if there are none to send."""
    if not lot:
        return None
    return measure_latency(installation, users, lot, LATENCY_MAILS_PER_SECOND)


def main() -> None:
    """Measures, prints and writes the figures."""
    options = read_options(sys.argv[1:])
    console = Console()
    # sys.exit ends the processes and removes the folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    profile_file = Path(tempfile.gettempdir()) / f"postrail-{options.profile}.prof"
    begun = time.monotonic()
    found = run(options, console, profile_file)
    show(found, console)
    console.print(f"Mix {found.mix} of {found.source}; {time.monotonic() - begun:.0f} s in all")
    if options.profile:
        pstats.Stats(str(profile_file)).sort_stats("tottime").print_stats(PROFILE_LINES)
        console.print(f"The profile of one {options.profile} is {profile_file}")
    if options.json:
        options.json.write_text(json.dumps(found.as_json(), indent=2) + "\n")


if __name__ == "__main__":
    main()
