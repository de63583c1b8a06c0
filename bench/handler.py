"""Measures what rules, limits, contexts and a full database cost: `python bench/handler.py`.

The real handler handles the same messages with 1, 10 and 100 rules, with limits that brake none of
them, and with 1, 10 and 50 contexts of outgoing messages, in a database with few issues and in one
with many. Rounds take turns, and of each the one with the least CPU time counts, so that a busy
machine spoils no ratio. Exit code 1 if rules, limits or contexts cost more than as much again as
one rule.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

# As a script, its own folder is on the path instead of the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from bench.handling.database import filled_database
from bench.handling.rounds import Cost, Way, measured
from bench.mails import mails, make
from tests.servers.shared_parts import make_postgres

WAYS = (
    Way(),
    *(Way(rules=count) for count in (10, 100)),
    Way(limited=True),
    *(Way(contexts=count) for count in (1, 10, 50)),
)
RATIO_MAX = 2.0


def main() -> int:
    options = _options()
    console = Console(width=120)
    made = mails(make, "small", options.mails)
    folder = Path(tempfile.mkdtemp(prefix="postrail-handler-"))
    # PostgreSQL runs as another user, which must be able to enter it.
    folder.chmod(0o755)
    server = make_postgres(folder / "postgres")
    found = {}
    try:
        server.start()
        # The handler logs each message, as it does elsewhere.
        with (folder / "log").open("w") as log, contextlib.redirect_stderr(log):
            for issues in options.issues:
                begin = time.monotonic()
                url = filled_database(server.admin_url, issues)
                console.print(f"{issues:,} issues made in {time.monotonic() - begin:.0f} s.")
                run = measured(url, folder, server.child.pid, made, WAYS, options.rounds)
                found[issues] = asyncio.run(run)
                console.print(_table(issues, found[issues]))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if len(found) > 1:
        console.print(_growth(found))
    if options.json:
        figures = {issues: [asdict(one) for one in costs] for issues, costs in found.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return int(any(_ratio(one, costs[0]) > RATIO_MAX for costs in found.values() for one in costs))


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="bench/handler.py", description=__doc__)
    options.add_argument("--mails", type=int, default=300, help="number of messages of a round")
    options.add_argument("--rounds", type=int, default=3, help="rounds with each number of rules")
    options.add_argument("--issues", type=int, nargs="+", default=[1_000, 1_000_000])
    options.add_argument("--json", type=Path, help="write all figures to this file")
    return options.parse_args()


def _ratio(one: Cost, other: Cost) -> float:
    return one.handler_ms / other.handler_ms


def _table(issues: int, costs: Sequence[Cost]) -> Table:
    table = Table(title=f"CPU ms a message, at {issues:,} issues")
    columns = (
        "rules",
        "limits",
        "contexts",
        "handler",
        "times one rule",
        "of it deciding",
        "PostgreSQL",
        "reading rules",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for one in costs:
        table.add_row(
            str(one.way.rules),
            "on" if one.way.limited else "off",
            str(one.way.contexts),
            f"{one.handler_ms:.2f}",
            f"{_ratio(one, costs[0]):.2f}",
            f"{one.deciding_ms:.2f}",
            f"{one.postgres_ms:.2f}",
            f"{one.reading_ms:.0f} ms",
        )
    return table


def _growth(found: dict[int, list[Cost]]) -> str:
    (few, before), *_, (many, after) = found.items()
    first, last = before[0], after[0]
    return (
        f"From {few:,} to {many:,} issues: handler times {_ratio(last, first):.2f},"
        f" PostgreSQL times {last.postgres_ms / first.postgres_ms:.2f}."
    )


if __name__ == "__main__":
    sys.exit(main())
