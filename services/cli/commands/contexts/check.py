"""`postrail contexts check`: contexts that no issue can have, and issues that have none."""

from __future__ import annotations

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.settings import Settings
from postrail.views.contexts.check import ContextsCheck, check_contexts
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import Json, show_json, show_table


def check(data: Data = None, json: Json = False) -> None:
    """Find contexts that no issue can have, and count the issues that have none.

    Ends with 1 if there are such contexts: what an earlier one takes, or a scope that contradicts
    itself. What cannot be proven is not reported.

    Example: [bold]postrail contexts check[/bold]
    """
    found = complete(_check(load(data)))
    if json:
        show_json(found)
    else:
        _show(found)
    if found.never:
        raise typer.Exit(1)


def _show(found: ContextsCheck) -> None:
    if not found.contexts:
        typer.echo("No context is enabled: messages are sent as their projects say.")
        return
    show_table(
        ["Context", "Why no issue can have it"],
        [(one.context, one.reason) for one in found.never],
        empty="Nothing shows that a context can never match.",
    )
    typer.echo()
    show_table(
        ["Project", "Issues without context", "The latest"],
        [(one.project, one.issues, list(one.latest)) for one in found.without],
        empty="Every issue has a context.",
    )


async def _check(settings: Settings) -> ContextsCheck:
    async with connected(settings) as connection:
        return await check_contexts(connection, await time_of(connection))
