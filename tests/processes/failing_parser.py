"""A parser with a fault: it fails on messages with a certain header field.

    python -m tests.processes.failing_parser

The parser is known to fail on no real message, so a fault has to be made.
"""

from __future__ import annotations

import runpy
import sys

from services.parser.mime.raw_bytes import View
from services.parser.parse import Mail, parse
from services.parser.record import record_maker

FIELD = b"X-Breaks-The-Parser: yes"
FAULT = "this field breaks the parser"


def failing(data: View) -> Mail:
    """Does the parser's work, or fails."""
    if data.find(FIELD) >= 0:
        raise ValueError(FAULT)
    return parse(data)


def main() -> None:
    """Runs the parser with the fault."""
    record_maker.parse = failing  # type: ignore[attr-defined]
    sys.argv = ["services.parser"]
    runpy.run_module("services.parser", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
