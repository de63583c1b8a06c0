"""`postrail issues history`: each change of an issue."""

from __future__ import annotations

from postrail.settings import Settings
from postrail.views import history as view
from postrail.views.history import HistoryRow
from services.cli.commands.issues.group import Key, issues
from services.cli.commands.issues.values import shown_field, shown_value
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import SHORT_ID, Json, show_json, show_rows


@issues.command("history")
def show_history(key: Key, data: Data = None, json: Json = False) -> None:
    """Show each change of an issue: when, by whom, which field, from what to what.

    Example: [bold]postrail issues history HELP-1[/bold]
    """
    found = complete(_history(load(data), key.upper()))
    if json:
        show_json(found)
        return
    show_rows(
        ["When", "Who", "By", "Act", "Field", "From", "To"],
        [
            (
                row.changed_at,
                row.actor_name or row.actor_address,
                f"mail {row.mail_id[:SHORT_ID]}" if row.mail_id else row.channel,
                row.act,
                shown_field(row.field),
                shown_value(row.before),
                shown_value(row.after),
            )
            for row in found
        ],
        empty="No changes.",
        cut="To",
        optional=("By", "Act", "From"),
    )


async def _history(settings: Settings, key: str) -> list[HistoryRow]:
    async with connected(settings) as connection:
        return await view.history(connection, key)
