"""`postrail issues move` and `merge`: issues that change their key, or end in another one."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.field_options import Set, pairs, values_of
from services.cli.commands.issues.group import Key, issues
from services.cli.commands.issues.values import print_result, shown_field, shown_value
from services.cli.data_folder import Data
from services.cli.output import Json, show_json
from services.cli.visible import clean


@issues.command("move")
def move_issue(
    key: Key,
    project: Annotated[
        str, typer.Argument(metavar="PROJECT", help="The key of the project to move it to.")
    ],
    fields: Set = None,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Move an issue to another project, where it gets a new key; the old one still leads to it.

    Type, status, components and custom fields that the project does not know are replaced by its
    defaults or left out, unless --set gives others; what has changed is shown.

    Example: [bold]postrail issues move HELP-1 SALES --set type=Task[/bold]
    """
    values = values_of(pairs("--set", fields))
    done = at_desk(
        data,
        author,
        lambda desk, actor: move(desk, actor, key.upper(), project.upper(), values),
    )
    if json:
        show_json(done)
        return
    print_result(f"{done.former_key} is {done.issue_key} now.", done)
    for one in done.changes:
        name = shown_field(one.field)
        before, after = shown_value(one.before), shown_value(one.after)
        typer.echo(clean(f"{name}: {after} (before: {before})"))


@issues.command("merge")
def merge_issues(
    key: Key,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The key of the issue that remains.")],
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Merge an issue into another: comments, files, watchers and links go over to it.

    The first issue stays as a record, and mail to it reaches the other one.

    Example: [bold]postrail issues merge HELP-2 HELP-1[/bold]
    """
    done = at_desk(data, author, lambda desk, actor: merge(desk, actor, key.upper(), into.upper()))
    if json:
        show_json(done)
        return
    typer.echo(f"{done.issue_key} is merged into {done.into}.")
    typer.echo(f"Its description is comment {done.comment_id}.")
    if done.watchers:
        typer.echo(clean(f"New watchers: {', '.join(done.watchers)}."))
    for link in done.ended_links:
        typer.echo(f"Its link {link!r} has ended: {done.into} has the opposite one.")
