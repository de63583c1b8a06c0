"""`postrail init`, `apply` and `secrets`: what operators configure."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.installation import Data, complete, connected, load, load_to_write
from services.cli.output import Json, console, show_json

if TYPE_CHECKING:
    from postrail.configuration.entry import Entry
    from postrail.configuration.plan import Change, Plan
    from postrail.settings import Settings

DEFAULT_FILE = Path("postrail.yaml")
STYLES = {"created": "green", "changed": "yellow", "unchanged": "dim"}

Author = Annotated[
    str,
    typer.Option(
        "--author",
        help="Who is noted as the author of the changes.",
        show_default="your login name",
    ),
]

secrets = typer.Typer(name="secrets", no_args_is_help=True, help="Keys that seal stored passwords.")


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented postrail.yaml to fill in.

    Example: [bold]postrail init && $EDITOR postrail.yaml && postrail apply[/bold]
    """
    from importlib import resources

    text = (resources.files("postrail.configuration") / "example.yaml").read_text(encoding="utf-8")
    try:
        with file.open("w" if force else "x", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{file} exists already", remedy="Name another file, or replace it with --force"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", remedy="Name a file that you may write"
        ) from error
    typer.echo(f"Wrote {file}. Fill in your servers, then: postrail apply -f {file} --dry-run")


def apply(
    file: Annotated[
        Path, typer.Option("--file", "-f", metavar="FILE", help="What to apply; - reads stdin.")
    ] = DEFAULT_FILE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")
    ] = False,
    author: Author = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Bring accounts, connections, projects and people to what a file says.

    Applying the same file again changes nothing; what the file does not name stays as it is.

    Example: [bold]postrail apply -f postrail.yaml --dry-run[/bold]
    """
    from postrail.configuration.yaml_read import parse_file

    name = "stdin" if file == Path("-") else str(file)
    entries = parse_file(read_text(file), name)
    settings = load(data) if dry_run else load_to_write(data)
    plan = complete(_apply(settings, entries, name, author or login_name(), dry_run))
    if json:
        show_json(_plan_for_programs(plan, dry_run))
    else:
        _show_plan(plan, dry_run)


@secrets.command("new-key")
def new_key() -> None:
    """Print a new random key for POSTRAIL_SECRETS__KEYS."""
    from postrail.secrets import generate_key

    typer.echo(generate_key())


@secrets.command("reseal")
def reseal(author: Author = "", data: Data = None) -> None:
    """Seal all stored passwords with the first key, so that older keys may go."""
    settings = load_to_write(data)
    count = complete(_reseal(settings, author or login_name()))
    typer.echo(f"Sealed {count} secrets with the first key." if count else "Nothing to seal anew.")


def login_name() -> str:
    """Who runs this command, by the machine's own account."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def read_text(file: Path) -> str:
    """The text of a file that an option names; - is stdin."""
    try:
        if file == Path("-"):
            return typer.get_text_stream("stdin").read()
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no file {file}", remedy="Write one with postrail init, or name it with -f"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(
            f"{file} cannot be read: {reason}", remedy="Name a file that you may read"
        ) from error


async def _apply(
    settings: Settings, entries: list[Entry], file: str, author: str, dry_run: bool
) -> Plan:
    from postrail.clock import SystemClock
    from postrail.configuration.apply import apply_entries
    from postrail.secrets import Secrets

    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        return await apply_entries(
            connection,
            entries,
            secrets,
            file=file,
            author=author,
            now=SystemClock().now(),
            dry_run=dry_run,
        )


async def _reseal(settings: Settings, author: str) -> int:
    from postrail.clock import SystemClock
    from postrail.operate import reseal
    from postrail.secrets import Secrets

    async with connected(settings) as connection:
        return await reseal.reseal(
            connection, Secrets(settings.secrets), author=author, now=SystemClock().now()
        )


def _show_plan(plan: Plan, dry_run: bool) -> None:
    from rich.text import Text

    out = console()
    for change in plan.changes:
        out.print(Text(f"{change.action:<10}", STYLES[change.action]) + Text(_described(change)))
    if plan.untouched:
        names = ", ".join(f"{kind} {name}" for kind, name in sorted(plan.untouched))
        out.print(Text(f"Not in the file, left as it is: {names}"))
    if plan.plain_secrets:
        out.print(
            Text(
                f"{plan.plain_secrets} of the file's passwords are plain text; the database keeps"
                " them encrypted. env: or file: references keep them out of the file."
            )
        )
    for warning in plan.warnings:
        out.print(Text(f"Warning: {warning}.", "yellow"))
    for note in plan.notes:
        out.print(Text(f"Note: {note}."))
    counts = ", ".join(
        f"{plan.count(action)} {action}" for action in ("created", "changed", "unchanged")
    )
    out.print(Text(f"Dry run, nothing written: {counts}." if dry_run else f"Applied: {counts}."))


def _described(change: Change) -> str:
    fields = "; ".join(f"{name}: {old!r} → {new!r}" for name, old, new in change.fields)
    return f"{change.kind} {change.name}" + (f"  ({fields})" if fields else "")


def _plan_for_programs(plan: Plan, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "changes": [
            {
                "kind": change.kind,
                "name": change.name,
                "action": change.action,
                "fields": {name: {"before": old, "after": new} for name, old, new in change.fields},
            }
            for change in plan.changes
        ],
        "untouched": [{"kind": kind, "name": name} for kind, name in sorted(plan.untouched)],
        "warnings": list(plan.warnings),
        "notes": list(plan.notes),
    }
