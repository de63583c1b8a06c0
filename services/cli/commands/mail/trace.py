"""`postrail mail show --trace`: how a message was decided, by its stored facts."""

from __future__ import annotations

from postrail.operate.explain import Explained, decide_again
from postrail.settings import Settings
from postrail.views.incoming import IncomingDetail, incoming_mail
from services.cli.explained import as_json, show_decision
from services.cli.installation import complete, connected_to_read
from services.cli.output import show_fields, show_json


def show_stored_trace(settings: Settings, mail_id: str, *, json: bool) -> None:
    """Prints the trace of a message; the message is decided again to show what is not stored."""
    found, again = complete(_traced(settings, mail_id))
    made = {
        "mail_id": found.mail_id,
        "state": found.state,
        "issue_key": found.issue_key,
        "comment_id": found.comment_id,
        "revision": found.revision,
    }
    if json:
        show_json({**as_json(again), **made})
        return
    show_fields(
        [
            ("Mail", found.mail_id),
            ("State", found.state),
            ("Issue", found.issue_key),
            ("Comment", found.comment_id),
            ("Handled", found.handled_at),
        ]
    )
    show_decision(again)


async def _traced(settings: Settings, mail_id: str) -> tuple[IncomingDetail, Explained]:
    async with connected_to_read(settings) as connection:
        found = await incoming_mail(connection, mail_id)
        return found, await decide_again(connection, found)
