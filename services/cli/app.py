"""The command line: its commands, its options, and how an error becomes a message and a code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_group

from postrail import __version__
from postrail.errors import ConfigurationError, PipelineError, TransientError
from services.cli.commands import COMMANDS
from services.cli.data_folder import adopted_folder
from services.cli.lazy_group import LazyGroup
from services.cli.visible import clean

FAILED = 1
WRONG_USE = 2

# The settings without which hardly any command works.
ADDRESSES = ("POSTRAIL_DATABASE__URL", "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS")

app = typer.Typer(
    name="postrail",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 success, 1 failure, 2 wrong usage or configuration."
    " Every command has --help.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"postrail {__version__}")
        raise typer.Exit


@app.callback()
def postrail(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Turn mail into issues and comments, and issues into mail.

    Commands work on the installation that [bold]postrail up[/bold] made in --data,
    POSTRAIL_DATA or ./postrail-data; without such a folder, on the servers of
    POSTRAIL_KAFKA__BOOTSTRAP_SERVERS, POSTRAIL_DATABASE__URL and so on.
    """


def command_group() -> TyperGroup:
    """Returns the whole command line."""
    group = get_group(app)
    for command in COMMANDS:
        group.add_command(command)
    return group


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; wrong usage ends with click's own code 2."""
    # The libraries log for services; a command reports its errors itself.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        command_group()(args=arguments, prog_name="postrail")
    except PipelineError as error:
        _explain(error)
        return WRONG_USE if isinstance(error, ConfigurationError) else FAILED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except BrokenPipeError:
        # The program that read our output, such as `head`, has closed it.
        sys.stderr.close()
        return FAILED
    return 0


def _explain(error: PipelineError) -> None:
    """Prints the problem, the setting and the remedy, each on its line."""
    typer.echo(typer.style("Error: ", fg="red", bold=True) + clean(error.problem), err=True)
    if error.setting:
        typer.echo(clean(f"Setting: {error.setting}"), err=True)
    if error.remedy:
        typer.echo(clean(f"Remedy: {error.remedy}"), err=True)
    folder = adopted_folder()
    if folder is None and error.setting in ADDRESSES and error.setting not in os.environ:
        typer.echo(
            "It is not set, and this folder has no installation of `postrail up`: start one, give"
            " its folder with --data, or set it.",
            err=True,
        )
    if folder is not None and isinstance(error, TransientError) and error.setting in ADDRESSES:
        typer.echo(
            f"The addresses are those of {folder}: is `postrail up --data {folder}` running?",
            err=True,
        )
