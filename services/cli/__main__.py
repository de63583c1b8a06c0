"""The same as the `postrail` command: `python -m services.cli`."""

from __future__ import annotations

from services.cli.app import run

if __name__ == "__main__":
    raise SystemExit(run())
