"""Shows what a command that sets single values of a configured thing has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postrail.configuration.plan import Plan
from services.cli.commands.accounts.display import word
from services.cli.output import console, show_json


def show_switched(kind: str, plan: Plan, values: Mapping[str, Any], *, json: bool) -> None:
    """Prints the only change of the plan, and its warnings and notes."""
    (change,) = plan.changes
    if json:
        show_json({kind: change.name, "action": change.action, **values})
        return
    words = ", ".join(f"{field}: {word(value)}" for field, value in values.items())
    already = "" if change.action == "changed" else " (unchanged)"
    console().print(f"{kind.capitalize()} {change.name}: {words}{already}.", markup=False)
    for warning in plan.warnings:
        console().print(f"Warning: {warning}.", style="yellow", markup=False)
    for note in plan.notes:
        console().print(f"Note: {note}.", markup=False)
