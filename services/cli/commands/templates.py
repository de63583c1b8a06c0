"""`postrail templates`: the texts of messages, and how a message would look."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from postrail.blobs import BlobStore
from postrail.configuration.load import load_snapshot
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.errors import ConfigurationError, PermanentError
from postrail.notifications.templates.render import default_source
from postrail.operate.template_preview import Preview, preview
from postrail.rendering.events import DESCRIPTIONS, MessageEvent
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, connected_to_read, load
from services.cli.output import Json, show_json, show_table
from services.cli.visible import clean

templates = typer.Typer(no_args_is_help=True)

# `show` prints the default templates by this name.
DEFAULT = "default"
SOURCES = {"text": "txt", "html": "html"}


@templates.command("list")
def list_templates(data: Data = None, json: Json = False) -> None:
    """List the events that messages report, with the templates that are configured for them.

    Example: [bold]postrail templates list[/bold]
    """
    found = complete(_templates(load(data)))
    if json:
        show_json(found)
        return
    lines = []
    for event in MessageEvent:
        own = [one for one in found if one.event == event]
        lines += [
            (event.value, one.name, one.project or "all", one.language or "all", _used(one))
            for one in own
        ]
        lines.append((event.value, DEFAULT, "all", "all", DESCRIPTIONS[event]))
    show_table(["Event", "Template", "Project", "Language", "What it does"], lines, empty="")


@templates.command("show")
def show_template(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A template, or default for the text of ours.")
    ],
    html: Annotated[bool, typer.Option("--html", help="Print the HTML of it.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Print the source of a template.

    Example: [bold]postrail templates show default[/bold]
    """
    found = complete(_templates(load(data)))
    own = next((one for one in found if one.name == name), None)
    if own is None and name != DEFAULT:
        raise PermanentError(
            f"there is no template {name!r}", remedy="List them with: postrail templates list"
        )
    if own is None:
        ours = {one: default_source(f"message.{kind}") for one, kind in SOURCES.items()}
        if json:
            show_json({"name": DEFAULT} | ours)
        else:
            typer.echo(ours["html" if html else "text"])
    elif json:
        show_json(own)
    elif html:
        typer.echo(own.html or f"{name} has no HTML of its own: it is made from its text.")
    else:
        typer.echo(f"Subject: {own.subject}\n\n{own.text}")


@templates.command("preview")
def preview_template(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key of an issue.")],
    event: Annotated[
        MessageEvent | None, typer.Option("--event", help="What the message reports.")
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help="A template by its name, such as a canned answer.")
    ] = "",
    language: Annotated[
        str, typer.Option("--language", help="A language, such as de; else the project's.")
    ] = "",
    html: Annotated[bool, typer.Option("--html", help="Print the HTML.")] = False,
    browser: Annotated[bool, typer.Option("--open", help="Open it in a web browser.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what a message about an issue would look like; nothing is sent.

    Example: [bold]postrail templates preview HELP-7 --event commented --open[/bold]
    """
    if bool(event) == bool(template):
        raise ConfigurationError(
            "a preview is of an event or of a template",
            remedy="Give one of --event and --template",
        )
    made = complete(_preview(load(data), key, event, language, template))
    if made.fault:
        typer.echo(clean(f"The default template stands in: {made.fault}"), err=True)
    if json:
        show_json(made)
    elif browser:
        _open(made)
    elif html:
        typer.echo(clean(made.html))
    else:
        typer.echo(clean(f"Subject: {made.subject}\n\n{made.text}"), nl=False)


def _used(template: MessageTemplate) -> str:
    return "" if template.enabled else "disabled"


def _open(made: Preview) -> None:
    """Writes the HTML to a file that stays, since the browser reads it later, and opens it."""
    with tempfile.NamedTemporaryFile(
        "w", suffix=".html", prefix="postrail-", encoding="utf-8", delete=False
    ) as file:
        file.write(made.html)
    if not webbrowser.open(Path(file.name).as_uri()):
        typer.echo(f"There is no web browser here; the message is in {file.name}")


async def _templates(settings: Settings) -> list[MessageTemplate]:
    async with connected(settings) as connection:
        return list((await load_snapshot(connection)).templates)


async def _preview(
    settings: Settings, key: str, event: MessageEvent | None, language: str, template: str
) -> Preview:
    async with connected_to_read(settings) as connection:
        blobs = BlobStore(settings.blobs.url)
        return await preview(
            connection, blobs, key.upper(), event, language=language, template=template
        )
