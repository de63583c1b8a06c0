"""`postrail approvals list`: the requests, and whose answers are missing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from postrail.settings import Settings
from postrail.views.approvals.listed import ListedRequest, list_requests
from services.cli.commands.approvals.group import approvals
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import Json, Limit, show_json, show_rows


class State(StrEnum):
    """The states of a request."""

    OPEN = "open"
    DECIDED = "decided"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@approvals.command("list")
def list_approvals(
    state: Annotated[
        State | None, typer.Option("--state", help="Only requests in this state.")
    ] = None,
    setup: Annotated[
        str | None, typer.Option("--setup", metavar="NAME", help="Only requests of this setup.")
    ] = None,
    issue: Annotated[
        str | None, typer.Option("--issue", metavar="KEY", help="Only requests about this issue.")
    ] = None,
    approver: Annotated[
        str | None,
        typer.Option(
            "--approver", metavar="ADDRESS", help="Only requests that wait for this person."
        ),
    ] = None,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the approval requests, newest first, with those whose answers are missing.

    Example: [bold]postrail approvals list --state open --approver ann@example.org[/bold]
    """
    found = complete(_found(load(data), state, setup, issue, approver, limit))
    if json:
        show_json(found)
        return
    show_rows(
        ["Request", "State", "Subject", "Waits for", "Deadline", "Refused", "Issue", "Asked by"],
        [
            (
                one.key,
                state_words(one.state, one.choice),
                one.subject,
                one.waiting_for,
                one.deadline,
                one.refused or "",
                one.issue_key,
                one.requester,
            )
            for one in found
        ],
        empty="No approval requests.",
        cut="Subject",
        optional=("Asked by", "Refused", "Issue", "Deadline"),
    )


def state_words(state: str, choice: str) -> str:
    """Returns the state as people read it; of a decided request, its choice."""
    return f"{state}: {choice}" if choice else state


async def _found(
    settings: Settings,
    state: State | None,
    setup: str | None,
    issue: str | None,
    approver: str | None,
    limit: int,
) -> list[ListedRequest]:
    async with connected(settings) as connection:
        return await list_requests(
            connection,
            state=state,
            setup=setup,
            issue_key=issue and issue.upper(),
            approver=approver,
            limit=limit,
        )
