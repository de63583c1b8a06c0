"""`postrail demo`: sends messages to the installation that `postrail up --demo` runs."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Annotated

import typer

from postrail.embedded.endpoints import Endpoints, read_endpoints
from postrail.errors import ConfigurationError
from services.cli.data_folder import Data, adopted_folder
from services.cli.demo.mail_server import DemoMailServer, full_address
from services.cli.demo.messages import write
from services.cli.installation import complete, load_to_write

demo = typer.Typer(no_args_is_help=True)


@demo.command("send")
def send(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The subject of the message.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text of the message.")],
    sender: Annotated[
        str, typer.Option("--from", help="The sender: a name, or a whole address.")
    ] = "ada",
    data: Data = None,
) -> None:
    """Send a message to the demo's mailbox.

    Example: [bold]postrail demo send "No coffee" "The machine on floor 1 is broken."[/bold]
    """
    endpoints = _endpoints(data)
    message_id = complete(_send(endpoints, sender, subject, text))
    option = f" --data {shlex.quote(str(data))}" if data else ""
    typer.echo(f"Sent {message_id}. To see what becomes of it: postrail mail list{option}")


def _endpoints(data: Data) -> Endpoints:
    load_to_write(data)
    folder = adopted_folder()
    if folder is None:
        raise ConfigurationError(
            "there is no demo here",
            remedy="Start one with postrail up --demo, or name its folder with --data",
        )
    return read_endpoints(folder)


async def _send(endpoints: Endpoints, sender: str, subject: str, text: str) -> str:
    address = full_address(sender)
    name = address.partition("@")[0].title()
    message = write((name, address), subject, text, datetime.now(UTC))
    server = DemoMailServer(endpoints, "")
    try:
        await server.send(message, address)
    finally:
        await server.close()
    return str(message["Message-ID"])
