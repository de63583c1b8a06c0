"""`postrail issues mail`: writes to people from an issue, and warns and asks before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from postrail.errors import ConfigurationError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.mailing.letter import Letter
from postrail.operate.issues.mailing.send import Mailed, mail
from postrail.operate.issues.mailing.warn import warnings_of
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.field_options import text_of
from services.cli.commands.issues.group import Key, issues
from services.cli.commands.issues.values import print_result
from services.cli.data_folder import Data
from services.cli.output import Json, show_json
from services.cli.visible import clean


@issues.command("mail")
def mail_from_issue(
    key: Key,
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="ADDRESS",
            help="An address, or reporter, assignee or watchers (each a copy of their own).",
        ),
    ],
    cc: Annotated[
        list[str] | None, typer.Option("--cc", metavar="ADDRESS", help="The same, for Cc.")
    ] = None,
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="The text; - reads stdin.")
    ] = "",
    template: Annotated[
        str,
        typer.Option(
            "--template", metavar="NAME", help="A template of the event manual: a canned answer."
        ),
    ] = "",
    attach: Annotated[
        list[str] | None,
        typer.Option("--attach", metavar="FILE", help="The id or name of a file of the issue."),
    ] = None,
    internal: Annotated[
        bool,
        typer.Option("--internal", help="Only its recipients and insiders see it and its answers."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Send it whatever there is to say.")
    ] = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write to people from an issue; answers come back to it, and the text is a comment there.

    Example: [bold]postrail issues mail HELP-1 --to reporter --text "Done." --attach plan.pdf[/bold]
    """
    letter = Letter(
        to=to,
        cc=cc or (),
        text=text_of(text) if text else "",
        template=template,
        files=attach or (),
        internal=internal,
    )

    async def act(desk: Desk, actor: Actor) -> Mailed:
        warnings = await warnings_of(desk, actor, key.upper(), letter)
        # A text from standard input has used up what answers would come from.
        _confirm(warnings, yes=yes, asks=not json and text != "-")
        return await mail(desk, actor, key.upper(), letter)

    done = at_desk(data, author, act)
    if json:
        show_json(done)
        return
    files = f", with {', '.join(done.files)}" if done.files else ""
    what = f"{'internal ' if done.internal else ''}comment {done.comment_id}"
    print_result(f"Wrote {done.subject!r}{files}; it is {what} of {done.issue_key}.", done)


def _confirm(warnings: Sequence[str], *, yes: bool, asks: bool) -> None:
    """Says what the author should know, and asks; where nobody can be asked, it is an error."""
    if not warnings:
        return
    if not yes and not asks:
        raise ConfigurationError(
            " ".join(warnings),
            remedy="Add --yes to send it all the same: nobody can be asked here",
        )
    for one in warnings:
        typer.echo(clean(one), err=True)
    if not yes:
        typer.confirm("Send it all the same?", abort=True, err=True)
