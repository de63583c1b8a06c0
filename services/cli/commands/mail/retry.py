"""`postrail mail retry` and `release`: messages are handled again, by id or all that match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.errors import ConfigurationError
from postrail.operate.retry import (
    Asked,
    Order,
    Selection,
    ask_again,
    ask_selected_again,
    chosen,
    require_handler,
    select,
)
from postrail.settings import Settings
from postrail.views.incoming import IncomingDetail
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write, shared_clock
from services.cli.options import Author, author_name
from services.cli.output import SHORT_ID, Json, show_json, show_table
from services.cli.selection import DryRun, Everything, Yes, confirm

DONE = {"retry": "retried", "release": "released"}


class Held(StrEnum):
    """The outcomes of messages that can be handled again."""

    FAILED = "failed"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Wanted:
    """Which messages are to be handled again: those of the ids, or all that match."""

    mail_ids: Sequence[str]
    reason: str | None
    everything: bool
    outcomes: Sequence[Held]
    mailbox: str | None

    @property
    def named(self) -> str:
        """Returns what the messages are called that may match."""
        return f"{' and '.join(self.outcomes)} messages"


Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="The ids of messages, or their first characters."),
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="All with this reason, or this part of it."),
]
OfMailbox = Annotated[str | None, typer.Option("--mailbox", help="Only messages of this mailbox.")]
AsHandler = Annotated[
    str | None,
    typer.Option(
        "--as-handler",
        metavar="NAME",
        help="The mail handler that takes them, whatever its conditions; no other one is asked.",
    ),
]


def outcomes(usual: Held) -> Any:
    """Returns the option for the outcomes that a command takes besides ids."""
    return typer.Option(
        "--outcome",
        "--state",
        help="Which ones --all and --reason take; may be repeated.",
        show_default=usual.value,
    )


def retry(
    mail_ids: Ids = None,
    reason: Reason = None,
    everything: Everything = False,
    outcome: Annotated[list[Held] | None, outcomes(Held.FAILED)] = None,
    mailbox: OfMailbox = None,
    as_handler: AsHandler = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Handle failed messages again from their raw bytes, after the cause was fixed.

    Quarantined and ignored ones, too; for them everything is asked again, so that they may end as
    before: [bold]postrail mail release[/bold] does not ask again what held them. By its id, a
    message is also asked for that stays fetched because its record in Kafka is gone.

    Example: [bold]postrail mail retry --reason "permission denied" --dry-run[/bold]
    """
    wanted = Wanted(mail_ids or [], reason, everything, outcome or [Held.FAILED], mailbox)
    order = Order(author=author_name(author), as_handler=as_handler or "")
    _run(load(data) if dry_run else load_to_write(data), wanted, order, yes, dry_run, json)


