"""The `postrail` command: sets up, runs and looks into an installation.

Commands act on tables and topics through the core. Each imports what it needs when it is called,
so that `postrail --help` answers at once.
"""

from __future__ import annotations


def main() -> None:
    """Runs the command line of this process; never returns."""
    from services.cli.app import run

    raise SystemExit(run())
