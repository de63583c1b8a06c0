"""`postrail approvals delegate` and `delegations`: who answers for whom, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from postrail.approvals import delegations
from postrail.approvals.delegations import Delegation
from postrail.clock_sync.postgres_time import time_of
from postrail.operate.approvals.delegate import (
    Delegated,
    DelegationEnded,
    delegate,
    end_delegation,
)
from postrail.operate.issues.act import Actor, Desk
from postrail.settings import Settings
from services.cli.commands.approvals.group import approvals
from services.cli.commands.approvals.values import moment_of, print_held
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import Json, moment, show_json, show_table
from services.cli.visible import clean


@approvals.command("delegate")
def delegate_approvals(
    delegator: Annotated[
        str, typer.Argument(metavar="FROM", help="Any address of the person who is absent.")
    ],
    to: Annotated[
        str, typer.Argument(metavar="TO", help="Any address of the person who answers instead.")
    ],
    until: Annotated[
        str,
        typer.Option(
            "--until", metavar="TIME", help="The end: a length such as 14d, or 2027-01-31T18:00."
        ),
    ],
    begin: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="The begin, as --until.", show_default="now"),
    ] = "",
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let a person answer all requests in the place of another for a time.

    Both are asked, and the first answer of the two counts. At the begin, the delegate is also asked
    about the open requests that wait for the other. An answer of anybody else, such as a colleague
    to whom a request was forwarded, never counts.

    Example: [bold]postrail approvals delegate ann@example.org bob@example.org --until
    2027-01-31T18:00[/bold]
    """

    async def act(desk: Desk, actor: Actor) -> Delegated:
        begins_at = moment_of(begin, "--from", desk.now) if begin else desk.now
        ends_at = moment_of(until, "--until", desk.now)
        return await delegate(desk, actor, delegator, to, begins_at, ends_at)

    done = at_desk(data, author, act)
    if json:
        show_json(done)
        return
    one = done.delegation
    typer.echo(
        clean(
            f"{one.delegate} answers for {one.delegator} from {moment(one.begins_at)} until"
            f" {moment(one.ends_at)} (delegation {one.delegation_id})."
        )
    )
    if done.asked_about:
        typer.echo(f"Asked about: {', '.join(done.asked_about)}.")
    print_held(done.held)


@approvals.command("delegations")
def list_delegations(
    end: Annotated[
        int | None,
        typer.Option("--end", metavar="NUMBER", help="End this delegation before its time."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List those that have ended, too.")
    ] = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List who answers for whom, or end a delegation before its time.

    Example: [bold]postrail approvals delegations --end 3[/bold]
    """
    if end is not None:
        _end(data, author, end, json=json)
        return
    found, now = complete(_listed(load(data)))
    shown = [one for one in found if everything or end_of(one) > now]
    if json:
        show_json(shown)
        return
    show_table(
        ["Number", "Absent", "Answers", "From", "Until", "State", "Made by"],
        [
            (
                one.delegation_id,
                one.delegator,
                one.delegate,
                one.begins_at,
                end_of(one),
                _state(one, now),
                one.made_by or "the operator",
            )
            for one in shown
        ],
        empty="No delegations.",
    )


def _end(data: Data, author: str | None, delegation_id: int, *, json: bool) -> None:
    async def act(desk: Desk, actor: Actor) -> DelegationEnded:
        return await end_delegation(desk, actor, delegation_id)

    done = at_desk(data, author, act)
    if json:
        show_json(done)
        return
    one = done.delegation
    typer.echo(clean(f"{one.delegate} answers for {one.delegator} no longer."))
    if done.no_longer_asked_about:
        typer.echo(f"Asked no longer about: {', '.join(done.no_longer_asked_about)}.")


def end_of(one: Delegation) -> datetime:
    """Returns when the delegation ends, or has ended."""
    return one.ends_at if one.ended_at is None else min(one.ends_at, one.ended_at)


def _state(one: Delegation, now: datetime) -> str:
    if end_of(one) <= now:
        return "ended"
    return "holds" if one.begins_at <= now else "begins later"


async def _listed(settings: Settings) -> tuple[list[Delegation], datetime]:
    async with connected(settings) as connection:
        return await delegations.listed(connection), await time_of(connection)
