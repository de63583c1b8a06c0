"""`postrail issues edit`, `assign` and `transition`: changes of an issue's fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from postrail.errors import ConfigurationError
from postrail.operate.issues.assign import assign
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.transition import transition
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.field_options import (
    Description,
    Set,
    pairs,
    text_of,
    values_of,
)
from services.cli.commands.issues.group import Key, issues
from services.cli.commands.issues.values import print_result, shown_field, shown_value
from services.cli.data_folder import Data
from services.cli.output import Json, show_json
from services.cli.visible import clean

Items = list[str] | None


@issues.command("edit")
def edit_issue(
    key: Key,
    fields: Set = None,
    description: Description = None,
    add: Annotated[
        Items, typer.Option("--add", metavar="FIELD=ITEM", help="An item to add to a list.")
    ] = None,
    remove: Annotated[
        Items, typer.Option("--remove", metavar="FIELD=ITEM", help="An item to remove from one.")
    ] = None,
    clear: Annotated[
        Items, typer.Option("--clear", metavar="FIELD", help="A field to leave without value.")
    ] = None,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Change fields of an issue: all of those that are given, or none.

    Example: [bold]postrail issues edit HELP-1 --set priority=High --add labels=urgent
    --clear due[/bold]
    """
    cleared = [(name, "") for name in clear or ()]
    values = values_of(
        [*pairs("--set", fields), ("description", description and text_of(description)), *cleared]
    )
    edits = Edits(values=values, add=_by_field("--add", add), remove=_by_field("--remove", remove))
    if not any([edits.values, edits.add, edits.remove]):
        raise ConfigurationError(
            "nothing is to be changed",
            remedy="Give --set, --description, --add, --remove or --clear",
        )
    done = at_desk(data, author, lambda desk, actor: edit(desk, actor, key.upper(), edits))
    if json:
        show_json(done)
        return
    changed = [
        f"{shown_field(one.field)} from {shown_value(one.before)} to {shown_value(one.after)}"
        for one in done.changes
    ]
    what = "; ".join(changed) or "nothing, as all values were the same"
    typer.echo(clean(f"{done.issue_key}: changed {what}."))


@issues.command("assign")
def assign_issue(
    key: Key,
    assignee: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="The address of a person.")
    ] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Assign it to nobody.")] = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Assign an issue to a person, who is notified by email and then watches it.

    Example: [bold]postrail issues assign HELP-1 agent@example.org[/bold]
    """
    if (assignee is None) != nobody:
        remedy = "Give an address, or --nobody" if not nobody else "Give one of the two"
        problem = "an address and --nobody are both given" if nobody else "assigned to whom?"
        raise ConfigurationError(problem, remedy=remedy)
    done = at_desk(data, author, lambda desk, actor: assign(desk, actor, key.upper(), assignee))
    if json:
        show_json(done)
        return
    before, now = done.before or "nobody", done.assignee or "nobody"
    print_result(f"{done.issue_key} is assigned to {now} (before: {before}).", done)


@issues.command("transition")
def move_to_status(
    key: Key,
    status: Annotated[str, typer.Argument(metavar="STATUS", help="The new status.")],
    resolution: Annotated[
        str, typer.Option("--resolution", help="How it was resolved, for a done issue.")
    ] = "",
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Move an issue to another status; its watchers are notified when it is done, or open again.

    A status that takes a lead's approval is requested by email, where the project says so: the
    issue moves once it is approved.

    Example: [bold]postrail issues transition HELP-1 Done --resolution "Cannot reproduce"[/bold]
    """
    done = at_desk(
        data,
        author,
        lambda desk, actor: transition(desk, actor, key.upper(), status, resolution=resolution),
    )
    if json:
        show_json(done)
        return
    if done.request:
        text = f"{done.issue_key} stays {done.before}: {done.request} must be approved first."
        print_result(text, done)
        typer.echo(f"To see who has answered: postrail approvals show {done.request}")
        return
    result = f" ({done.resolution})" if done.resolution else ""
    before = f" (before: {done.before})" if done.changed else ", unchanged"
    print_result(f"{done.issue_key} is {done.status}{result}{before}.", done)


def _by_field(option: str, given: Sequence[str] | None) -> dict[str, list[str]]:
    items: dict[str, list[str]] = {}
    for name, item in pairs(option, given):
        items.setdefault(name, []).append(item)
    return items
