"""`postrail approvals test`: tests an approval setup by a real request."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from postrail.database import one_connection
from postrail.oauth.tokens import AccessTokens
from postrail.operate.approvals.trial import SetupTrial, try_setup
from postrail.operate.check_mailbox import check_mailboxes
from postrail.operate.issues.act import Actor, Desk
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.wire.timed_steps import Step
from services.cli.commands.accounts.steps import shown_steps
from services.cli.commands.approvals.group import approvals
from services.cli.commands.issues.desk import at_desk
from services.cli.data_folder import Data
from services.cli.installation import connected, connected_to_own, load_to_write, shared_clock
from services.cli.options import login_name
from services.cli.output import Json, show_json

FAILED = 1


@approvals.command("test")
def check_setup(
    name: Annotated[str, typer.Argument(metavar="SETUP", help="The name of an approval setup.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="ADDRESS", help="Who gets the request: usually yourself."),
    ],
    wait: Annotated[
        float,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            min=0,
            help="Also wait for the reply, and for a message to a plus-address.",
        ),
    ] = 0,
    data: Data = None,
    json: Json = False,
) -> None:
    """Test an approval setup: account, other mail in its folder, connection, and a request.

    The request is real, and nothing follows from its answer; it stays open for a day. To wait for
    the reply, the services must run. Exit code 1 when a step fails.

    Example: [bold]postrail approvals test deploy --to ann@example.org --wait 300[/bold]
    """
    settings = load_to_write(data)

    async def run(desk: Desk, actor: Actor) -> list[Step]:
        return await _steps(settings, desk, actor, name, to, wait, json)

    steps = at_desk(data, None, run)
    ok = all(step.ok for step in steps)
    if json:
        show_json({"setup": name, "ok": ok, "steps": list(map(asdict, steps))})
    if not ok:
        raise typer.Exit(FAILED)


async def _steps(
    settings: Settings, desk: Desk, actor: Actor, name: str, to: str, wait: float, json: bool
) -> list[Step]:
    secrets = Secrets(settings.secrets)
    clock = await shared_clock(settings)
    tokens = AccessTokens(lambda: one_connection(settings.database), secrets, clock)

    async def poll(account: str) -> object:
        return await check_mailboxes(
            lambda: connected(settings),
            settings.kafka,
            [account],
            author=login_name(),
            clock=clock,
        )

    trial = SetupTrial(
        desk=desk,
        actor=actor,
        transactions=lambda: connected_to_own(settings),
        secrets=secrets,
        tokens=tokens,
        clock=clock,
        poll=poll,
        name=name,
        to=to,
        wait_seconds=wait,
    )
    try:
        return await shown_steps(try_setup(trial), "" if json else f"Approval setup {name}")
    finally:
        await tokens.close()
