"""`postrail issues link` and `unlink`: how issues relate to each other."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.operate.issues.link import WORDS, link, unlink
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.group import Key, issues
from services.cli.data_folder import Data
from services.cli.output import Json, show_json

Words = Annotated[
    str, typer.Argument(metavar="HOW", help=f"One of: {', '.join(map(repr, WORDS))}.")
]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The key of the other issue.")]


@issues.command("link")
def link_issues(
    key: Key, how: Words, other: Other, author: Author = None, data: Data = None, json: Json = False
) -> None:
    """Link an issue to another; both show the link, each in its words.

    Example: [bold]postrail issues link HELP-1 "is blocked by" HELP-2[/bold]
    """
    done = at_desk(
        data, author, lambda desk, actor: link(desk, actor, key.upper(), how, other.upper())
    )
    if json:
        show_json(done)
        return
    already = "" if done.changed else ", as before"
    typer.echo(f"{done.issue_key} {done.words} {done.other_key}{already}.")


@issues.command("unlink")
def unlink_issues(
    key: Key, how: Words, other: Other, author: Author = None, data: Data = None, json: Json = False
) -> None:
    """Remove the link between two issues.

    Example: [bold]postrail issues unlink HELP-1 "is blocked by" HELP-2[/bold]
    """
    done = at_desk(
        data, author, lambda desk, actor: unlink(desk, actor, key.upper(), how, other.upper())
    )
    if json:
        show_json(done)
        return
    removed = "Removed the link" if done.changed else "There was no such link"
    typer.echo(f"{removed}: {done.issue_key} {done.words} {done.other_key}.")
