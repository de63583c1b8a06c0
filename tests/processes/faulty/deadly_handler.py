"""A handler that dies of messages with a certain word in their subject, or of a memory limit.

    python -m tests.processes.faulty.deadly_handler            dies of the word
    python -m tests.processes.faulty.deadly_handler 512        may have 512 MiB of memory
    python -m tests.processes.faulty.deadly_handler slow       takes long for each batch, and lives

It dies where the effects are applied, as by a kill.
"""

from __future__ import annotations

import asyncio
import os
import resource
import runpy
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from postrail.effects.apply import apply
from postrail.effects.batch import Context, Decided
from services.handler import batch

WORD = "deadly"
SLOW = "slow"
SLOW_SECONDS = 1.0
MIB = 1024 * 1024


async def apply_or_die(context: Context, decided: Sequence[Decided]) -> Any:
    """Applies the decisions, or kills the process when one of the messages has the word."""
    if any(WORD in one.due.mail.subject and one.decision.effects for one in decided):
        os.kill(os.getpid(), signal.SIGKILL)
    return await apply(context, decided)


async def apply_limited(context: Context, decided: Sequence[Decided]) -> Any:
    """Applies the decisions; the limit is set at the first, when all servers are connected."""
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        limit(int(sys.argv[1]))
    return await apply(context, decided)


async def apply_slowly(context: Context, decided: Sequence[Decided]) -> Any:
    """Applies the decisions after a while."""
    await asyncio.sleep(SLOW_SECONDS)
    return await apply(context, decided)


def limit(mib: int) -> None:
    """Limits the memory that the process may use, as a container counts it.

    The kernel limits addresses, of which many are never used: the difference is kept free.
    """
    addresses, resident = Path("/proc/self/statm").read_text().split()[:2]
    unused = (int(addresses) - int(resident)) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (unused + mib * MIB,) * 2)


def main() -> None:
    """Runs the handler with this fault."""
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    ways = {"": apply_or_die, SLOW: apply_slowly}
    batch.apply = ways.get(how, apply_limited)  # type: ignore[attr-defined, assignment]
    runpy.run_module("services.handler", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
