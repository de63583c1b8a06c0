"""`postrail accounts test`: tries mail accounts out, step by step, and stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError, PipelineError
from services.cli.commands.configure import read_text
from services.cli.installation import Data, complete, connected_to_own, load
from services.cli.output import Json, clean, console, show_json

if TYPE_CHECKING:
    from postrail.configuration.entry import Entry
    from postrail.configuration.models.mail_account import MailAccount
    from postrail.database import Connection
    from postrail.mailbox.check.timed_steps import ReadSoFar, Step
    from postrail.oauth.tokens import AccessTokens
    from postrail.settings import Settings

FAILED = 1
STYLES = {"ok": "green", "note": "yellow", "wrong": "bold red"}


@dataclass(frozen=True)
class Candidate:
    """An account to try out, and what the trial needs to know beside it."""

    account: MailAccount
    # Gives its password; may itself fail.
    password: Callable[[], str]
    so_far: ReadSoFar | None


def try_out(
    name: Annotated[
        str,
        typer.Argument(metavar="[NAME]", help="The account; with -f, all of the file if left out."),
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Try accounts of this file; - reads stdin."
        ),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Try an account out, as it is stored or as a file says; nothing is stored or changed.

    Exit code 1 when a step fails.

    Example: [bold]postrail accounts test -f postrail.yaml help[/bold]
    """
    if not name and file is None:
        raise ConfigurationError("which account?", remedy="Name it, or give a file with -f")
    settings = load(data)
    candidates = _from_file(settings, file, name) if file else [complete(_stored(settings, name))]
    outcomes = complete(_try_all(settings, candidates, json))
    if json:
        show_json(
            [
                {"account": one.account.name, "ok": steps[-1].ok, "steps": list(map(asdict, steps))}
                for one, steps in zip(candidates, outcomes, strict=True)
            ]
        )
    if not all(steps[-1].ok for steps in outcomes):
        raise typer.Exit(FAILED)


async def _try_all(settings: Settings, candidates: list[Candidate], json: bool) -> list[list[Step]]:
    """The steps of each; tokens are asked for in this event loop while a thread tries."""
    from postrail.clock import SystemClock
    from postrail.database import one_connection
    from postrail.oauth.tokens import AccessTokens
    from postrail.secrets import Secrets

    secrets = Secrets(settings.secrets)
    tokens = AccessTokens(lambda: one_connection(settings.database), secrets, SystemClock())
    try:
        return [await _try(candidate, tokens, json) for candidate in candidates]
    finally:
        await tokens.close()


async def _try(candidate: Candidate, tokens: AccessTokens, json: bool) -> list[Step]:
    from postrail.mailbox.trial import try_account

    account = candidate.account
    bearer = tokens.bearer(account) if account.credential else None
    steps = try_account(account, lambda: bearer or candidate.password(), candidate.so_far)
    if not json:
        _show_head(account)
    done: list[Step] = []
    while step := await asyncio.to_thread(next, steps, None):
        done.append(step)
        if not json:
            _show(step)
    return done


def _show_head(account: MailAccount) -> None:
    from rich.text import Text

    where = f"{account.protocol} at {account.host}:{account.port}, {account.encryption}"
    if account.protocol == "folder":
        where = f"folder {account.path}"
    console().print(Text(clean(f"Account {account.name}: {where}"), "bold"))


def _show(step: Step) -> None:
    """The step, as soon as it is done."""
    from rich.text import Text

    out = console()
    word = "wrong" if not step.ok else "note" if step.remedy else "ok"
    line = f"{step.name:<16}{step.milliseconds:>8.1f} ms  {step.detail}"
    out.print(Text(f"{word:<6}", STYLES[word]) + Text(clean(line)), soft_wrap=True)
    advice = "Note" if step.ok else "Remedy"
    for title, text in (("Setting", step.setting), (advice, step.remedy)):
        if text:
            out.print(Text(clean(f"{'':<35}{title}: {text}")), soft_wrap=True)


async def _stored(settings: Settings, name: str) -> Candidate:
    from postrail.configuration.change import account_named
    from postrail.configuration.load import mail_accounts
    from postrail.secrets import Secrets

    secrets = Secrets(settings.secrets)
    async with connected_to_own(settings) as connection:
        account = account_named(name, await mail_accounts(connection))
        so_far = await _read_so_far(connection, account)
    return Candidate(account, lambda: secrets.reveal(account.password), so_far)


def _from_file(settings: Settings, file: Path, name: str) -> list[Candidate]:
    """The accounts of the file, or the one of that name."""
    from postrail.configuration.models.mail_account import MailAccount
    from postrail.configuration.yaml_read import parse_file

    shown = "stdin" if file == Path("-") else str(file)
    everything = parse_file(read_text(file), shown)
    entries = [
        entry
        for entry in everything
        if isinstance(entry.thing, MailAccount) and name in ("", entry.identity)
    ]
    if not entries:
        what = f"mail account {name!r}" if name else "mail account"
        raise ConfigurationError(f"there is no {what} in {shown}", remedy="Name another one")
    return complete(_candidates(settings, entries, everything, shown))


async def _candidates(
    settings: Settings, entries: list[Entry], everything: list[Entry], file: str
) -> list[Candidate]:
    """With what the database knows of them; a file that says everything needs no database."""
    try:
        async with connected_to_own(settings) as connection:
            await _check_tokens(settings, connection, entries, everything, file)
            return [await _candidate(settings, entry, file, connection) for entry in entries]
    except PipelineError:
        if all(_says_everything(entry) for entry in entries):
            return [await _candidate(settings, entry, file, None) for entry in entries]
        raise


def _says_everything(entry: Entry) -> bool:
    from postrail.configuration.models.mail_account import MailAccount

    assert isinstance(entry.thing, MailAccount)
    # A folder of this machine is opened without a login.
    return "password" in entry.given or entry.thing.protocol == "folder"


async def _check_tokens(
    settings: Settings,
    connection: Connection,
    entries: list[Entry],
    everything: list[Entry],
    file: str,
) -> None:
    """Tokens go to the hosts of their credential only: what apply would refuse is not tried."""
    from postrail.configuration.plan import make_plan
    from postrail.configuration.store import read_all
    from postrail.secrets import Secrets

    if any(getattr(entry.thing, "credential", "") for entry in entries):
        existing = await read_all(connection)
        make_plan(everything, existing, Secrets(settings.secrets), file=file)


async def _candidate(
    settings: Settings, entry: Entry, file: str, connection: Connection | None
) -> Candidate:
    from postrail.configuration.load import mail_accounts
    from postrail.configuration.models.mail_account import MailAccount
    from postrail.configuration.sealing import check_secrets, secret_if_applied
    from postrail.secrets import Secrets

    account = entry.thing
    assert isinstance(account, MailAccount)
    stored = await mail_accounts(connection) if connection else []
    before = next((one for one in stored if one.name == account.name), None)
    secrets = Secrets(settings.secrets)
    check_secrets(entry, before, file)
    return Candidate(
        account,
        lambda: secret_if_applied(entry, "password", before, secrets),
        await _read_so_far(connection, account) if connection else None,
    )


async def _read_so_far(connection: Connection, account: MailAccount) -> ReadSoFar | None:
    from postrail.mailbox.check.timed_steps import ReadSoFar
    from postrail.views.mailboxes import folders

    for one in await folders(connection, account.name):
        if one.folder == account.folder:
            return ReadSoFar(one.uid_validity, one.last_uid)
    return None
