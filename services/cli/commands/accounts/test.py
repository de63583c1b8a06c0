"""`postrail accounts test`: tests a mail account step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.yaml_read import parse_file
from postrail.database import one_connection
from postrail.errors import ConfigurationError
from postrail.oauth.tokens import AccessTokens
from postrail.operate.test_account import (
    Candidate,
    file_candidates,
    stored_candidate,
    test_account,
)
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.wire.timed_steps import Step
from services.cli.commands.accounts.steps import shown_steps
from services.cli.data_folder import Data
from services.cli.installation import complete, connected_to_own, load, shared_clock
from services.cli.options import name_of, read_text
from services.cli.output import Json, show_json

FAILED = 1


def check_account(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The account; with -f and without a name, all of the file."
        ),
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Test accounts of this file; - reads stdin."
        ),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Test an account as it is stored or as a file describes it; nothing is stored or changed.

    Exit code 1 when a step fails.

    Example: [bold]postrail accounts test -f postrail.yaml help[/bold]
    """
    if not name and file is None:
        raise ConfigurationError("which account?", remedy="Name it, or give a file with -f")
    settings = load(data)
    candidates = complete(_candidates(settings, name, file))
    outcomes = complete(_test_all(settings, candidates, json))
    if json:
        show_json(
            [
                {"account": one.account.name, "ok": steps[-1].ok, "steps": list(map(asdict, steps))}
                for one, steps in zip(candidates, outcomes, strict=True)
            ]
        )
    if not all(steps[-1].ok for steps in outcomes):
        raise typer.Exit(FAILED)


async def _candidates(settings: Settings, name: str, file: Path | None) -> list[Candidate]:
    secrets = Secrets(settings.secrets)
    if file is None:
        return [await stored_candidate(lambda: connected_to_own(settings), secrets, name)]
    entries = parse_file(read_text(file), name_of(file))
    return await file_candidates(
        lambda: connected_to_own(settings), secrets, entries, name, file=name_of(file)
    )


async def _test_all(
    settings: Settings, candidates: Sequence[Candidate], json: bool
) -> list[list[Step]]:
    secrets = Secrets(settings.secrets)
    clock = await shared_clock(settings)
    tokens = AccessTokens(lambda: one_connection(settings.database), secrets, clock)
    try:
        return [
            await shown_steps(test_account(one, tokens), "" if json else _head(one.account))
            for one in candidates
        ]
    finally:
        await tokens.close()


def _head(account: MailAccount) -> str:
    where = f"{account.protocol} at {account.host}:{account.port}, {account.encryption}"
    if account.protocol == "folder":
        where = f"folder {account.path}"
    return f"Account {account.name}: {where}"
