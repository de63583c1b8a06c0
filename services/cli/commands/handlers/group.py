"""`postrail handlers`: which messages become what, in the order in which handlers are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from postrail.configuration import load
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.yaml_write import item_text, written_values
from postrail.errors import PermanentError
from postrail.settings import Settings
from services.cli.commands.handlers.check import check_messages
from services.cli.data_folder import Data
from services.cli.installation import complete, connected
from services.cli.installation import load as settings_of
from services.cli.output import Json, show_body, show_fields, show_json, show_table

handlers = typer.Typer(no_args_is_help=True)


class HandlerNotFound(PermanentError):
    """No mail handler has the name."""


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
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a mail handler.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Show a mail handler as it stands in a file, and the accounts that it serves.

    Example: [bold]postrail handlers show bugs[/bold]
    """
    found = complete(_configured(settings_of(data)))
    handler = _named(name, found)
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


def _place(handler: MailHandler, account: str, found: Configured) -> str:
    """Returns when an account asks the handler, such as `2 of 3 in help`."""
    asked = [one.name for one in found.handlers if one.serves(account)]
    return f"{asked.index(handler.name) + 1} of {len(asked)} in {account}"


def _named(name: str, found: Configured) -> MailHandler:
    for one in found.handlers:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in found.handlers)
    remedy = f"Use one of: {names}" if names else "Add one to a file and run: postrail apply"
    raise HandlerNotFound(f"there is no mail handler {name}", remedy=remedy)


def _as_json(handler: MailHandler, found: Configured) -> dict[str, Any]:
    """Returns what a file would say of a handler, with all that it leaves out."""
    values = handler.model_dump() | {"asked_by": found.served(handler)}
    return values | {"written": written_values(handler)}


async def _configured(settings: Settings) -> Configured:
    async with connected(settings) as connection:
        return Configured(
            handlers=await load.mail_handlers(connection),
            accounts=[one.name for one in await load.mail_accounts(connection)],
        )