def release(
    mail_ids: Ids = None,
    reason: Reason = None,
    everything: Everything = False,
    outcome: Annotated[list[Held] | None, outcomes(Held.QUARANTINED)] = None,
    mailbox: OfMailbox = None,
    as_handler: AsHandler = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Handle messages as if they had just arrived that were quarantined, ignored, or failed.

    The brake or policy that held a message is not asked again, and everything else is: what would
    hold it next holds it. --dry-run shows what is not asked again.

    Example: [bold]postrail mail release --all --outcome ignored --mailbox help --dry-run[/bold]
    """
    wanted = Wanted(mail_ids or [], reason, everything, outcome or [Held.QUARANTINED], mailbox)
    order = Order(author=author_name(author), releases=True, as_handler=as_handler or "")
    _run(load(data) if dry_run else load_to_write(data), wanted, order, yes, dry_run, json)


def _run(
    settings: Settings, wanted: Wanted, order: Order, yes: bool, dry_run: bool, json: bool
) -> None:
    _require_one_choice(wanted, order)
    if wanted.mail_ids:
        _run_by_id(settings, wanted.mail_ids, order, dry_run, json)
        return
    found = complete(_select(settings, wanted, order))
    if dry_run or not found.mail_ids:
        _show_selection(found, wanted, order, json, dry_run=dry_run)
        return
    if not json:
        _print_selection(found, wanted, order)
    confirm(order.word, DONE[order.word], len(found.mail_ids), yes=yes, json=json)
    count = complete(_ask_all(settings, found, order))
    _show_asked(found, count, order, json)


def _require_one_choice(wanted: Wanted, order: Order) -> None:
    by_reason = wanted.reason is not None or wanted.everything
    if bool(wanted.mail_ids) == by_reason or wanted.reason == "":
        raise ConfigurationError(
            "which messages?",
            remedy="Give their ids, or --reason TEXT, or --all; see: postrail mail list --outcome"
            f" {wanted.outcomes[0]}",
        )
    if wanted.mail_ids and wanted.mailbox:
        raise ConfigurationError(
            "--mailbox goes with --reason or --all",
            remedy=f"See a message before: postrail mail {order.word} ID --dry-run",
        )


def _run_by_id(
    settings: Settings, mail_ids: Sequence[str], order: Order, dry_run: bool, json: bool
) -> None:
    if dry_run:
        found = complete(_look_up(settings, mail_ids, order))
        _show_chosen(found, order, json)
        return
    asked = complete(_ask(settings, mail_ids, order))
    if json:
        names = [one.mail.mail_id for one in asked]
        # `mail_id`: as before several could be named.
        alone = {"mail_id": names[0]} if len(names) == 1 else {}
        requested = sum(not one.already for one in asked)
        show_json({"selected": len(names), "requested": requested, "mail_ids": names, **alone})
        return
    for one in asked:
        typer.echo(_told(one, order))
    typer.echo(f"See what becomes of it: postrail mail show {asked[0].mail.mail_id[:SHORT_ID]}")


def _told(one: Asked, order: Order) -> str:
    name = one.mail.mail_id
    if one.already:
        return f"Message {name} was asked for already; the fetcher has not served it yet."
    if one.mail.state == "fetched":
        return (
            f"Message {name} is not parsed yet: the fetcher publishes it again within seconds."
            " If its first record is still there, the second changes nothing."
        )
    done = f"Message {name} is {DONE[order.word]}: the fetcher publishes it again within seconds."
    skipped = not_asked_again(one.mail, order)
    return f"{done} Not asked again: {skipped}." if skipped else done


def not_asked_again(mail: IncomingDetail, order: Order) -> str:
    """Returns what the order passes over for this message, "" for nothing."""
    skips = list((mail.release or {}).get("skips", []))
    held_by = (mail.trace or {}).get("held_by", "")
    if order.releases and held_by and held_by not in skips:
        skips.append(held_by)
    return ", ".join(skips)


def _show_chosen(found: Sequence[IncomingDetail], order: Order, json: bool) -> None:
    skipped = {mail.mail_id: not_asked_again(mail, order) for mail in found}
    if json:
        counts = {"selected": len(found), "requested": 0, "mail_ids": list(skipped)}
        show_json({**counts, "not_asked_again": skipped})
        return
    show_table(
        ["Mail", "State", "Why", "Not asked again"],
        [
            (mail.mail_id[:SHORT_ID], mail.state, mail.reason, skipped[mail.mail_id])
            for mail in found
        ],
        empty="",
    )
    typer.echo("Nothing was changed.")


def _show_selection(
    found: Selection, wanted: Wanted, order: Order, json: bool, *, dry_run: bool
) -> None:
    if json:
        show_json(_selected(found, requested=0))
        return
    _print_selection(found, wanted, order)
    if dry_run and found.mail_ids:
        typer.echo(f"Nothing was changed. To {order.word} them, leave out --dry-run.")


def _selected(found: Selection, *, requested: int) -> dict[str, object]:
    return {
        "selected": len(found.mail_ids),
        "requested": requested,
        "mail_ids": found.mail_ids,
        "reasons": found.reasons,
    }


def _print_selection(found: Selection, wanted: Wanted, order: Order) -> None:
    skipped = ["Not asked again"] if order.releases else []
    show_table(
        ["Messages", "Why", *skipped],
        [
            (group.count, group.reason, *([group.held_by] if order.releases else []))
            for group in found.reasons
        ],
        empty=f"No {wanted.named}.",
    )
    if found.mail_ids:
        typer.echo(f"{len(found.mail_ids)} {wanted.named} in all.")


def _show_asked(found: Selection, count: int, order: Order, json: bool) -> None:
    if json:
        show_json(_selected(found, requested=count))
        return
    before = len(found.mail_ids) - count
    already = f" {before} were asked for already." if before else ""
    typer.echo(f"{count} messages are {DONE[order.word]}.{already}")
    typer.echo(
        "The fetcher publishes each again, and it is parsed and handled anew."
        " Follow them: postrail mail follow; what is left: postrail status"
    )


async def _look_up(
    settings: Settings, mail_ids: Sequence[str], order: Order
) -> list[IncomingDetail]:
    async with connected(settings) as connection:
        await require_handler(connection, order)
        return [await chosen(connection, mail_id, order) for mail_id in mail_ids]


async def _ask(settings: Settings, mail_ids: Sequence[str], order: Order) -> list[Asked]:
    async with connected(settings) as connection:
        return await ask_again(connection, mail_ids, order, await time_of(connection))


async def _select(settings: Settings, wanted: Wanted, order: Order) -> Selection:
    async with connected(settings) as connection:
        await require_handler(connection, order)
        outcomes = [outcome.value for outcome in wanted.outcomes]
        return await select(connection, outcomes, reason=wanted.reason, mailbox=wanted.mailbox)


async def _ask_all(settings: Settings, found: Selection, order: Order) -> int:
    clock = await shared_clock(settings)
    return await ask_selected_again(lambda: connected(settings), found.mail_ids, order, clock)
