"""Options and arguments that several commands share, and what they mean."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from postrail.errors import ConfigurationError

DEFAULT_FILE = Path("postrail.yaml")
STDIN = Path("-")

Author = Annotated[
    str | None,
    typer.Option(
        "--author",
        help="The name to record as the author.",
        show_default="your login name",
    ),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="The accounts.")]
Everything = Annotated[bool, typer.Option("--all", help="All enabled accounts.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]


def chosen(names: Sequence[str] | None, everything: bool) -> Sequence[str]:
    """Returns the given names, none for all; raises ConfigurationError unless it is one of both."""
    if bool(names) == everything:
        raise ConfigurationError("which mailboxes?", remedy="Name accounts, or give --all instead")
    return names or []


def author_name(given: str | None) -> str:
    """Returns the name to record as the author.

    Raises ConfigurationError for one that is blank or holds control characters.
    """
    if given is None:
        return login_name()
    if not given.strip() or not given.isprintable():
        raise ConfigurationError(
            f"the author has no name in {given!r}",
            remedy="Give a name, or leave out --author for your login",
        )
    return given


def login_name() -> str:
    """Returns the login name of the person that runs this command."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def read_text(file: Path) -> str:
    """Returns the text of a file that an option names; - is standard input."""
    try:
        if file == STDIN:
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


def name_of(file: Path) -> str:
    """Returns the name of an input file for messages."""
    return "stdin" if file == STDIN else str(file)


def write_text(file: Path, text: str, *, force: bool, mode: int = 0o666) -> None:
    """Writes a file; raises ConfigurationError when it exists already, unless forced."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(file, flags, mode), "w", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{file} exists already", remedy="Name another file, or replace it with --force"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", remedy="Name a file that you may write"
        ) from error
