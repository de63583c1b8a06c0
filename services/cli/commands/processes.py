"""`postrail run`, `migrate` and `topics`: processes, tables and topics of an installation."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.installation import Data, complete, load, refuse_observer
from services.cli.output import Json, show_json


class Service(StrEnum):
    """The services that `postrail run` starts."""

    FETCHER = "fetcher"
    PARSER = "parser"
    HANDLER = "handler"
    SENDER = "sender"
    MONITOR = "monitor"


topics = typer.Typer(name="topics", no_args_is_help=True, help="Topics of Kafka.")


@topics.callback()
def _topics() -> None:
    """Topics of Kafka."""


def run(
    service: Annotated[Service, typer.Argument(help="The service to run.", show_choices=True)],
    data: Data = None,
) -> None:
    """Run one service in this process until Ctrl-C or SIGTERM.

    Example: [bold]postrail run handler[/bold]
    """
    load(data)
    arguments = [sys.executable, "-m", f"services.{service.value}"]
    sys.stdout.flush()
    os.execv(sys.executable, arguments)  # noqa: S606  This process becomes the service.


def migrate(data: Data = None) -> None:
    """Bring the database's tables to this release."""
    from postrail import instance as ownership
    from postrail.clock import SystemClock

    settings = load(data)
    refuse_observer(settings)
    names = complete(ownership.migrate(settings.database, settings.instance, SystemClock().now()))
    for name in names:
        typer.echo(f"Applied {name}")
    if not names:
        typer.echo("The database has all migrations of this release.")


@topics.command("apply")
def apply_topics(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is missing or differs, and make nothing.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make the topics that are missing; refuse ones that differ from what this release needs."""
    from postrail.stream import topics as core

    settings = load(data)
    if dry_run:
        missing, problems = core.check_topics(settings.kafka)
        names = [core.topic_name(topic, settings.kafka) for topic in missing]
    else:
        refuse_observer(settings)
        problems, names = [], core.apply_topics(settings.kafka)
    if json:
        show_json({"dry_run": dry_run, "made": names, "problems": problems})
    else:
        for name in names:
            typer.echo(f"{'Would make' if dry_run else 'Made'} {name}")
        if not names and not problems:
            typer.echo("All topics are there, as this release needs them.")
    if problems:
        raise ConfigurationError(
            "topics differ: " + "; ".join(problems),
            remedy="Change the settings to what the topics have, or the topics' configuration with"
            " your broker's tools",
        )
