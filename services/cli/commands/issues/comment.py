"""`postrail issues comment` and `accept`: new comments, their edits, and those of outsiders."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.blobs import BlobStore
from postrail.errors import ConfigurationError
from postrail.message_parts import is_address
from postrail.operate.issues.accept import accept
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.comment import Commented, comment, commenter, edit_comment
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.field_options import text_of
from services.cli.commands.issues.group import Key, issues
from services.cli.commands.issues.values import print_result
from services.cli.data_folder import Data
from services.cli.installation import load_to_write
from services.cli.output import Json, show_json
from services.cli.visible import clean


@issues.command("comment")
def comment_on_issue(
    key: Key,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The comment; - reads stdin.")],
    internal: Annotated[
        bool,
        typer.Option(
            "--internal", help="Only agents, leads and administrators of the project see it."
        ),
    ] = False,
    edit: Annotated[
        int | None,
        typer.Option(
            "--edit", metavar="ID", help="Replace the text of this comment; nobody is notified."
        ),
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(
            "--author",
            metavar="ADDRESS",
            help="The address of the author, an active person.",
            show_default="the address that the project's mail is from",
        ),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Comment on an issue; its watchers and the @mentioned are notified by email.

    Example: [bold]postrail issues comment HELP-1 "It is fixed." --author agent@example.org[/bold]
    """
    text = text_of(text)
    if author is not None and not is_address(author):
        raise ConfigurationError(
            f"{author!r} is not an address", remedy="Give one like agent@example.org"
        )

    async def act(desk: Desk, actor: Actor) -> Commented:
        if edit is None:
            return await comment(desk, actor, key.upper(), text, internal=internal)
        return await edit_comment(desk, actor, key.upper(), edit, text, internal=internal)

    done = at_desk(data, author, act, find_author=commenter)
    if json:
        show_json(done)
    else:
        _print(done, edited=edit is not None)


def _print(done: Commented, *, edited: bool) -> None:
    what = f"{'internal ' if done.internal else ''}comment {done.comment_id}"
    if edited:
        typer.echo(f"Edited {what} of {done.issue_key}.")
        return
    nobody = "nobody, as the issue has no other watchers"
    print_result(f"Added {what} to {done.issue_key}.", done, nobody=nobody)
    for name in done.unresolved:
        typer.echo(clean(f"Not notified: @{name.name} ({name.reason})."))


@issues.command("accept")
def accept_comment(
    key: Key,
    comment: Annotated[
        int, typer.Argument(metavar="COMMENT", help="The number of the comment, as shown.")
    ],
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Accept the comment of somebody who takes no part in the issue; watchers are notified of it.

    Example: [bold]postrail issues accept HELP-1 12[/bold]
    """
    blobs = BlobStore(load_to_write(data).blobs.url)
    done = at_desk(
        data, author, lambda desk, actor: accept(desk, actor, key.upper(), comment, blobs)
    )
    if json:
        show_json(done)
        return
    who = done.author or "Its author"
    if not done.changed:
        print_result(f"Comment {done.comment_id} of {done.issue_key} was accepted before.", done)
        return
    text = f"Accepted comment {done.comment_id}: {who} takes part in {done.issue_key} now."
    print_result(text, done, nobody="nobody, as only insiders watch the issue")
