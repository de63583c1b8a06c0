"""`postrail secrets`: the keys that encrypt stored passwords."""

from __future__ import annotations

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.operate.reseal import reseal as reseal_secrets
from postrail.secrets import Secrets, generate_key
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load_to_write
from services.cli.options import Author, author_name

secrets = typer.Typer(no_args_is_help=True)


@secrets.command("new-key")
def new_key() -> None:
    """Print a new random key for POSTRAIL_SECRETS__KEYS."""
    typer.echo(generate_key())


@secrets.command("reseal")
def reseal(author: Author = None, data: Data = None) -> None:
    """Encrypt all stored passwords with the first key, so that older keys can be removed."""
    settings = load_to_write(data)
    count = complete(_reseal(settings, author_name(author)))
    typer.echo(
        f"Encrypted {count} secrets with the first key."
        if count
        else "All secrets are encrypted with the first key already."
    )


async def _reseal(settings: Settings, author: str) -> int:
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await reseal_secrets(connection, Secrets(settings.secrets), author=author, now=now)
