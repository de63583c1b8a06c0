"""Options and questions of commands that act on one thing, or on all that match."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.errors import ConfigurationError

# More messages than these are acted on only after a question, or with --yes.
WITHOUT_QUESTION = 10

Everything = Annotated[bool, typer.Option("--all", help="All of them.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask when there are many.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show which messages it would be.")]


def confirm(
    act: str, done: str, count: int, *, yes: bool, json: bool, what: str = "messages"
) -> None:
    """Asks before an act on many things, such as release; `done` is its participle.

    Raises ConfigurationError where nobody can be asked.
    """
    if yes or count <= WITHOUT_QUESTION:
        return
    if json:
        raise ConfigurationError(
            f"{count} {what} would be {done}", remedy="Add --yes, as --json asks nothing"
        )
    typer.confirm(f"{act.capitalize()} {count} {what}?", abort=True)
