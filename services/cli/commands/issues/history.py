"""`postrail issues history` and `lost`: each change of an issue, and acts before a restore."""

from __future__ import annotations

import json as json_texts

from postrail.message_parts import FieldChange
from postrail.records import IssueChanged
from postrail.settings import Settings
from postrail.views import history as view
from postrail.views.history import HistoryRow
from postrail.views.lost_acts import lost_acts, published_acts
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


@issues.command("lost")
def show_lost(data: Data = None, json: Json = False) -> None:
    """List what people did that the database lacks, as after a restore from a backup.

    The topic issue.changed still has these acts. Messages about them that waited for a bundle or
    digest are lost, too: do again what is still wanted.

    Example: [bold]postrail issues lost --json[/bold]
    """
    found = complete(_lost(load(data)))
    if json:
        show_json(found)
        return
    show_rows(
        ["When", "Who", "By", "Act", "Issue", "What"],
        [
            (
                act.changed_at,
                act.actor_name or act.actor_address,
                act.channel,
                act.act,
                act.issue_key,
                _what_of(act),
            )
            for act in found
        ],
        empty="The database has all acts.",
        cut="What",
        optional=("By", "When"),
    )


async def _lost(settings: Settings) -> list[IssueChanged]:
    published = await published_acts(settings.kafka)
    async with connected(settings) as connection:
        return await lost_acts(connection, published)


def _what_of(act: IssueChanged) -> str:
    if act.comment is not None:
        return act.comment.text
    return "; ".join(map(_shown_change, act.changes))


def _shown_change(change: FieldChange) -> str:
    value = None if change.after is None else json_texts.loads(change.after)
    return f"{shown_field(change.field)}: {shown_value(value)}"
