"""`postrail demo`: writes mails to the installation that `postrail up --demo` runs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.installation import Data, adopted_folder, complete, load_to_write

if TYPE_CHECKING:
    from postrail.embedded.endpoints import Endpoints

demo = typer.Typer(name="demo", no_args_is_help=True, help="Mails for a running demo.")


@demo.callback()
def _demo() -> None:
    """Mails for a running demo."""


@demo.command("send")
def send(
    subject: Annotated[str, typer.Argument(help="The subject of the mail.")],
    text: Annotated[str, typer.Argument(help="What it says.")],
    sender: Annotated[
        str, typer.Option("--from", help="Who writes: a name, or a whole address.")
    ] = "ada",
    data: Data = None,
) -> None:
    """Send a mail to the demo's mailbox.

    Example: [bold]postrail demo send "No coffee" "The machine on floor 1 is broken."[/bold]
    """
    endpoints = _endpoints(data)
    message_id = complete(_send(endpoints, sender, subject, text))
    option = f" --data {shlex.quote(str(data))}" if data else ""
    typer.echo(f"Sent {message_id}. See what becomes of it: postrail mails list{option}")


def _endpoints(data: Data) -> Endpoints:
    from postrail.embedded.endpoints import read_endpoints

    load_to_write(data)
    folder = adopted_folder()
    if folder is None:
        raise ConfigurationError(
            "there is no demo here", remedy="Start one: postrail up --demo, or name it with --data"
        )
    return read_endpoints(folder)


async def _send(endpoints: Endpoints, sender: str, subject: str, text: str) -> str:
    from datetime import UTC, datetime

    from services.cli.demo.mail_server import DemoPost, full_address
    from services.cli.demo.mails import write

    address = full_address(sender)
    mail = write((address.partition("@")[0].title(), address), subject, text, datetime.now(UTC))
    post = DemoPost(endpoints, "")
    try:
        await post.send(mail, address)
    finally:
        await post.close()
    return str(mail["Message-ID"])
