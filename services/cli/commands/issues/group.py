"""Defines the group of `postrail issues` commands; each of the other modules adds some to it."""

from __future__ import annotations

from typing import Annotated

import typer

issues = typer.Typer(no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of an issue, for example HELP-1.")]

# Each of these modules adds its commands to the group.
import services.cli.commands.issues.attachments  # noqa: E402
import services.cli.commands.issues.comment  # noqa: E402
import services.cli.commands.issues.create  # noqa: E402
import services.cli.commands.issues.edit  # noqa: E402
import services.cli.commands.issues.history  # noqa: E402
import services.cli.commands.issues.link  # noqa: E402
import services.cli.commands.issues.list  # noqa: E402
import services.cli.commands.issues.mailing.mail  # noqa: E402
import services.cli.commands.issues.move  # noqa: E402
import services.cli.commands.issues.show  # noqa: E402
import services.cli.commands.issues.watch  # noqa: E402, F401
