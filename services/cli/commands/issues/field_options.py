"""The options by which commands set fields of issues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from postrail.errors import ConfigurationError
from services.cli.options import STDIN, read_text

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="A field and its value, such as priority=High; a list is separated by commas.",
    ),
]
Description = Annotated[
    str | None,
    typer.Option("--description", metavar="TEXT", help="The description; - reads stdin."),
]


def pairs(option: str, given: Sequence[str] | None) -> list[tuple[str, str]]:
    """Returns the fields and values that an option gives; raises ConfigurationError."""
    found = []
    for one in given or ():
        name, equals, value = one.partition("=")
        if not name.strip() or not equals:
            raise ConfigurationError(
                f"{one!r} is not FIELD=VALUE", remedy=f"Give {option} such as due=2027-01-31"
            )
        found.append((name.strip(), value))
    return found


def values_of(given: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Returns the given values by field; raises ConfigurationError for a field that has two."""
    values: dict[str, str] = {}
    for name, value in given:
        if value is None:
            continue
        if name in values:
            raise ConfigurationError(
                f"{name} is given twice", remedy="Give one value, of a list all items with commas"
            )
        values[name] = value
    return values


def text_of(given: str) -> str:
    """Returns the text of an option or argument; - takes it from stdin."""
    return read_text(STDIN) if given == str(STDIN) else given
