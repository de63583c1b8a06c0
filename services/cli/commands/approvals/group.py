"""Defines the group of `postrail approvals` commands; each of the other modules adds some to it."""

from __future__ import annotations

from typing import Annotated

import typer

approvals = typer.Typer(no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="REQUEST", help="The request, for example A-12.")]

# Each of these modules adds its commands to the group.
import services.cli.commands.approvals.acts  # noqa: E402
import services.cli.commands.approvals.delegate  # noqa: E402
import services.cli.commands.approvals.list  # noqa: E402
import services.cli.commands.approvals.lost  # noqa: E402
import services.cli.commands.approvals.request  # noqa: E402
import services.cli.commands.approvals.show  # noqa: E402
import services.cli.commands.approvals.test  # noqa: E402
import services.cli.commands.approvals.verify  # noqa: E402, F401
