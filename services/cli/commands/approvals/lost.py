"""`postrail approvals lost`: lists the ended requests that a restored database lacks."""

from __future__ import annotations

from postrail.records import ApprovalDecided
from postrail.settings import Settings
from postrail.views.approvals.lost import lost_endings, published_endings
from services.cli.commands.approvals.group import approvals
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import Json, show_json, show_rows


@approvals.command("lost")
def show_lost(data: Data = None, json: Json = False) -> None:
    """List ended requests that the database lacks, as after a restore from a backup.

    The topic approval.decided still has them. Answers by mail are read again and decide as before,
    which takes a while; do again what was done by commands and pages.

    Example: [bold]postrail approvals lost --json[/bold]
    """
    found = complete(_lost(load(data)))
    if json:
        show_json(found)
        return
    show_rows(
        ["When", "Request", "Setup", "Subject", "State", "Choice", "By"],
        [
            (
                one.decided_at,
                f"A-{one.number}",
                one.setup,
                one.subject,
                one.state,
                one.choice,
                one.event.actor or one.event.channel,
            )
            for one in found
        ],
        empty="The database has all ended requests.",
        cut="Subject",
        optional=("Setup", "When"),
    )


async def _lost(settings: Settings) -> list[ApprovalDecided]:
    published = await published_endings(settings.kafka)
    async with connected(settings) as connection:
        return await lost_endings(connection, published)
