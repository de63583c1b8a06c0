"""`postrail approvals verify`: checks that the ledger was not changed."""

from __future__ import annotations

import typer

from postrail.errors import PermanentError
from postrail.operate.approvals.verify import Verified, verify
from postrail.settings import Settings
from services.cli.commands.approvals.group import approvals
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import Json, show_json, show_table


class LedgerBroken(PermanentError):
    """The ledger of approvals, or a decision that it proves, was changed."""


@approvals.command("verify")
def verify_ledger(data: Data = None, json: Json = False) -> None:
    """Check the ledger of approvals: its chain of hashes, and the decisions that it proves.

    Exit code 1 where anything was changed, with the place. Whoever can write to the database could
    write the whole ledger anew: compare the last hash with one that you keep elsewhere, such as
    that of the last record of the topic approval.decided.

    Example: [bold]postrail approvals verify[/bold]
    """
    found = complete(_verified(load(data)))
    if json:
        show_json(
            {
                "ok": found.ok,
                "events": found.events,
                "last_hash": found.last_hash,
                "broken": found.broken,
            }
        )
    elif found.ok:
        typer.echo(f"The ledger is whole: {found.events} events.")
        if found.events:
            typer.echo(f"Its last hash: {found.last_hash}")
    else:
        show_table(
            ["Event", "Request", "What was changed"],
            [
                (one.event_id, found.keys.get(one.request_id, one.request_id), one.reason)
                for one in found.broken
            ],
            empty="",
        )
    if not found.ok:
        raise LedgerBroken(
            f"the ledger of approvals was changed in {len(found.broken)} places",
            remedy="Compare it with a backup and with the records of the topic approval.decided",
        )


async def _verified(settings: Settings) -> Verified:
    async with connected(settings) as connection:
        return await verify(connection)
