"""`postrail mail`: incoming messages, what became of each and why."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from postrail.blobs import BlobStore
from postrail.decision.decision import Outcome
from postrail.incoming.originals import Originals
from postrail.settings import Settings
from postrail.views.contents import MailText, mail_text
from postrail.views.incoming import IncomingDetail, IncomingRow, incoming_mail, incoming_mails
from postrail.views.refetch import AskedAgain, asked_again
from services.cli.bounced import bounced_lines
from services.cli.commands.mail.fixture import fixture
from services.cli.commands.mail.follow import follow_mails
from services.cli.commands.mail.retry import release, retry
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import (
    SHORT_ID,
    Json,
    Limit,
    moment,
    shortened,
    show_fields,
    show_json,
    show_rows,
    show_texts,
)


class State(StrEnum):
    """The states of incoming messages."""

    FETCHED = "fetched"
    NEW = "new"
    WORKING = "working"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    QUARANTINED = "quarantined"


mail = typer.Typer(no_args_is_help=True)

Mailbox = Annotated[str | None, typer.Option("--mailbox", help="Only messages of this mailbox.")]
States = Annotated[
    list[State] | None,
    typer.Option("--state", help="Only messages in this state; may be repeated."),
]


@mail.command("list")
def list_mails(
    state: States = None,
    outcome: Annotated[
        list[Outcome] | None,
        typer.Option("--outcome", help="Only messages with this outcome; may be repeated."),
    ] = None,
    mailbox: Mailbox = None,
    issue: Annotated[
        str | None, typer.Option("--issue", help="Only messages of this issue.")
    ] = None,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the messages fetched last, newest first.

    Example: [bold]postrail mail list --state failed --mailbox help[/bold]
    """
    found = complete(_mails(load(data), state or [], outcome or [], mailbox, issue, limit))
    if json:
        show_json(found)
        return
    show_rows(
        ["Mail", "Fetched", "Mailbox", "State", "Outcome", "Issue", "Sender", "Subject", "Why"],
        [
            (
                row.mail_id[:SHORT_ID],
                row.fetched_at,
                row.mailbox,
                row.state,
                row.outcome,
                row.issue_key,
                shortened(row.sender),
                shortened(row.subject),
                row.reason,
            )
            for row in found
        ],
        empty="No messages.",
        cut="Why",
        optional=("Mailbox", "Sender", "Fetched", "Subject"),
    )


