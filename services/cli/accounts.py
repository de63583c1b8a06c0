"""`postrail accounts …`: the mail accounts of an installation."""

from __future__ import annotations

import typer

from services.cli.authorize import authorize

accounts = typer.Typer(name="accounts", no_args_is_help=True, help="Mail accounts.")


@accounts.callback()
def _accounts() -> None:
    """Mail accounts."""


accounts.command("authorize")(authorize)
