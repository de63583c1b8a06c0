"""Shows the figures of a run as tables, and as JSON to compare runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.floors import Floor, shares
from bench.installation import SERVERS
from bench.latency import Latency
from bench.throughput import Throughput

# Design, section 7: all Postrail processes together, and the whole way.
TARGET_CPU_MS = 1.5
TARGET_MAILS_PER_SECOND = 1000
TARGET_P50_SECONDS, TARGET_P99_SECONDS = 0.15, 1.0


@dataclass(frozen=True)
class Run:
    """The measurements of a run, and its messages."""

    mix: str
    source: str
    mailboxes: int
    replicas: int
    floors: dict[str, Floor]
    throughput: Throughput
    latency: Latency | None

    def as_json(self) -> dict[str, Any]:
        """Returns all figures by name."""
        rate = self.throughput.mails_per_second
        return {**asdict(self), "mails_per_second": rate, "cpu_ms": self.cpu_ms}

    @property
    def cpu_ms(self) -> float:
        """Sums the CPU ms per message over all processes of Postrail."""
        used = self.throughput.cpu_ms
        return sum(value for name, value in used.items() if name not in SERVERS)


def show(run: Run, console: Console) -> None:
    """Prints the tables."""
    if run.floors:
        console.print(_floors(run.floors))
    console.print(_stages(run.throughput))
    console.print(_processes(run))
    console.print(_totals(run))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _floors(floors: dict[str, Floor]) -> Table:
    table = _table("The floor of each step, ms a mail", "step", "wall", "CPU client", "CPU servers")
    for step, floor in floors.items():
        table.add_row(
            step, f"{floor.wall_ms:.3f}", f"{floor.client_ms:.3f}", f"{floor.server_ms:.3f}"
        )
    return table


def _stages(throughput: Throughput) -> Table:
    title = f"{throughput.mails} mails, {throughput.notifications} notifications"
    table = _table(title, "stage", "last mail after", "mails/s")
    for stage, seconds in throughput.seconds.items():
        count = throughput.notifications if stage == "sent" else throughput.mails
        table.add_row(stage, f"{seconds:.1f} s", f"{count / seconds:.0f}")
    table.caption = ", ".join(f"{name} {count}" for name, count in throughput.outcomes.items())
    return table


def _processes(run: Run) -> Table:
    table = _table(
        f"CPU of each process ({run.replicas} of each service), ms a mail",
        "process",
        "CPU",
        "floor",
        "times floor",
        "idle, ms/s",
        "peak memory",
    )
    used, peaks = run.throughput.cpu_ms, run.throughput.peak_bytes
    each = run.throughput.notifications / run.throughput.mails
    minimum = shares(run.floors, each) if run.floors else {}
    for name, cpu_ms in used.items():
        floor = minimum.get(name)
        table.add_row(
            name,
            f"{cpu_ms:.2f}",
            f"{floor:.2f}" if floor else "",
            f"{cpu_ms / floor:.1f}" if floor else "",
            f"{run.throughput.idle_ms[name]:.0f}",
            f"{peaks[name] / 2**20:.0f} MiB",
            end_section=name == list(used)[-len(SERVERS) - 1],
        )
    return table


def _totals(run: Run) -> Table:
    table = _table("Beside the target", "figure", "here", "target")
    all_ms = sum(run.throughput.cpu_ms.values())
    table.add_row("CPU ms a mail, Postrail", f"{run.cpu_ms:.2f}", f"{TARGET_CPU_MS}")
    table.add_row("CPU ms a mail, with all servers", f"{all_ms:.2f}", "")
    table.add_row(
        "mails/s, the whole way",
        f"{run.throughput.mails_per_second:.0f}",
        f"{TARGET_MAILS_PER_SECOND}",
    )
    if run.latency:
        latency = run.latency
        table.add_row("delivery to issue, p50", _ms(latency.p50), _ms(TARGET_P50_SECONDS))
        table.add_row("delivery to issue, p99", _ms(latency.p99), _ms(TARGET_P99_SECONDS))
        table.add_row("delivery to issue, longest", _ms(latency.longest), "")
        table.add_row("of it until fetched, p50", _ms(latency.fetched_p50), "")
        if latency.late:
            table.add_row("not handled in time", f"{latency.late} of {latency.mails}", "0")
    return table


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
