"""`postrail contexts`: how messages about some issues are sent, in the order of the contexts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.configuration import load as configured
from postrail.configuration.change import change_things, thing_named
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.contexts.kind import CONTEXT
from postrail.configuration.plan import Plan
from postrail.configuration.yaml_write import item_text
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.views.contexts.match import ContextMatch, context_match
from services.cli.commands.contexts.check import check
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.options import Author, author_name
from services.cli.output import Json, show_body, show_fields, show_json, show_table
from services.cli.switched import show_switched

contexts = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The context.")]


@contexts.command("list")
def list_contexts(data: Data = None, json: Json = False) -> None:
    """List the contexts in the order in which they are asked; the first that has an issue decides.

    Example: [bold]postrail contexts list[/bold]
    """
    found = complete(_all(load(data)))
    if json:
        show_json(found)
        return
    show_table(
        ["Order", "Context", "State", "Scope", "Connection", "From", "Description"],
        [
            (
                one.order,
                one.name,
                _state(one),
                one.scope or "every issue",
                one.connection or "the project's",
                one.from_address or one.from_name,
                one.description,
            )
            for one in found
        ],
        empty="No contexts: messages go over their project's connection, or the default one.",
    )


@contexts.command("show")
def show_context(name: Name, data: Data = None, json: Json = False) -> None:
    """Show a context as it stands in a file.

    Example: [bold]postrail contexts show vip[/bold]
    """
    found = complete(_all(load(data)))
    one = thing_named(CONTEXT, name, found)
    if json:
        show_json(one)
        return
    enabled = [other.name for other in found if other.enabled]
    asked = f"{enabled.index(name) + 1} of {len(enabled)}" if one.enabled else "never"
    show_fields([("Context", one.name), ("State", _state(one)), ("Asked", asked)])
    typer.echo()
    show_body(item_text(one))


@contexts.command("enable")
def enable(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Let a context decide again about messages from now on; services follow within seconds."""
    _switch(name, {"enabled": True}, author, data, json)


@contexts.command("disable")
def disable(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Let a context decide about no messages; its settings stay.

    Messages that wait go over their project's connection, or over the default one.
    """
    _switch(name, {"enabled": False}, author, data, json)


@contexts.command("match")
def match_issue(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key of an issue.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Show which context an issue has, and why it has none of those before.

    Example: [bold]postrail contexts match HELP-7[/bold]
    """
    found = complete(_match(load(data), key.upper()))
    if json:
        show_json(found)
        return
    sender = f"{found.from_name} <{found.from_address}>" if found.from_name else found.from_address
    show_fields(
        [
            ("Issue", found.issue_key),
            *(("Not " + one.context, one.reason) for one in found.passed_over),
            ("Context", found.context or "none: its project decides"),
            ("Connection", found.connection or "none is enabled: nothing is sent"),
            ("From", sender),
        ]
    )


contexts.command("check")(check)


async def _all(settings: Settings) -> list[MessageContext]:
    async with connected(settings) as connection:
        return await configured.contexts(connection)


async def _match(settings: Settings, key: str) -> ContextMatch:
    async with connected(settings) as connection:
        return await context_match(connection, key, await time_of(connection))


def _state(context: MessageContext) -> str:
    return "enabled" if context.enabled else "disabled"


def _switch(name: str, values: dict[str, Any], author: str | None, data: Data, json: bool) -> None:
    plan = complete(_change(load(data), name, values, author_name(author)))
    show_switched("context", name, plan, values, json=json)


async def _change(settings: Settings, name: str, values: dict[str, Any], author: str) -> Plan:
    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await change_things(
            connection, CONTEXT, {name: values}, secrets, author=author, now=now
        )
