"""`postrail topics`: the Kafka topics of this release."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.errors import ConfigurationError
from postrail.stream import topics as core
from services.cli.data_folder import Data
from services.cli.installation import load, refuse_observer
from services.cli.output import Json, show_json

topics = typer.Typer(no_args_is_help=True)


@topics.command("apply")
def apply_topics(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is missing or differs; create nothing.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Create missing topics, and report those that differ from what this release needs."""
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
            typer.echo(f"{'Would create' if dry_run else 'Created'} {name}")
        if not names and not problems:
            typer.echo("All topics exist as this release needs them.")
    if problems:
        raise ConfigurationError(
            "topics differ: " + "; ".join(problems),
            remedy="Change the settings to match the topics, or change the topics' configuration"
            " with your broker's tools",
        )
