"""`postrail connections authorize`: a person signs in for a connection that uses OAuth2."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.configuration.change import thing_named
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.load import outgoing_connections
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.settings import Settings
from services.cli.commands.accounts.authorize import Paste, PortOption, sign_in
from services.cli.data_folder import Data
from services.cli.installation import complete, connected_to_own, load


def authorize(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connection.")],
    paste: Paste = False,
    port: PortOption = 0,
    data: Data = None,
) -> None:
    """Authorize an OAuth2 connection, or test a credential that needs no sign-in.

    The sender resumes by itself within seconds.

    Example: [bold]postrail connections authorize outgoing[/bold]
    """
    settings = load(data)
    connection = complete(_found(settings, name))
    sign_in(settings, connection, "send its messages", paste=paste, port=port)
    typer.echo(f"Connection {name} is authorized; the sender resumes by itself.")


async def _found(settings: Settings, name: str) -> OutgoingConnection:
    async with connected_to_own(settings) as connection:
        found = await outgoing_connections(connection)
        return thing_named(OUTGOING_CONNECTION, name, found)