@mail.command("show")
def show_mail(
    mail_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a message, or its first characters.")
    ],
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the message itself, byte for byte as it was read.")
    ] = False,
    trace: Annotated[
        bool,
        typer.Option(
            "--trace", help="Show all that was asked for the decision, and what each answered."
        ),
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what became of a message and why, or the message itself.

    Example: [bold]postrail mail show 3f2a91c0 --raw > message.eml[/bold]
    """
    settings = load(data)
    if trace:
        # Deciding needs the models and RE2, without which the other commands start faster.
        from services.cli.commands.mail.trace import show_stored_trace

        show_stored_trace(settings, mail_id, json=json)
        return
    if raw:
        sys.stdout.buffer.write(complete(_raw(settings, mail_id)))
        sys.stdout.flush()
        return
    found, text, again = complete(_mail(settings, mail_id))
    if json:
        asked_again = asdict(again) if again else None
        show_json({**asdict(found), **asdict(text), "asked_again": asked_again})
    else:
        _print_mail(found, text, again)


@mail.command("follow")
def follow(
    state: States = None, mailbox: Mailbox = None, data: Data = None, json: Json = False
) -> None:
    """Print each message as it arrives and as it is handled, until Ctrl-C."""
    complete(follow_mails(load(data), state or list(State), mailbox, json=json))


mail.command("retry")(retry)
mail.command("fixture")(fixture)
mail.command("release")(release)


async def _mails(
    settings: Settings,
    states: list[State],
    outcomes: list[Outcome],
    mailbox: str | None,
    issue: str | None,
    limit: int,
) -> list[IncomingRow]:
    async with connected(settings) as connection:
        return await incoming_mails(
            connection,
            states=[state.value for state in states],
            outcomes=[outcome.value for outcome in outcomes],
            mailbox=mailbox,
            issue_key=issue.upper() if issue else None,
            limit=limit,
        )


async def _mail(
    settings: Settings, mail_id: str
) -> tuple[IncomingDetail, MailText, AskedAgain | None]:
    async with connected(settings) as connection:
        found = await incoming_mail(connection, mail_id)
        text = await mail_text(connection, found, BlobStore(settings.blobs.url))
        return found, text, await asked_again(connection, found.mail_id)


async def _raw(settings: Settings, mail_id: str) -> bytes:
    blobs = BlobStore(settings.blobs.url)
    async with connected(settings) as connection:
        found = await incoming_mail(connection, mail_id)
    return await Originals(lambda: connected(settings), settings.kafka, blobs).read(found.mail_id)


def _print_mail(mail: IncomingDetail, text: MailText, again: AskedAgain | None) -> None:
    show_fields(
        [
            ("Mail", mail.mail_id),
            ("Subject", mail.subject),
            ("Sender", mail.sender),
            ("Message-ID", mail.message_id),
            ("Mailbox", f"{mail.mailbox}, {mail.source}"),
            ("Size", f"{mail.size} bytes"),
            ("Received", mail.received_at),
            ("Fetched", mail.fetched_at),
            ("Published again", mail.refetched_at),
            ("State", mail.state),
            ("Outcome", mail.outcome),
            ("Why", mail.reason),
            ("Held by", (mail.trace or {}).get("held_by")),
            ("Released", _release(mail)),
            ("Asked for again", _request(again, mail.reason) if again else None),
            ("Issue", mail.issue_key),
            ("Comment", mail.comment_id),
            ("Handled", mail.handled_at),
            ("Next attempt", mail.due_at if mail.state == "waiting" else None),
            ("Attempts", mail.attempts or None),
            ("Revision", mail.revision),
            ("Conversation", mail.conversation),
            ("Kafka record", _record(mail)),
            ("Blobs", mail.blobs),
            ("Text", text.text_problem),
            ("Defects", "; ".join(text.defects)),
            *(("Bounced", line) for line in bounced_lines(text.bounced, text.bounce_status)),
        ]
    )
    show_texts(
        [
            ("Calendar", text.calendar),
            ("New text", text.new_text),
            ("Quoted", text.quoted_text),
            ("Signature", text.signature),
            ("Decided by", "\n".join(_stages(mail))),
        ]
    )


def _stages(mail: IncomingDetail) -> list[str]:
    """Returns the stages that were asked in turn, each in a line with its answer."""
    stages: list[tuple[str, str]] = (mail.trace or {}).get("stages", [])
    return [f"{stage}: {outcome or 'passed'}" for stage, outcome in stages]


def _release(mail: IncomingDetail) -> str | None:
    """Returns by whom, when and how the message was released or retried last."""
    if not mail.release:
        return None
    order = mail.release
    handler = f", as handler {order['as_handler']}" if order["as_handler"] else ""
    skips = f"; not asked again: {', '.join(order['skips'])}" if order["skips"] else ""
    at = moment(datetime.fromisoformat(order["at"]))
    return f"by {order['by']}, {at}{handler}{skips}"


def _record(mail: IncomingDetail) -> str | None:
    if mail.raw_partition is None:
        return None
    return f"mail.fetched, partition {mail.raw_partition}, offset {mail.raw_offset}"


def _request(again: AskedAgain, shown: str | None) -> str:
    """Returns when a message is asked for again, at whose request, and the last problem.

    The problem is left out where it is the message's reason, which is shown already.
    """
    when = "when its account is enabled" if again.held else f"at {moment(again.due_at)}"
    many = "attempt" if again.attempts == 1 else "attempts"
    attempts = f", after {again.attempts} {many}" if again.attempts else ""
    problem = f"; last: {again.problem}" if again.problem not in ("", shown) else ""
    return f"{when}{attempts} (by {again.requested_by}: {again.reason}){problem}"
