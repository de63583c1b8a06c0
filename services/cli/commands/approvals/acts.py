"""`postrail approvals withdraw`, `reassign` and `remind`: acts on one open request."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.operate.approvals.reassign import reassign
from postrail.operate.approvals.remind import remind
from postrail.operate.approvals.withdraw import withdraw
from services.cli.commands.approvals.group import Key, approvals
from services.cli.commands.approvals.values import print_told
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.data_folder import Data
from services.cli.output import Json, show_json


@approvals.command("withdraw")
def withdraw_request(
    key: Key,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; the ledger keeps it.")
    ] = "",
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Withdraw an open request: answers to it decide nothing any more.

    Those who have not answered are told. To ask again in other words, see postrail approvals
    request --replaces.

    Example: [bold]postrail approvals withdraw A-12 --reason "The release is cancelled"[/bold]
    """
    done = at_desk(data, author, lambda desk, actor: withdraw(desk, actor, key, reason=reason))
    if json:
        show_json(done)
        return
    print_told(f"{done.key} is withdrawn.", done)


@approvals.command("reassign")
def reassign_request(
    key: Key,
    former: Annotated[
        str, typer.Argument(metavar="FROM", help="Any address of the approver who is asked.")
    ],
    approver: Annotated[
        str, typer.Argument(metavar="TO", help="The address of the person to ask instead.")
    ],
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Ask another person in the place of an approver who has not answered.

    An answer of the former approver counts no longer; both are told. For a time of absence, see
    postrail approvals delegate.

    Example: [bold]postrail approvals reassign A-12 ann@example.org bob@example.org[/bold]
    """
    done = at_desk(data, author, lambda desk, actor: reassign(desk, actor, key, former, approver))
    if json:
        show_json(done)
        return
    when = "" if done.asked_now else ", once those before have approved"
    print_told(f"{done.key} asks {done.approver} in the place of {done.former}{when}.", done)


@approvals.command("remind")
def remind_approvers(
    key: Key,
    approver: Annotated[
        str,
        typer.Option(
            "--approver",
            metavar="ADDRESS",
            help="Only this approver.",
            show_default="all who have not answered",
        ),
    ] = "",
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Remind the approvers who were asked and have not answered.

    Example: [bold]postrail approvals remind A-12[/bold]
    """
    done = at_desk(data, author, lambda desk, actor: remind(desk, actor, key, approver=approver))
    if json:
        show_json(done)
        return
    print_told(f"{done.key}: asked again.", done, nobody="nobody")
