"""Fills a PostgreSQL of its own, measures, and removes it."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.scale.fill import fill_old_tables, fill_words
from bench.scale.measures import Measured, measured
from bench.scale.migrations import Migrated, migrate_beside_a_writer
from tests.servers.databases import create_database
from tests.servers.shared_parts import make_postgres

BOUND_MS = 50.0
FEW_ISSUES = 1000


def main() -> None:
    """Runs the measurement; the exit code is 1 if an operation is beyond the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="postrail-scale-"))
    # PostgreSQL runs as another user, which must be able to enter it.
    folder.chmod(0o755)
    server = make_postgres(folder)
    try:
        server.start()
        found = asyncio.run(_run(server.admin_url, options.issues))
    finally:
        server.stop()
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _show(found, options.issues)
    raise SystemExit(int(any(one["median_ms"] >= BOUND_MS for one in found["many"])))


async def _run(admin_url: str, issues: int) -> dict[str, Any]:
    many_url, few_url = create_database(admin_url), create_database(admin_url)
    start = time.monotonic()
    await fill_old_tables(many_url, issues)
    migrated = await migrate_beside_a_writer(many_url, issues)
    await fill_words(many_url)
    seconds = time.monotonic() - start
    await fill_old_tables(few_url, FEW_ISSUES)
    await migrate_beside_a_writer(few_url, FEW_ISSUES)
    await fill_words(few_url)
    return {
        "fill_seconds": seconds,
        "migrations": [asdict(one) for one in migrated],
        "few": [asdict(one) for one in await measured(few_url, FEW_ISSUES)],
        "many": [asdict(one) for one in await measured(many_url, issues)],
    }


def _show(found: dict[str, Any], issues: int) -> None:
    console = Console(width=160)
    table = Table(title=f"Migrations of {issues} issues, filled in {found['fill_seconds']:.0f} s")
    for column in ("migration", "seconds", "longest wait of a writer, ms"):
        table.add_column(column)
    for step in (Migrated(**each) for each in found["migrations"]):
        wait = f"{step.longest_wait_seconds * 1000:.0f}"
        table.add_row(step.name, f"{step.seconds:.1f}", wait)
    console.print(table)
    table = Table(title="Operations")
    few = f"ms at {FEW_ISSUES}"
    for column in ("operation", "rows", few, f"ms at {issues}", "longest, ms", ""):
        table.add_column(column)
    for before, each in zip(found["few"], found["many"], strict=True):
        one = Measured(**each)
        mark = "" if one.median_ms < BOUND_MS else "SLOW"
        figures = (before["median_ms"], one.median_ms, one.longest_ms)
        table.add_row(one.name, str(one.rows), *(f"{figure:.1f}" for figure in figures), mark)
    console.print(table)


if __name__ == "__main__":
    main()
