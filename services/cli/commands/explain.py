"""`postrail explain`: what messages in files would become, and why; it has no effect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from postrail.operate.explain import Explained
from services.cli.data_folder import Data
from services.cli.explained import as_json, show_decision
from services.cli.installation import complete
from services.cli.output import Json, show_fields, show_json
from services.cli.trial import Draft, read_message, trial


def explain(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files with one message each.")
    ],
    account: Annotated[
        str, typer.Option("--account", help="The mail account at which they would arrive.")
    ],
    config: Draft = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what messages in files would become, and why, without any effect.

    Without a database it decides by the file of --config alone, and says so.

    Example: [bold]postrail explain message.eml --account help --config draft.yaml[/bold]
    """
    messages = [(file, read_message(file)) for file in files]
    found = complete(_explained(messages, account, config, data))
    if json:
        show_json([{"file": str(file), **as_json(one)} for file, one in found])
        return
    for number, (file, one) in enumerate(found):
        if number:
            typer.echo()
        show_fields([("File", file), ("Subject", one.mail.subject)])
        show_decision(one)


async def _explained(
    messages: list[tuple[Path, bytes]], account: str, config: Path | None, data: Path | None
) -> list[tuple[Path, Explained]]:
    async with trial(data, config) as opened:
        return [(file, await opened.explain(raw, account)) for file, raw in messages]
