"""`postrail handlers`: which messages become what, in the order in which handlers are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.configuration import load
from postrail.configuration.change import change_things, handler_named
from postrail.configuration.handlers.kind import MAIL_HANDLER
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.plan import Plan
from postrail.configuration.yaml_write import item_text, written_values
from postrail.secrets import Secrets
from postrail.settings import Settings
from services.cli.commands.handlers.check import check_messages
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load_to_write
from services.cli.installation import load as settings_of
from services.cli.options import Author, author_name
from services.cli.output import Json, show_body, show_fields, show_json, show_table
from services.cli.switched import show_switched

handlers = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a mail handler.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Configured:
    """The mail handlers in their order, and the names of the mail accounts."""

    handlers: list[MailHandler]
    accounts: list[str]

    def served(self, handler: MailHandler) -> list[str]:
        """Returns the names of the accounts whose messages the handler is asked about."""
        return [name for name in self.accounts if handler.serves(name)]


@handlers.command("list")
def list_handlers(
    account: Annotated[
        str | None, typer.Option("--account", help="Only handlers of this mail account.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the mail handlers in the order in which they are asked.

    Example: [bold]postrail handlers list --account help[/bold]
    """
    found = complete(_configured(settings_of(data)))
    listed = [one for one in found.handlers if account is None or one.serves(account)]
    if json:
        show_json([_as_json(one, found) for one in listed])
        return
    show_table(
        ["Order", "Handler", "State", "Accounts", "Kind", "Project", "Description"],
        [
            (
                one.order,
                one.name,
                "enabled" if one.enabled else "disabled",
                one.accounts or "all",
                one.kind,
                one.project,
                one.description,
            )
            for one in listed
        ],
        empty="No handlers: each message becomes an issue of its account's project, or a comment.",
    )


@handlers.command("show")
def show_handler(
    name: Name,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show a mail handler as it stands in a file, and the accounts that it serves.

    Example: [bold]postrail handlers show bugs[/bold]
    """
    found = complete(_configured(settings_of(data)))
    handler = handler_named(name, found.handlers)
    if json:
        show_json(_as_json(handler, found))
        return
    served = found.served(handler)
    show_fields(
        [
            ("Handler", handler.name),
            ("State", "enabled" if handler.enabled else "disabled: it takes no message"),
            ("Accounts", served or "none"),
            ("Asked", [_place(handler, account, found) for account in served]),
        ]
    )
    typer.echo()
    show_body(item_text(handler))


handlers.command("test")(check_messages)


@handlers.command("enable")
def enable(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Let a mail handler take messages again; running services follow within seconds."""
    _switch(name, {"enabled": True}, author, data, json)


@handlers.command("disable")
def disable(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Let a mail handler take no messages; its settings stay.

    When all handlers of an account are disabled, its messages are ignored, and can be released
    later with postrail mail release.
    """
    _switch(name, {"enabled": False}, author, data, json)


def _switch(name: str, values: dict[str, Any], author: str | None, data: Data, json: bool) -> None:
    plan = complete(_change(load_to_write(data), name, values, author_name(author)))
    show_switched("handler", name, plan, values, json=json)


async def _change(settings: Settings, name: str, values: dict[str, Any], author: str) -> Plan:
    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await change_things(
            connection, MAIL_HANDLER, {name: values}, secrets, author=author, now=now
        )


def _place(handler: MailHandler, account: str, found: Configured) -> str:
    """Returns when an account asks the handler, such as `2 of 3 in help`."""
    asked = [one.name for one in found.handlers if one.serves(account)]
    return f"{asked.index(handler.name) + 1} of {len(asked)} in {account}"


def _as_json(handler: MailHandler, found: Configured) -> dict[str, Any]:
    """Returns what a file would say of a handler, with all that it leaves out."""
    values = handler.model_dump() | {"asked_by": found.served(handler)}
    return values | {"written": written_values(handler)}


async def _configured(settings: Settings) -> Configured:
    async with connected(settings) as connection:
        return Configured(
            handlers=await load.mail_handlers(connection),
            accounts=[
                one.name for one in await load.mail_accounts(connection) if one.purpose == "issues"
            ],
        )
