"""Compares the parser with other parsers: `python bench/parser.py --mails 300 --rounds 3`.

Each contender parses the same messages in a separate process, in alternating rounds; the best one
counts. The messages are those of `bench/pipeline.py`, which README.md describes.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# `python bench/parser.py` puts this folder first, in which `parser` would be this file.
sys.path[0] = str(ROOT)

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from bench.mails import DEFAULT_FILE, Make, load_maker, mails  # noqa: E402
from bench.peers.parsers import CONTENDERS, PACKAGES  # noqa: E402

Figures = dict[str, float]

MIB = 1024 * 1024
COLUMNS = ("mails/s", "CPU ms", "MB/s", "peak MiB", "at start", "failed")


def main() -> int:
    options = _options()
    console = Console()
    maker, source = load_maker(options.workload)
    console.print(f"Messages of {source}, {options.rounds} rounds.")
    names = list(_present(console))
    found = {}
    for mix, made in _mixes(maker, options.mails):
        found[mix] = measure(made, names, options.rounds)
        console.print(_table(mix, made, found[mix]))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mails", type=int, default=300, help="number of messages of each mix")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--workload", type=Path, default=DEFAULT_FILE)
    options.add_argument("--json", type=Path, help="write all figures to this file")
    return options.parse_args()


def _present(console: Console) -> Iterator[str]:
    for name in CONTENDERS:
        package = PACKAGES.get(name)
        if package and importlib.util.find_spec(package) is None:
            console.print(f"{name} is not installed: pip install -e '.[bench]'")
        else:
            yield name


def _mixes(maker: Make, count: int) -> Iterator[tuple[str, list[bytes]]]:
    small = mails(maker, "small", count)
    yield "small mix", small
    yield "real mix", mails(maker, "real", count)
    both = [mail for mail in small if b"text/html" in mail and b"text/plain" in mail]
    yield "small mails with a text and HTML", both
    yield "small mails with HTML only", [html_only(mail) for mail in both]


def html_only(mail: bytes) -> bytes:
    """Returns the message without its plain text."""
    old = email.message_from_bytes(mail, policy=email.policy.default)
    body = old.get_body(("html",))
    new = EmailMessage()
    for name, value in old.items():
        if not name.lower().startswith(("content-", "mime-")):
            new[name] = str(value)
    new.set_content(body.get_content() if body else "<p></p>", subtype="html")
    return new.as_bytes(policy=email.policy.SMTP)


def measure(made: Sequence[bytes], names: Sequence[str], rounds: int) -> dict[str, Figures]:
    """Measures each contender with these messages."""
    with tempfile.TemporaryDirectory() as folder:
        for index, mail in enumerate(made):
            (Path(folder) / f"{index:06}.eml").write_bytes(mail)
        runs: dict[str, list[Figures]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                runs[name].append(_run(name, folder))
    return {name: best(found, made) for name, found in runs.items()}


def _run(name: str, folder: str) -> Figures:
    command = [sys.executable, "-m", "bench.peers.parsers", name, folder]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def best(runs: Sequence[Figures], made: Sequence[bytes]) -> Figures:
    """Returns the fastest round, with its figures per message and per byte."""
    run = min(runs, key=lambda one: one["cpu_seconds"])
    size = sum(len(mail) for mail in made)
    return {
        **run,
        "mails_per_second": len(made) / run["wall_seconds"],
        "cpu_ms": run["cpu_seconds"] * 1000 / len(made),
        "mb_per_cpu_second": size / 1e6 / run["cpu_seconds"],
    }


def _table(mix: str, made: Sequence[bytes], found: dict[str, Figures]) -> Table:
    size = sum(len(mail) for mail in made) / 1024 / len(made)
    table = Table(title=f"{mix}: {len(made)} of {size:.1f} KiB", title_justify="left")
    table.add_column("parser", no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for name, one in found.items():
        table.add_row(
            name,
            f"{one['mails_per_second']:.0f}",
            f"{one['cpu_ms']:.3f}",
            f"{one['mb_per_cpu_second']:.1f}",
            f"{one['memory_bytes'] / MIB:.0f}",
            f"{one['memory_before_bytes'] / MIB:.0f}",
            f"{one['refused']:.0f}",
        )
    return table


if __name__ == "__main__":
    raise SystemExit(main())
