"""`postrail connections`: the mail servers that send our messages."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.configuration.change import change_things, thing_named
from postrail.configuration.connections import acts
from postrail.configuration.connections.acts import Disabled
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.plan import Plan
from postrail.operate import connections as operate
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.views.connections.statuses import ConnectionStatus, connection_statuses
from services.cli.commands.connections.authorize import authorize
from services.cli.commands.connections.display import as_object, fields, print_list
from services.cli.commands.connections.test import check_connection, send_test_message
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.options import Author, author_name
from services.cli.output import Json, show_fields, show_json
from services.cli.switched import OnOff, Switch, show_switched, show_values

connections = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The connection.")]


@connections.command("list")
def list_connections(data: Data = None, json: Json = False) -> None:
    """List the connections with their state, and the number of messages that wait for each."""
    found = complete(_all(load(data)))
    if json:
        show_json([as_object(one, status) for one, status in found])
        return
    print_list(found)


@connections.command("show")
def show_connection(name: Name, data: Data = None, json: Json = False) -> None:
    """Show the attributes of a connection, what uses it, and its status.

    Example: [bold]postrail connections show outgoing[/bold]
    """
    found = complete(_all(load(data)))
    one = thing_named(OUTGOING_CONNECTION, name, [one for one, _ in found])
    status = next(status for other, status in found if other is one)
    if json:
        show_json(as_object(one, status))
        return
    show_fields(fields(one, status))


connections.command("test")(check_connection)
connections.command("send-test")(send_test_message)
connections.command("authorize")(authorize)


@connections.command("default")
def make_default(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Make a connection the default one, which serves all that names no connection.

    Example: [bold]postrail connections default outgoing[/bold]
    """
    plan = complete(_make_default(load(data), name, author_name(author)))
    values = {"is_default": True}
    show_switched("connection", name, plan, values, json=json)


@connections.command("enable")
def enable(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Send over the connection; the sender begins within seconds."""
    _switch(name, {"enabled": True}, author, data, json)


@connections.command("disable")
def disable(
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Also if it is used; messages go over others then.")
    ] = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Stop sending over a connection that nothing uses; it may be enabled again.

    With [bold]--force[/bold], also one that is used: for an emergency. In the place of the default
    one, its fallback or else another enabled connection becomes the default.
    """
    done = complete(_disable(load(data), name, author_name(author), force=force))
    values: dict[str, Any] = {"enabled": False}
    if done.new_default:
        values["new_default"] = done.new_default
    show_values("connection", name, values, changed=done.changed, json=json)


@connections.command("delete")
def delete(name: Name, author: Author = None, data: Data = None, json: Json = False) -> None:
    """Delete a connection that nothing uses, with its tokens.

    Messages that wait for it go over their project's connection, or over the default one.
    """
    complete(_delete(load(data), name, author_name(author)))
    if json:
        show_json({"connection": name, "action": "deleted"})
        return
    typer.echo(f"Connection {name} is deleted.")


@connections.command("debug")
def debug(
    name: Name,
    on: Switch,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Log the dialogue with the connection's server in the sender's log, or stop logging it.

    Passwords, tokens and the texts of messages are left out. The sender follows within seconds.

    Example: [bold]postrail connections debug outgoing on[/bold]
    """
    _switch(name, {"debug": on is OnOff.ON}, author, data, json)


async def _all(settings: Settings) -> list[tuple[Any, ConnectionStatus]]:
    async with connected(settings) as connection:
        return list(await connection_statuses(connection))


async def _make_default(settings: Settings, name: str, author: str) -> Plan:
    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await acts.make_default(connection, name, secrets, author=author, now=now)


async def _disable(settings: Settings, name: str, author: str, *, force: bool) -> Disabled:
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await acts.disable(connection, name, force=force, author=author, now=now)


async def _delete(settings: Settings, name: str, author: str) -> None:
    async with connected(settings) as connection:
        await operate.delete(connection, name, author=author, now=await time_of(connection))


def _switch(name: str, values: dict[str, Any], author: str | None, data: Data, json: bool) -> None:
    plan = complete(_change(load(data), name, values, author_name(author)))
    show_switched("connection", name, plan, values, json=json)


async def _change(settings: Settings, name: str, values: dict[str, Any], author: str) -> Plan:
    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await change_things(
            connection, OUTGOING_CONNECTION, {name: values}, secrets, author=author, now=now
        )
