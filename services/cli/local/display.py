"""Prints the lines of `postrail up`, and in a terminal a status line below them."""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Self

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from services.cli.output import console
from services.cli.visible import clean

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class Display:
    """The output of `postrail up`; the status line is left out when it is no terminal."""

    def __init__(self) -> None:
        self._console = console()
        self._status: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            # Drawn only when it changes, as the terminal may stay open all day.
            self._status = Live(console=self._console, auto_refresh=False, transient=True)
            self._status.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def print(self, line: str, style: str = "") -> None:
        """Prints a line, without the control characters of strangers."""
        try:
            self._console.print(Text(clean(line), style), soft_wrap=True)
        except OSError as error:
            # A full disk under the output must not end what runs.
            if error.errno not in DISK_FULL:
                raise

    def show(self, renderable: RenderableType) -> None:
        """Prints a table, or anything else that rich can print."""
        self._console.print(renderable)

    def status(self, text: str) -> None:
        """Replaces the status line."""
        if self._status is not None:
            self._status.update(Text(clean(text), "dim"), refresh=True)
