"""`postrail mail fixture`: a handled message with other words, as a test of an operator's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.data_folder import Data
from services.cli.installation import complete, load
from services.cli.options import Force
from services.cli.output import SHORT_ID


def fixture(
    mail_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a message, or its first characters.")
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to write the two files to.")
    ],
    force: Force = False,
    data: Data = None,
) -> None:
    """Write a handled message with other words, and the expected outcome, as a test of the rules.

    Names, addresses and words are replaced, the same word always by the same; the structure stays,
    and so do keys of issues and our own addresses. The result is decided, and takes the same way
    through the handlers as the message did: what has to be kept for that is said.

    Example: [bold]postrail mail fixture 3f2a91c0 messages[/bold]
    """
    # Only this command needs the parser.
    from services.cli.commands.mail.anonymised import made_of, write

    found, made = complete(made_of(load(data), mail_id))
    message = folder / f"{found.mail_id[:SHORT_ID]}.eml"
    write(message, made, force=force)
    typer.echo(f"Written: {message} and {message.stem}.expected.json.")
    kept = made.expectation.kept
    typer.echo(f"Kept as in the message: {', '.join(kept)}." if kept else "No words were kept.")
    typer.echo(f"Try it: postrail handlers test {folder}")
