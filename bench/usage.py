"""Reads the usage of processes from /proc: CPU time with their children, and peak memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU seconds (user and system, all threads), and the sum of the peaks of memory."""

    cpu_seconds: float
    peak_bytes: int


def usage_of(groups: Mapping[str, Iterable[int]]) -> dict[str, Usage]:
    """Returns the usage of groups of processes with their children, also those that ended."""
    children = _children()
    families = {
        name: [member for pid in pids for member in _family(pid, children)]
        for name, pids in groups.items()
    }
    return {
        name: Usage(sum(map(_cpu_seconds, family)), sum(map(_peak_bytes, family)))
        for name, family in families.items()
    }


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if fields := _stat(int(folder.name)):
            found.setdefault(int(fields[1]), []).append(int(folder.name))
    return found


def _family(pid: int, children: dict[int, list[int]]) -> list[int]:
    return [pid, *(one for child in children.get(pid, []) for one in _family(child, children))]


def _cpu_seconds(pid: int) -> float:
    # proc(5), fields 14 to 17: user and system time of the process and of its ended children.
    return sum(map(int, _stat(pid)[11:15])) / TICKS


def _stat(pid: int) -> list[str]:
    """Returns the fields from the state on; an empty list if the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _peak_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
