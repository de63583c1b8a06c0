"""`postrail approvals show`: one request, the parts of its approvers, and refused answers."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.approvals.ledger import Channel, Event
from postrail.approvals.request import AtDeadline, ClosedBecause, Rule, State
from postrail.configuration.approvals.durations import written
from postrail.settings import Settings
from postrail.views.approvals.detail import (
    ApproverPart,
    RefusedAnswer,
    RequestDetail,
    request_detail,
)
from services.cli.commands.approvals.group import Key, approvals
from services.cli.commands.approvals.list import state_words
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import (
    SHORT_ID,
    Json,
    console,
    moment,
    show_fields,
    show_json,
    show_table,
    show_texts,
)

# Of a hash, enough to compare it by eye.
SHORT_HASH = 12
DEADLINES = {
    AtDeadline.EXPIRE: "the request expires",
    AtDeadline.REJECT: "the request is rejected",
    AtDeadline.ESCALATE: "others are asked",
}
NOT_ASKED = {
    ClosedBecause.DECIDED: "not needed any more",
    ClosedBecause.EXPIRED: "did not answer in time",
    ClosedBecause.WITHDRAWN: "asked no longer: withdrawn",
    ClosedBecause.REASSIGNED: "asked no longer: reassigned",
    ClosedBecause.ESCALATED: "did not answer in time: escalated",
    ClosedBecause.ANSWERED_FOR: "answered by the other of the two",
    ClosedBecause.DELEGATION_ENDED: "asked no longer: the delegation has ended",
}


@approvals.command("show")
def show_approval(
    key: Key,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Show all events of the ledger, too.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show a request: what it asks, who has answered what, and the answers that decide nothing.

    Systems that asked may poll with --json: state is open, decided, expired or withdrawn; choice
    and meaning are set once it is decided.

    Example: [bold]postrail approvals show A-12[/bold]
    """
    found = complete(_detail(load(data), key, ledger))
    if json:
        show_json(found)
        return
    _print_head(found)
    show_texts([("Text", found.body)])
    _print_title("Approvers")
    show_table(
        ["Place", "Approver", "State", "Answered", "Comment", "Sender"],
        [_approver(one, found) for one in found.approvers],
        empty="None.",
    )
    if found.refused:
        _print_title("Answers that decide nothing")
        show_table(
            ["At", "From", "Why", "Text", "Mail", "Answered"],
            [_refused(one) for one in found.refused],
            empty="None.",
        )
    if ledger:
        _print_title("Ledger")
        show_table(
            ["Event", "At", "What", "Approver", "Who", "By", "Choice", "Reason", "Mail", "Hash"],
            [_event(one, found) for one in found.ledger],
            empty="No events.",
        )


async def _detail(settings: Settings, key: str, with_ledger: bool) -> RequestDetail:
    async with connected(settings) as connection:
        return await request_detail(connection, key, with_ledger=with_ledger)


def _print_title(title: str) -> None:
    console().print(f"\n{title}:", style="bold")


def _print_head(found: RequestDetail) -> None:
    show_fields(
        [
            ("Request", found.key),
            ("Subject", found.subject),
            ("State", _state(found)),
            ("Waits for", [_named(one) for one in found.waiting_for]),
            ("Rule", _rule(found)),
            ("Choices", [_choice(one.name, one.label, one.meaning) for one in found.choices]),
            ("Comment", "needed for a rejection" if found.comment_required else ""),
            ("Deadline", _deadline(found)),
            ("Reminders", _reminders(found.remind_after_seconds)),
            ("Issue", found.issue_key),
            ("Once approved", found.approved_status and f"moves to {found.approved_status}"),
            ("Once rejected", found.rejected_status and f"moves to {found.rejected_status}"),
            ("Callback", _callback(found)),
            ("Asked by", found.requester_address or found.requester_name or "the operator"),
            ("Asked at", found.made_at),
            ("Setup", found.setup),
            ("Attachments", list(found.attachments)),
            *((label, value) for label, value in found.fields),
        ]
    )


def _state(found: RequestDetail) -> str:
    words = state_words(found.state, found.choice)
    if found.by_deadline:
        words += " (by its deadline)"
    return f"{words}, {moment(found.closed_at)}" if found.closed_at else words


def _rule(found: RequestDetail) -> str:
    places = len({one.place for one in found.approvers})
    match found.rule:
        case Rule.ALL:
            return "everybody must approve; the first rejection rejects"
        case Rule.ORDER:
            return "one after the other must approve; the first rejection rejects"
        case Rule.COUNT:
            return f"{found.needed} of {places} must approve"
    return "the first answer decides"


def _choice(name: str, label: str, meaning: str) -> str:
    shown = f"{name} ({label})" if label else name
    return shown if name == meaning else f"{shown}, which means {meaning}"


def _deadline(found: RequestDetail) -> str:
    if found.deadline is None:
        return ""
    what = DEADLINES[AtDeadline(found.at_deadline)]
    if found.escalate_to:
        what += f": {', '.join(found.escalate_to)}"
    return (
        f"{moment(found.deadline)}: {what}" if found.state == State.OPEN else moment(found.deadline)
    )


def _callback(found: RequestDetail) -> str:
    if not found.has_callback:
        return ""
    if not found.callback:
        return "the decision is posted to the system that asked"
    return f"{found.callback}; see: postrail webhooks list --about {found.key}"


def _reminders(seconds: int) -> str:
    return f"every {written(seconds)}" if seconds else ""


def _named(one: ApproverPart) -> str:
    return f"{one.address} (for {one.answers_for})" if one.answers_for else one.address


def _approver(one: ApproverPart, found: RequestDetail) -> tuple[object, ...]:
    return (
        one.place,
        _named(one),
        _approver_state(one, found),
        one.answered_at,
        one.comment,
        one.verdict,
    )


def _approver_state(one: ApproverPart, found: RequestDetail) -> str:
    match one.state:
        case "planned":
            return "is asked once those before have approved"
        case "answered":
            return one.choice
        case "closed":
            return NOT_ASKED.get(ClosedBecause(one.closed_because), one.closed_because)
    reminded = f", {one.reminders} reminders" if one.reminders else ""
    return f"has not answered, asked {moment(one.asked_at)}{reminded}"


def _refused(one: RefusedAnswer) -> tuple[object, ...]:
    told = "yes" if one.answered else "no"
    return one.at, one.sender, one.reason, one.comment, one.mail_id[:SHORT_ID], told


def _event(one: Event, found: RequestDetail) -> tuple[object, ...]:
    approvers = {part.assignment_id: part.address for part in found.approvers}
    return (
        one.event_id,
        one.happened_at,
        one.kind.replace("_", " "),
        approvers.get(one.assignment_id or 0),
        one.actor or ("the operator" if one.channel == Channel.COMMAND else ""),
        one.channel,
        one.choice,
        one.reason,
        one.mail_id[:SHORT_ID],
        one.hash[:SHORT_HASH],
    )
