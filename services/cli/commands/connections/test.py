"""`postrail connections test`: tests connections step by step, and sends a test message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.yaml_read import parse_file
from postrail.courier import Answer
from postrail.database import one_connection
from postrail.errors import ConfigurationError
from postrail.message_parts import is_address
from postrail.oauth.tokens import AccessTokens
from postrail.operate.test_connection import (
    ConnectionCandidate,
    connections_of_file,
    send_test,
    stored_connection,
    try_candidate,
)
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.wire.dialogue_log import Direction, WriteLine
from postrail.wire.timed_steps import Step
from services.cli.commands.accounts.steps import shown_steps
from services.cli.data_folder import Data
from services.cli.installation import complete, connected_to_own, load, shared_clock
from services.cli.options import name_of, read_text
from services.cli.output import Json, console, show_json
from services.cli.visible import clean

FAILED = 1
ARROWS: dict[Direction, str] = {"sent": "→", "received": "←"}

File = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="Test those of this file; - reads stdin."),
]


def check_connection(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The connection; with -f and without a name, all of the file."
        ),
    ] = "",
    file: File = None,
    to: Annotated[
        str, typer.Option("--to", metavar="ADDRESS", help="Ask the server about this recipient.")
    ] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Test a connection as it is stored or as a file describes it; no message is sent.

    Exit code 1 when a step fails.

    Example: [bold]postrail connections test -f postrail.yaml relay[/bold]
    """
    if not name and file is None:
        raise ConfigurationError("which connection?", remedy="Name it, or give a file with -f")
    if to:
        _require_address(to)
    settings = load(data)
    candidates = complete(_candidates(settings, name, file))
    outcomes = complete(_test_all(settings, candidates, to, json))
    if json:
        show_json(
            [
                {
                    "connection": one.connection.name,
                    "ok": steps[-1].ok,
                    "steps": list(map(asdict, steps)),
                }
                for one, steps in zip(candidates, outcomes, strict=True)
            ]
        )
    if not all(steps[-1].ok for steps in outcomes):
        raise typer.Exit(FAILED)


def send_test_message(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connection.")],
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Who gets the test message.")],
    file: File = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send a test message and show the whole dialogue with the server, without secrets.

    Exit code 1 when the server does not take it.

    Example: [bold]postrail connections send-test relay --to ann@example.org[/bold]
    """
    _require_address(to)
    settings = load(data)
    (candidate,) = complete(_candidates(settings, name, file))
    lines: list[dict[str, str]] = []

    def write(direction: Direction, words: str) -> None:
        lines.append({direction: words})
        if not json:
            console().print(Text(clean(f"{ARROWS[direction]} {words}")), soft_wrap=True)

    answer = complete(_send(settings, candidate, to, write))
    if json:
        show_json({"connection": name, "dialogue": lines, **asdict(answer)})
    else:
        console().print(Text(clean(f"{answer.state}: {answer.reply}"), "bold"), soft_wrap=True)
    if answer.state != "sent":
        raise typer.Exit(FAILED)


def _require_address(text: str) -> None:
    if not is_address(text):
        raise ConfigurationError(
            f"--to: {text!r} is not an address", remedy="Give one such as ann@example.org"
        )


async def _candidates(
    settings: Settings, name: str, file: Path | None
) -> list[ConnectionCandidate]:
    secrets = Secrets(settings.secrets)
    if file is None:
        return [await stored_connection(lambda: connected_to_own(settings), secrets, name)]
    entries = parse_file(read_text(file), name_of(file))
    return await connections_of_file(
        lambda: connected_to_own(settings), secrets, entries, name, file=name_of(file)
    )


async def _test_all(
    settings: Settings, candidates: Sequence[ConnectionCandidate], to: str, json: bool
) -> list[list[Step]]:
    tokens = await _tokens(settings)
    try:
        return [
            await shown_steps(try_candidate(one, tokens, to), "" if json else _head(one.connection))
            for one in candidates
        ]
    finally:
        await tokens.close()


async def _send(
    settings: Settings, candidate: ConnectionCandidate, to: str, write: WriteLine
) -> Answer:
    tokens = await _tokens(settings)
    try:
        return await send_test(candidate, tokens, to, await shared_clock(settings), write)
    finally:
        await tokens.close()


async def _tokens(settings: Settings) -> AccessTokens:
    secrets, clock = Secrets(settings.secrets), await shared_clock(settings)
    return AccessTokens(lambda: one_connection(settings.database), secrets, clock)


def _head(connection: OutgoingConnection) -> str:
    where = f"{connection.mode} at {connection.host}:{connection.port}"
    spoken = where if connection.mode == "graph" else f"{where}, {connection.encryption}"
    return f"Connection {connection.name}: {spoken}"
