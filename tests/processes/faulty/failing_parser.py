"""A parser with an artificial fault: it fails on messages with a certain header field.

    python -m tests.processes.faulty.failing_parser

The real parser is not known to fail on any message.
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
    """Parses the message, or raises an error if it has the field."""
    if data.find(FIELD) >= 0:
        raise ValueError(FAULT)
    return parse(data)


def main() -> None:
    """Runs the parser with this fault."""
    record_maker.parse = failing  # type: ignore[attr-defined]
    sys.argv = ["services.parser"]
    runpy.run_module("services.parser", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
