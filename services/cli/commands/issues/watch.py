"""`postrail issues watch`: the people who are notified of an issue."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.operate.issues.watch import watch
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.group import Key, issues
from services.cli.data_folder import Data
from services.cli.output import Json, show_json
from services.cli.visible import clean


@issues.command("watch")
def watch_issue(
    key: Key,
    watcher: Annotated[
        str,
        typer.Option(
            "--watcher", metavar="ADDRESS", help="The watcher.", show_default="the author"
        ),
    ] = "",
    off: Annotated[bool, typer.Option("--off", help="Stop watching.")] = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let a person be notified of an issue's comments and changes, or no longer.

    Example: [bold]postrail issues watch HELP-1 --watcher agent@example.org[/bold]
    """
    done = at_desk(
        data,
        author,
        lambda desk, actor: watch(desk, actor, key.upper(), watcher=watcher, watching=not off),
    )
    if json:
        show_json(done)
        return
    verb = "watches" if done.watching else "does not watch"
    already = "" if done.changed else ", as before"
    typer.echo(clean(f"{done.watcher} {verb} {done.issue_key}{already}."))
