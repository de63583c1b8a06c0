"""A parser that dies on messages with a certain header field, in the way that the field names.

    python -m tests.processes.faulty.deadly_parser            without a memory limit
    python -m tests.processes.faulty.deadly_parser 128        with 128 MiB more than at its start

The real parser is only known to die on large messages under a low memory limit.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from postrail.records import MailFetched
from postrail.stream.received import Received
from services.parser.mime.raw_bytes import View
from services.parser.parse import Mail, parse
from services.parser.record import record_maker
from services.parser.step import Parser

FIELD = b"X-Parser-Dies: "
MIB = 1024 * 1024

process = Parser.process


def deadly(data: View) -> Mail:
    """Parses the message, or ends the process if it has the field."""
    if found := re.search(rb"^X-Parser-Dies: (\w+)", data, re.MULTILINE):
        die(found[1])
    return parse(data)


def die(how: bytes) -> None:
    """Ends the process in the given way."""
    if how == b"exit":
        os._exit(1)
    if how == b"segfault":
        ctypes.string_at(0)
    # The memory limit soon ends this loop.
    pieces: list[bytearray] = []
    while how == b"memory":
        pieces.append(bytearray(MIB))


def limit(mib: int) -> None:
    """Limits the memory that the process may allocate from now on."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + mib * MIB,) * 2)


async def process_limited(parser: Parser, batch: Sequence[Received[MailFetched]]) -> None:
    """Processes a batch; the limit is set after all servers are connected."""
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        limit(int(sys.argv[1]))
    await process(parser, batch)


def main() -> None:
    """Runs the parser with this fault."""
    record_maker.parse = deadly  # type: ignore[attr-defined]
    if len(sys.argv) > 1:
        Parser.process = process_limited  # type: ignore[method-assign, assignment]
    runpy.run_module("services.parser", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
