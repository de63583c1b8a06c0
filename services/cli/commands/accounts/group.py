"""`postrail accounts`: the watched mailboxes, how each stands, and switching them on and off."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.check_requests import Everything, Names, chosen, enabled, request_looks
from services.cli.commands.accounts import check as trial
from services.cli.commands.accounts import reconcile
from services.cli.commands.accounts.authorize import authorize
from services.cli.commands.accounts.view import (
    attributes,
    for_programs,
    print_failures,
    print_list,
    standing_fields,
    word,
)
from services.cli.commands.configure import Author, login_name
from services.cli.installation import Data, complete, connected, load, load_to_write
from services.cli.output import Json, console, show_fields, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postrail.configuration.models.mail_account import MailAccount
    from postrail.configuration.plan import Plan
    from postrail.settings import Settings
    from postrail.views.mailboxes import FailedMail, Standing

FAILURES_SHOWN = 10


class OnOff(StrEnum):
    """What a switch can be."""

    ON = "on"
    OFF = "off"


accounts = typer.Typer(
    name="accounts", no_args_is_help=True, help="Mail accounts: the mailboxes that are watched."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]


@accounts.command("list")
def list_accounts(data: Data = None, json: Json = False) -> None:
    """List the accounts: how far each was read, and what is wrong."""
    found = complete(_all(load(data)))
    if json:
        show_json([for_programs(account, standing) for account, standing in found])
        return
    print_list(found)


@accounts.command("show")
def show_account(name: Name, data: Data = None, json: Json = False) -> None:
    """Show all attributes of an account, how far it was read, and its last failures.

    Example: [bold]postrail accounts show help[/bold]
    """
    account, standing, failures = complete(_one(load(data), name))
    if json:
        show_json({**for_programs(account, standing), "failures": failures})
        return
    show_fields([*attributes(account).items(), *standing_fields(account, standing)])
    if failures:
        typer.echo("\nFailed last:")
        print_failures(failures)


accounts.command("test")(trial.try_out)
accounts.command("authorize")(authorize)
accounts.command("reconcile")(reconcile.reconcile)
accounts.command("backfill")(reconcile.backfill)


@accounts.command("enable")
def enable(name: Name, author: Author = "", data: Data = None, json: Json = False) -> None:
    """Watch the account's mailbox; the fetcher begins within seconds."""
    _switch(name, {"enabled": True}, author, data, json)


@accounts.command("disable")
def disable(name: Name, author: Author = "", data: Data = None, json: Json = False) -> None:
    """Leave the account's mailbox alone until it is enabled again; its mails stay there."""
    _switch(name, {"enabled": False}, author, data, json)


@accounts.command("debug")
def debug(
    name: Name,
    on: Annotated[OnOff, typer.Argument(metavar="on|off", help="Switch it on or off.")],
    author: Author = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Have the dialogue with the account's server written to the fetcher's log, or no longer.

    Passwords, tokens and what mails say are not in it. The fetcher follows within seconds.

    Example: [bold]postrail accounts debug help on[/bold]
    """
    _switch(name, {"debug": on is OnOff.ON}, author, data, json)


@accounts.command("fetch")
def fetch(
    names: Names = None,
    everything: Everything = False,
    author: Author = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Have mailboxes looked at now, without waiting for their poll timers.

    Example: [bold]postrail accounts fetch help sales[/bold]
    """
    asked = complete(_fetch(load_to_write(data), chosen(names, everything), author or login_name()))
    if json:
        show_json({"requested": asked})
    elif asked:
        typer.echo(f"Asked the fetcher to look at: {', '.join(asked)}")
    else:
        typer.echo("No account is enabled.")


async def _fetch(settings: Settings, names: Sequence[str], author: str) -> list[str]:
    """Asks for a look at these mailboxes, or all; returns their names once Kafka has the words."""
    async with connected(settings) as connection:
        wanted = await enabled(connection, names)
    await request_looks(settings, wanted, author)
    return wanted


async def _all(settings: Settings) -> list[tuple[MailAccount, Standing]]:
    from postrail.configuration.load import mail_accounts

    async with connected(settings) as connection:
        accounts = await mail_accounts(connection)
        return await _with_standings(settings, connection, accounts)


async def _one(settings: Settings, name: str) -> tuple[MailAccount, Standing, list[FailedMail]]:
    from postrail.configuration.change import account_named
    from postrail.configuration.load import mail_accounts
    from postrail.views.mailboxes import recent_failures

    async with connected(settings) as connection:
        account = account_named(name, await mail_accounts(connection))
        ((_, standing),) = await _with_standings(settings, connection, [account])
        return account, standing, await recent_failures(connection, name, FAILURES_SHOWN)


async def _with_standings(
    settings: Settings, connection: Any, accounts: Sequence[MailAccount]
) -> list[tuple[MailAccount, Standing]]:
    from postrail.clock import SystemClock
    from postrail.views.mailboxes import nothing_known, standings

    after_seconds = settings.handler.unaccounted_after_seconds
    found = await standings(connection, SystemClock().now(), after_seconds)
    return [(one, found.get(one.name) or nothing_known(one.name)) for one in accounts]


def _switch(name: str, values: dict[str, Any], author: str, data: Data, json: bool) -> None:
    plan = complete(_change(load(data), name, values, author or login_name()))
    (change,) = plan.changes
    if json:
        show_json({"account": name, "action": change.action, **values})
        return
    words = ", ".join(f"{field}: {word(value)}" for field, value in values.items())
    already = "" if change.action == "changed" else " (as it was)"
    console().print(f"Account {name}: {words}{already}.", markup=False)
    for warning in plan.warnings:
        console().print(f"Warning: {warning}.", style="yellow", markup=False)
    for note in plan.notes:
        console().print(f"Note: {note}.", markup=False)


async def _change(settings: Settings, name: str, values: dict[str, Any], author: str) -> Plan:
    from postrail.clock import SystemClock
    from postrail.configuration.change import change_account
    from postrail.secrets import Secrets

    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        return await change_account(
            connection, name, values, secrets, author=author, now=SystemClock().now()
        )
