"""`postrail approvals request`: asks people for their approval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import APPROVE_OR_REJECT, AtDeadline
from postrail.blobs import BlobStore
from postrail.operate.approvals.files import stored_files
from postrail.operate.approvals.request import Requested, request_approval
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.attach import NewFile
from postrail.secrets import Secrets
from services.cli.commands.approvals.group import approvals
from services.cli.commands.approvals.values import (
    choice_of,
    length_of,
    moment_or_length,
    print_told,
    rule_of,
)
from services.cli.commands.issues.attachments import content_of
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.field_options import pairs, text_of
from services.cli.data_folder import Data
from services.cli.installation import load_to_write
from services.cli.output import Json, show_json
from services.cli.visible import clean

Setup = Annotated[str, typer.Argument(metavar="SETUP", help="The name of an approval setup.")]
Subject = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="What is to be approved, in one line.")
]
Approvers = Annotated[
    list[str] | None,
    typer.Option(
        "--approver",
        metavar="WHO",
        help="Who is asked: an address, group:NAME, or lead (of the issue's project); repeatable.",
        show_default=False,
    ),
]


@approvals.command("request")
def request(
    setup: Setup,
    subject: Subject,
    approvers: Approvers = None,
    rule: Annotated[
        str,
        typer.Option(
            "--rule",
            metavar="RULE",
            help="Whose answers decide: any (the first), all, order (one after the other), or the"
            " number of people who must approve.",
        ),
    ] = "any",
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="The text; - reads stdin.")
    ] = "",
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--field", metavar="LABEL=VALUE", help="A line of the table below the text; repeatable."
        ),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--attach", metavar="FILE", help="A file of up to 50 MiB; repeatable."),
    ] = None,
    choices: Annotated[
        list[str] | None,
        typer.Option(
            "--choice",
            metavar="CHOICE",
            help="An answer to choose from: NAME or NAME=LABEL, which approves, or with :reject at"
            " the end rejects; repeatable.",
            show_default="approve and reject",
        ),
    ] = None,
    comment_required: Annotated[
        bool | None,
        typer.Option(
            "--comment-required/--no-comment-required",
            help="A rejection must give a reason, or need not.",
            show_default="as the setup says",
        ),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            "--deadline",
            metavar="TIME",
            help="Until when answers count: a length such as 4h or 2d, or 2027-01-31T18:00.",
            show_default="none",
        ),
    ] = None,
    at_deadline: Annotated[
        AtDeadline | None,
        typer.Option(
            "--at-deadline",
            help="What the deadline does to an open request.",
            show_default="expire, or escalate with --escalate-to",
        ),
    ] = None,
    escalate_to: Annotated[
        list[str] | None,
        typer.Option(
            "--escalate-to",
            metavar="WHO",
            help="Who is asked at the deadline, as --approver; repeatable.",
        ),
    ] = None,
    remind_after: Annotated[
        str | None,
        typer.Option(
            "--remind-after",
            metavar="LENGTH",
            help="After how long those who have not answered are reminded, such as 1d.",
            show_default="never",
        ),
    ] = None,
    issue: Annotated[
        str, typer.Option("--issue", metavar="KEY", help="The issue that it is about.")
    ] = "",
    approved_status: Annotated[
        str,
        typer.Option(
            "--approved-status", metavar="STATUS", help="The status of the issue once approved."
        ),
    ] = "",
    rejected_status: Annotated[
        str,
        typer.Option(
            "--rejected-status", metavar="STATUS", help="The status of the issue once rejected."
        ),
    ] = "",
    callback_url: Annotated[
        str,
        typer.Option(
            "--callback-url",
            metavar="URL",
            help="Where the decision is posted, signed; - reads it from stdin.",
        ),
    ] = "",
    requester: Annotated[
        str,
        typer.Option(
            "--requester",
            metavar="ADDRESS",
            help="Who asks, and is told of the decision.",
            show_default="the author",
        ),
    ] = "",
    idempotency_key: Annotated[
        str,
        typer.Option(
            "--idempotency-key",
            metavar="KEY",
            help="The same command with the same key makes no second request.",
        ),
    ] = "",
    replaces: Annotated[
        str,
        typer.Option(
            "--replaces",
            metavar="REQUEST",
            help="An open request, such as A-12, which is withdrawn for this one.",
        ),
    ] = "",
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Ask people for their approval by email; they decide by replying.

    What approvers are asked never changes: to correct a request, make another with --replaces. To
    learn the decision, poll with approvals show REQUEST --json, or give --callback-url.

    Example: [bold]postrail approvals request deploy "Release 4.2 to production" --approver
    group:managers --rule 2 --field Version=4.2 --attach notes.pdf --deadline 2d --remind-after
    1d[/bold]
    """
    wanted, needed = rule_of(rule)
    settings = load_to_write(data)
    order = ApprovalOrder(
        setup=setup,
        subject=subject,
        approvers=tuple(approvers or ()),
        body=text_of(text),
        fields=tuple(pairs("--field", fields)),
        choices=tuple(map(choice_of, choices or ())) or APPROVE_OR_REJECT,
        rule=wanted,
        needed=needed,
        comment_required=comment_required,
        deadline=moment_or_length(deadline, "--deadline") if deadline else None,
        at_deadline=at_deadline or (AtDeadline.ESCALATE if escalate_to else AtDeadline.EXPIRE),
        escalate_to=tuple(escalate_to or ()),
        remind_after_seconds=int(
            length_of(remind_after, "--remind-after").total_seconds() if remind_after else 0
        ),
        callback_url=text_of(callback_url).strip(),
        approved_status=approved_status,
        rejected_status=rejected_status,
        requester_address=requester,
        idempotency_key=idempotency_key,
    )
    blobs = BlobStore(settings.blobs.url)
    seal = Secrets(settings.secrets).seal
    new = [NewFile(path.name, content_of(path)) for path in files or ()]

    async def ask(desk: Desk, actor: Actor) -> Requested:
        attached = await stored_files(new, blobs, desk.letter_files_max_bytes)
        whole = replace(order, attachments=attached)
        return await request_approval(
            desk, actor, whole, seal, issue_key=issue.upper(), replaces=replaces
        )

    done = at_desk(data, author, ask)
    if json:
        show_json(done)
    else:
        _print(done)


def _print(done: Requested) -> None:
    if not done.is_new:
        typer.echo(f"{done.key} was made before with this idempotency key; nobody is asked again.")
        return
    print_told(f"Requested {done.key}.", done, nobody="nobody")
    if done.later:
        typer.echo(clean(f"In their turn: {', '.join(done.later)}."))
    if done.replaces:
        typer.echo(f"{done.replaces} is withdrawn.")
    typer.echo(f"To see who has answered: postrail approvals show {done.key}")
