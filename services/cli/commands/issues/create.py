"""`postrail issues create`: an issue by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.operate.issues.create import create
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.field_options import Description, Set, pairs, text_of, values_of
from services.cli.commands.issues.group import issues
from services.cli.commands.issues.values import print_result
from services.cli.data_folder import Data
from services.cli.output import Json, show_json


@issues.command("create")
def create_issue(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The key of the project.")],
    summary: Annotated[str, typer.Argument(metavar="SUMMARY", help="The summary.")],
    description: Description = None,
    reporter: Annotated[
        str | None,
        typer.Option(
            "--reporter",
            metavar="ADDRESS",
            help="The address of the reporter, who is notified.",
            show_default="the author, or the address that the project's mail is from",
        ),
    ] = None,
    fields: Set = None,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make an issue for a person.

    Example: [bold]postrail issues create HELP "Printer on fire" --reporter ada@example.org
    --set type=Bug --set labels=urgent,paper[/bold]
    """
    values = values_of(
        [
            *pairs("--set", fields),
            ("summary", summary),
            ("description", description and text_of(description)),
            ("reporter", reporter),
        ]
    )
    done = at_desk(data, author, lambda desk, actor: create(desk, actor, project.upper(), values))
    if json:
        show_json(done)
        return
    print_result(f"Created {done.issue_key}.", done, nobody="nobody")
