"""Shows what a command that sets single values of a configured thing has changed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from postrail.configuration.plan import Plan
from services.cli.output import console, show_json


class OnOff(StrEnum):
    """The positions of a switch."""

    ON = "on"
    OFF = "off"


Switch = Annotated[OnOff, typer.Argument(metavar="on|off", help="Switch it on or off.")]


def word(value: object) -> object:
    """Returns yes or no for a boolean, and any other value as it is."""
    return ("no", "yes")[value] if isinstance(value, bool) else value


def show_switched(
    kind: str, name: str, plan: Plan, values: Mapping[str, Any], *, json: bool
) -> None:
    """Prints the values that the thing has now, and the warnings and notes of the plan."""
    show_values(kind, name, values, changed=plan.count("changed") > 0, json=json)
    if json:
        return
    for warning in plan.warnings:
        console().print(f"Warning: {warning}.", style="yellow", markup=False)
    for note in plan.notes:
        console().print(f"Note: {note}.", markup=False)


def show_values(
    kind: str, name: str, values: Mapping[str, Any], *, changed: bool, json: bool
) -> None:
    """Prints the values that a thing has now, and whether it had them before."""
    if json:
        show_json({kind: name, "action": "changed" if changed else "unchanged", **values})
        return
    words = ", ".join(f"{field}: {word(value)}" for field, value in values.items())
    already = "" if changed else " (unchanged)"
    console().print(f"{kind.capitalize()} {name}: {words}{already}.", markup=False)
