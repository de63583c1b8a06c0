"""The `postrail` command, also as `python -m postrail`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import NoReturn

# The package of the services: its name in the wheel, and in the repository.
SERVICES = ("postrail_services", "services")


def main() -> NoReturn:
    """Runs the command line of this process; never returns."""
    name = next(name for name in SERVICES if importlib.util.find_spec(name))
    if sys.argv[1:2] == ["run"]:
        # This process becomes the service.
        importlib.import_module(name).hold_stop_signals()
    raise SystemExit(importlib.import_module(f"{name}.cli.app").run())


if __name__ == "__main__":
    main()
