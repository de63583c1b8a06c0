"""`postrail accounts`: the mail accounts whose mailboxes are watched."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.change import account_named, change_things
from postrail.configuration.plan import Plan
from postrail.operate.check_mailbox import check_mailboxes
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.views.mailboxes import AccountStatus, FailedMail, account_statuses, recent_failures
from services.cli.commands.accounts.authorize import authorize
from services.cli.commands.accounts.display import (
    as_object,
    attributes,
    print_failures,
    print_list,
    status_fields,
)
from services.cli.commands.accounts.reconcile import backfill, reconcile
from services.cli.commands.accounts.test import check_account
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write, shared_clock
from services.cli.options import Author, Everything, Names, author_name, chosen
from services.cli.output import Json, show_fields, show_json
from services.cli.switched import OnOff, Switch, show_switched

FAILURES_SHOWN = 10


accounts = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account.")]


@accounts.command("list")
def list_accounts(data: Data = None, json: Json = False) -> None:
    """List the accounts with their state, last contact and problems."""
    found = complete(_all(load(data)))
    if json:
        show_json([as_object(account, status) for account, status in found])
        return
    print_list(found)


@accounts.command("show")
def show_account(name: Name, data: Data = None, json: Json = False) -> None:
    """Show the attributes of an account, the status of its mailbox and its last failures.

    Example: [bold]postrail accounts show help[/bold]
    """
    (account, status), failures = complete(_one(load(data), name))
    if json:
        show_json({**as_object(account, status), "failures": failures})
        return
    show_fields([*attributes(account).items(), *status_fields(status)])
    if failures:
        typer.echo("\nLast failures:")
        print_failures(failures)


accounts.command("test")(check_account)
accounts.command("authorize")(authorize)
accounts.command("reconcile")(reconcile)
accounts.command("backfill")(backfill)


@accounts.command("enable")
def enable(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Watch the account's mailbox; the fetcher begins within seconds."""
    _switch(name, {"enabled": True}, author, data, json)


@accounts.command("disable")
def disable(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Stop watching the account's mailbox; its messages stay there until it is enabled again."""
    _switch(name, {"enabled": False}, author, data, json)


@accounts.command("debug")
def debug(
    name: Name,
    on: Switch,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Log the dialogue with the account's server in the fetcher's log, or stop logging it.

    Passwords, tokens and the contents of messages are left out. The fetcher follows within seconds.

    Example: [bold]postrail accounts debug help on[/bold]
    """
    _switch(name, {"debug": on is OnOff.ON}, author, data, json)


@accounts.command("fetch")
def fetch(
    names: Names = None,
    everything: Everything = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Poll mailboxes now, without waiting for their timers.

    Example: [bold]postrail accounts fetch help sales[/bold]
    """
    settings = load_to_write(data)
    requested = complete(
        check_mailboxes(
            lambda: connected(settings),
            settings.kafka,
            chosen(names, everything),
            author=author_name(author),
            clock=complete(shared_clock(settings)),
        )
    )
    if json:
        show_json({"requested": requested})
    elif requested:
        typer.echo(f"Asked the fetcher to poll: {', '.join(requested)}")
    else:
        typer.echo("No account is enabled.")


async def _all(settings: Settings) -> list[AccountStatus]:
    after_seconds = settings.handler.unaccounted_after_seconds
    async with connected(settings) as connection:
        return await account_statuses(connection, await time_of(connection), after_seconds)


async def _one(settings: Settings, name: str) -> tuple[AccountStatus, list[FailedMail]]:
    after_seconds = settings.handler.unaccounted_after_seconds
    async with connected(settings) as connection:
        found = await account_statuses(connection, await time_of(connection), after_seconds)
        account = account_named(name, [account for account, _ in found])
        one = next(pair for pair in found if pair[0] is account)
        return one, await recent_failures(connection, name, FAILURES_SHOWN)


def _switch(name: str, values: dict[str, Any], author: str | None, data: Data, json: bool) -> None:
    plan = complete(_change(load(data), name, values, author_name(author)))
    show_switched("account", name, plan, values, json=json)


async def _change(settings: Settings, name: str, values: dict[str, Any], author: str) -> Plan:
    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await change_things(
            connection, MAIL_ACCOUNT, {name: values}, secrets, author=author, now=now
        )
