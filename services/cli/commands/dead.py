"""`postrail dead`: records that could not be decoded, with their original bytes."""

from __future__ import annotations

import base64
import sys
from typing import Annotated

import typer

from postrail.records import MailDead
from postrail.views.dead_letters import dead_letter, dead_letters, place_of
from services.cli.data_folder import Data
from services.cli.installation import complete, load
from services.cli.output import Json, Limit, show_fields, show_json, show_table

dead = typer.Typer(no_args_is_help=True)


@dead.command("list")
def list_dead(limit: Limit = 50, data: Data = None, json: Json = False) -> None:
    """List the latest dead letters, newest first."""
    found = complete(dead_letters(load(data).kafka, limit))
    if json:
        show_json([_as_json(letter) for letter in found])
        return
    show_table(
        ["Record", "Died", "Service", "Bytes", "Error"],
        [
            (place_of(letter), letter.died_at, letter.service, len(letter.value), letter.error)
            for letter in found
        ],
        empty="No dead letters.",
    )


@dead.command("show")
def show_dead(
    record: Annotated[
        str,
        typer.Argument(metavar="RECORD", help="TOPIC/PARTITION/OFFSET, as dead list shows it."),
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Print the original bytes only.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show one dead letter, or its original bytes.

    Example: [bold]postrail dead show mail.fetched/3/1714 --raw > record.avro[/bold]
    """
    letter = complete(dead_letter(load(data).kafka, record))
    if raw:
        sys.stdout.buffer.write(letter.value)
        sys.stdout.flush()
    elif json:
        show_json(_as_json(letter))
    else:
        _print(letter)


def _key_of(letter: MailDead) -> str | None:
    return letter.key.decode(errors="replace") if letter.key is not None else None


def _as_json(letter: MailDead) -> dict[str, object]:
    return {
        "record": place_of(letter),
        "service": letter.service,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": _key_of(letter),
        "value_base64": base64.b64encode(letter.value).decode(),
        "error": letter.error,
        "died_at": letter.died_at,
    }


def _print(letter: MailDead) -> None:
    show_fields(
        [
            ("Record", place_of(letter)),
            ("Key", _key_of(letter)),
            ("Size", f"{len(letter.value)} bytes"),
            ("Begins with", letter.value[:32].hex(" ")),
            ("Service", letter.service),
            ("Died", letter.died_at),
            ("Error", letter.error),
        ]
    )
