"""The same as the `postrail` command: `python -m services.cli`."""

from __future__ import annotations

from services.cli import main

if __name__ == "__main__":
    main()
