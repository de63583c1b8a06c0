"""`postrail topics`: the Kafka topics of this release."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.errors import ConfigurationError
from postrail.settings import KafkaSettings
from postrail.stream import topics as core
from services.cli.data_folder import Data
from services.cli.installation import load, refuse_observer
from services.cli.output import Json, show_json

topics = typer.Typer(no_args_is_help=True)


@topics.command("apply")
def apply_topics(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is missing or differs; change nothing.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Create missing topics, and report those that differ from what this release needs.

    Existing topics are altered in one way: their records get the broker's time.
    """
    settings = load(data)
    problems: list[str] = []
    if dry_run:
        check = core.check_topics(settings.kafka)
        done, problems = _would_apply(check, settings.kafka), check.problems
    else:
        refuse_observer(settings)
        done = core.apply_topics(settings.kafka)
    if json:
        show_json(
            {"dry_run": dry_run, "made": done.created, "altered": done.altered}
            | {"problems": problems}
        )
    else:
        for name in done.created:
            typer.echo(f"{'Would create' if dry_run else 'Created'} {name}")
        for name in done.altered:
            typer.echo(f"{'Would alter' if dry_run else 'Altered'} {name}")
        if not done.created and not done.altered and not problems:
            typer.echo("All topics exist as this release needs them.")
    if problems:
        raise ConfigurationError(
            "topics differ: " + "; ".join(problems),
            remedy="Change the settings to match the topics, or change the topics' configuration"
            " with your broker's tools",
        )


def _would_apply(check: core.TopicCheck, kafka: KafkaSettings) -> core.AppliedTopics:
    return core.AppliedTopics(
        created=[core.topic_name(topic, kafka) for topic in check.missing],
        altered=[core.topic_name(topic, kafka) for topic in check.to_alter],
    )
