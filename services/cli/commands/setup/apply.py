"""`postrail apply`: the configuration of a file, brought into the database."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from postrail.clock_sync.postgres_time import time_of
from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import Entry
from postrail.configuration.plan import Change, Plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write
from services.cli.options import DEFAULT_FILE, Author, author_name, name_of, read_text
from services.cli.output import Json, console, show_json

# Of each kind that the file leaves out.
NAMES_SHOWN = 5
STYLES = {"created": "green", "changed": "yellow", "unchanged": "dim"}


def apply(
    file: Annotated[
        Path, typer.Option("--file", "-f", metavar="FILE", help="The file to apply; - is stdin.")
    ] = DEFAULT_FILE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Apply a file of accounts, connections, projects, people, handlers, templates and more.

    Applying the same file again changes nothing. Things that the file leaves out stay as they are;
    of a thing that it names, fields that it leaves out get their defaults. To change one of them
    only: enable and disable of postrail accounts, connections, handlers and contexts, or a file
    from postrail export.

    Example: [bold]postrail apply -f postrail.yaml --dry-run[/bold]
    """
    entries = parse_file(read_text(file), name_of(file))
    settings = load(data) if dry_run else load_to_write(data)
    plan = complete(_apply(settings, entries, name_of(file), author_name(author), dry_run))
    if json:
        show_json(_plan_as_json(plan, dry_run))
    else:
        _show_plan(plan, dry_run)


async def _apply(
    settings: Settings, entries: list[Entry], file: str, author: str, dry_run: bool
) -> Plan:
    secrets = Secrets(settings.secrets)
    async with connected(settings) as connection:
        return await apply_entries(
            connection,
            entries,
            secrets,
            file=file,
            author=author,
            now=await time_of(connection),
            dry_run=dry_run,
        )


def _show_plan(plan: Plan, dry_run: bool) -> None:
    out = console()
    for change in plan.changes:
        out.print(Text(f"{change.action:<10}", STYLES[change.action]) + Text(_described(change)))
    if plan.untouched:
        out.print(Text(f"Not in the file, left unchanged: {_names(plan.untouched)}"))
    if plan.plain_secrets:
        out.print(
            Text(
                f"{plan.plain_secrets} passwords in the file are plain text; the database stores"
                " them encrypted. Use env: or file: references to keep them out of the file."
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


def _names(untouched: Sequence[tuple[str, str]]) -> str:
    """Returns the first names of each kind: mail makes many people."""
    by_kind = groupby(sorted(untouched), key=itemgetter(0))
    shown = []
    for kind, found in by_kind:
        names = [name for _, name in found]
        shown += [f"{kind} {name}" for name in names[:NAMES_SHOWN]]
        if len(names) > NAMES_SHOWN:
            shown.append(f"{len(names) - NAMES_SHOWN} more of kind {kind}")
    return ", ".join(shown)


def _described(change: Change) -> str:
    fields = "; ".join(f"{name}: {old!r} → {new!r}" for name, old, new in change.fields)
    return f"{change.kind} {change.name}" + (f"  ({fields})" if fields else "")


def _plan_as_json(plan: Plan, dry_run: bool) -> dict[str, object]:
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
