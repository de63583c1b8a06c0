"""Prints answers: tables for people, JSON for programs.

Subjects and addresses come from strangers: their control characters never reach the terminal,
whichever function prints them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from services.cli.visible import clean, escaped, readable

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=10_000, help="The most rows to list.")
]

# Wide enough for a table in a file or a pipe, which have no edge.
PIPE_WIDTH = 160
# Before the lines of texts that strangers wrote; headings have none.
INDENT = "  "
# The part of a time to the minute, such as 2026-01-31 09:30.
MINUTE_CHARACTERS = 16
# The blanks between two columns.
GAP = 2
# The characters that a column which is cut has at least, before others are left out.
CUT_MIN_CHARACTERS = 24
# The most characters of a stranger's text in a list that has other columns to show.
LIST_CHARACTERS = 40
# The characters of an id in a list: two messages hardly ever share them.
SHORT_ID = 8


def show_json(value: object) -> None:
    """Prints a value; dataclasses become objects, times are in ISO 8601."""
    typer.echo(as_json(value, indent=2))


def as_json(value: object, indent: int | None = None) -> str:
    """Returns a value as JSON text, which is safe to print on a terminal."""
    return escaped(json.dumps(value, default=_plain_value, ensure_ascii=False, indent=indent))


def show_table(columns: Sequence[str], lines: Sequence[Sequence[object]], *, empty: str) -> None:
    """Prints a table, or the sentence `empty` when there are no lines."""
    if not lines:
        typer.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*[_cell(value) for value in line])
    console().print(table)


def show_rows(
    columns: Sequence[str],
    lines: Sequence[Sequence[object]],
    *,
    empty: str,
    cut: str,
    optional: Sequence[str] = (),
) -> None:
    """Prints a table with one line for each row, or the sentence `empty` when there are none.

    Where it is too wide, the optional columns are left out, the first one first, until the column
    `cut` has room; its values are cut, and at last those of others, too. Times are to the minute.
    """
    if not lines:
        typer.echo(empty)
        return
    out = console()
    texts = [[_one_line(value) for value in line] for line in lines]
    widths = {
        name: max(cell_len(name), *(line[at].cell_len for line in texts))
        for at, name in enumerate(columns)
    }
    needed = widths | {cut: min(widths[cut], CUT_MIN_CHARACTERS)}
    kept = list(columns)
    for name in optional:
        if sum(needed[one] + GAP for one in kept) - GAP > out.width:
            kept.remove(name)
    table = Table(box=None, pad_edge=False, header_style="bold")
    room = out.width - sum(widths[one] + GAP for one in kept if one != cut)
    for name in kept:
        width = max(1, min(widths[cut], room)) if name == cut else None
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=width)
    for line in texts:
        table.add_row(*(text for name, text in zip(columns, line, strict=True) if name in kept))
    out.print(table)


def shortened(text: str) -> str:
    """Returns the text, or its beginning and a sign that there was more, for a column of a list."""
    return text if len(text) <= LIST_CHARACTERS else f"{text[: LIST_CHARACTERS - 1]}…"


def _one_line(value: object) -> Text:
    if isinstance(value, datetime):
        return Text(moment(value)[:MINUTE_CHARACTERS])
    cell = _cell(value)
    return Text(" ".join(str(cell).split()))


def show_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Prints names and values under each other; blank values are left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in fields:
        if value not in (None, "", [], ()):
            table.add_row(name, _cell(value))
    console().print(table)


def show_texts(texts: Sequence[tuple[str, str]]) -> None:
    """Prints texts below each other, each under its title; blank ones are left out."""
    for title, text in texts:
        if text:
            console().print(f"\n{title}:", style="bold")
            show_body(text)


def show_body(text: str) -> None:
    """Prints a text of a stranger with each line indented, so that none looks like a heading."""
    out = console()
    for line in Text(readable(text)).wrap(out, out.width - len(INDENT)):
        out.print(Text(INDENT) + line, overflow="ignore", crop=False)


class _CleanConsole(Console):
    """Cleans all text at the last moment; cells are cleaned before, so that columns stay even."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yields the parts of the output; rich's own control codes are parts of their own."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else clean(text), style, control)


def console() -> Console:
    """Returns the terminal, or a wide page when the output goes elsewhere."""
    terminal = _CleanConsole(highlight=False)
    return terminal if terminal.is_terminal else _CleanConsole(highlight=False, width=PIPE_WIDTH)


def moment(value: datetime | None) -> str:
    """Returns a time in the local time zone, to the second."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M:%S") if value else ""


def _cell(value: object) -> str | Text:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return Text(moment(value))
    if isinstance(value, (list, tuple)):
        return Text(clean(", ".join(str(item) for item in value)))
    # A Text is printed literally; in a str, [markup] would be interpreted.
    return Text(clean(str(value)))


def _plain_value(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
