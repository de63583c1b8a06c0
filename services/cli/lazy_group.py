"""A command group that imports the module of a command when that command is used."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

COMMANDS_PACKAGE = f"{__package__}.commands"


class LazyCommand(TyperCommand):
    """A command of which only the name and the summary are known until it is used."""

    def __init__(
        self, name: str, target: str, panel: str, summary: str, *, hidden: bool = False
    ) -> None:
        """Takes as `target` a module below `commands` and, after a colon, its function or Typer."""
        super().__init__(name, help=summary, rich_help_panel=panel, hidden=hidden)
        self._summary = summary
        self._target = target

    def load(self) -> TyperCommand | TyperGroup:
        """Imports the module and returns the command itself."""
        module, _, attribute = self._target.partition(":")
        found = getattr(importlib.import_module(f"{COMMANDS_PACKAGE}.{module}"), attribute)
        if isinstance(found, typer.Typer):
            found.info.help = self._summary
            return get_group(found)
        single = typer.Typer(add_completion=False)
        single.command(self.name)(found)
        command = get_command(single)
        assert isinstance(command, TyperCommand)
        return command


class LazyGroup(TyperGroup):
    """Lists its commands by their summaries, and loads the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Replaces a command that is about to be called by its loaded form."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found.load() if isinstance(found, LazyCommand) else found, rest
