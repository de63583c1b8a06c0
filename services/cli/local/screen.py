"""What `postrail up` shows: lines, and in a terminal one below them that says how things are."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from services.cli.output import clean, console


class Screen:
    """Lines for whoever watches; without a terminal they are all there is."""

    def __init__(self) -> None:
        self._console = console()
        self._line: Any = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.live import Live

            # Drawn again only when it changes: a terminal that stays open all day stays calm.
            self._line = Live(console=self._console, auto_refresh=False, transient=True)
            self._line.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._line is not None:
            self._line.stop()

    def say(self, line: str, style: str = "") -> None:
        """One line; control characters of strangers are taken out."""
        from rich.text import Text

        self._console.print(Text(clean(line), style), soft_wrap=True)

    def show(self, thing: object) -> None:
        """A table, or whatever else rich can print."""
        self._console.print(thing)

    def status(self, text: str) -> None:
        """Replaces the line below, where there is one."""
        if self._line is not None:
            from rich.text import Text

            self._line.update(Text(clean(text), "dim"), refresh=True)
