"""All commands in their groups, and what an error becomes: one message and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from postrail.errors import ConfigurationError, PipelineError, TransientError
from services.cli.commands import (
    blobs,
    configure,
    dead,
    demo,
    doctor,
    export,
    instance,
    issues,
    outgoing,
    parse,
    status,
    up,
)
from services.cli.commands import mail as mails
from services.cli.commands import processes as operate
from services.cli.commands.accounts import group as accounts
from services.cli.installation import adopted_folder

FAILED = 1
WRONG_USE = 2

SET_UP = "Set up"
RUN = "Run"
LOOK = "Look and act"

app = typer.Typer(
    name="postrail",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use or configuration. Every command has --help.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from postrail import __version__

        typer.echo(f"postrail {__version__}")
        raise typer.Exit


@app.callback()
def postrail(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Mail becomes issues and comments, issues become mail; no mail is lost or takes effect twice.

    Commands work on the installation that [bold]postrail up[/bold] made in --data, POSTRAIL_DATA or
    ./postrail-data; elsewhere on the one that POSTRAIL_KAFKA__BOOTSTRAP_SERVERS,
    POSTRAIL_DATABASE__URL and the other settings name.
    """


app.command("init", rich_help_panel=SET_UP)(configure.init)
app.command("apply", rich_help_panel=SET_UP)(configure.apply)
app.command("export", rich_help_panel=SET_UP)(export.export)
app.command("migrate", rich_help_panel=SET_UP)(operate.migrate)
app.add_typer(operate.topics, rich_help_panel=SET_UP)
app.add_typer(configure.secrets, rich_help_panel=SET_UP)
app.add_typer(instance.instance, rich_help_panel=SET_UP)
app.command("up", rich_help_panel=RUN)(up.up)
app.command("run", rich_help_panel=RUN)(operate.run)
app.add_typer(demo.demo, rich_help_panel=RUN)
app.command("status", rich_help_panel=LOOK)(status.status)
app.command("doctor", rich_help_panel=LOOK)(doctor.doctor)
app.add_typer(accounts.accounts, rich_help_panel=LOOK)
app.add_typer(issues.issues, rich_help_panel=LOOK)
app.add_typer(mails.mails, rich_help_panel=LOOK)
app.add_typer(outgoing.outgoing, rich_help_panel=LOOK)
app.add_typer(dead.dead, rich_help_panel=LOOK)
app.add_typer(blobs.blobs, rich_help_panel=LOOK)
app.command("parse", rich_help_panel=LOOK)(parse.parse)

# What commands need first of all.
ADDRESSES = ("POSTRAIL_DATABASE__URL", "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS")


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; wrong use ends in click's own code 2."""
    # What the libraries log is for services; a command says itself what went wrong.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        app(args=arguments, prog_name="postrail")
    except PipelineError as error:
        _explain(error)
        return WRONG_USE if isinstance(error, ConfigurationError) else FAILED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except BrokenPipeError:
        # Whoever read our output has seen enough, such as `head`.
        sys.stderr.close()
        return FAILED
    return 0


def _explain(error: PipelineError) -> None:
    """The problem, the setting and the remedy, each on its line."""
    typer.echo(typer.style("Error: ", fg="red", bold=True) + error.problem, err=True)
    if error.setting:
        typer.echo(f"Setting: {error.setting}", err=True)
    if error.remedy:
        typer.echo(f"Remedy: {error.remedy}", err=True)
    folder = adopted_folder()
    if folder is None and error.setting in ADDRESSES and error.setting not in os.environ:
        typer.echo(
            "It is not set, and no `postrail up` runs in this folder: start one, name its folder"
            " with --data, or set it.",
            err=True,
        )
    if folder is not None and isinstance(error, TransientError):
        typer.echo(
            f"The addresses are those of {folder}: is `postrail up --data {folder}` running?",
            err=True,
        )
