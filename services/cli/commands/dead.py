"""`postrail dead`: records that could not be decoded, with their original bytes."""

from __future__ import annotations

import base64
import sys
from typing import Annotated

import typer

from postrail.errors import PermanentError
from postrail.records import MailDead
from postrail.settings import Settings
from postrail.stream.reader import tail
from postrail.stream.topics import MAIL_DEAD
from services.cli.data_folder import Data
from services.cli.installation import complete, load
from services.cli.output import Json, Limit, show_fields, show_json, show_table

# The records of each partition among which one dead letter is searched.
SEARCHED = 10_000

dead = typer.Typer(no_args_is_help=True)


@dead.command("list")
def list_dead(limit: Limit = 50, data: Data = None, json: Json = False) -> None:
    """List the latest dead letters, newest first."""
    found = complete(read_dead(load(data), limit))[:limit]
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
    letters = complete(read_dead(load(data), SEARCHED))
    letter = next((letter for letter in letters if place_of(letter) == record), None)
    if letter is None:
        raise PermanentError(f"no dead letter {record}", remedy="See: postrail dead list")
    if raw:
        sys.stdout.buffer.write(letter.value)
        sys.stdout.flush()
    elif json:
        show_json(_as_json(letter))
    else:
        _print(letter)


async def read_dead(settings: Settings, limit: int) -> list[MailDead]:
    """Returns up to `limit` dead letters of each partition, newest first."""
    found = await tail(settings.kafka, MAIL_DEAD, limit)
    letters = [record for record in found if isinstance(record, MailDead)]
    return sorted(letters, key=lambda letter: letter.died_at, reverse=True)


def place_of(letter: MailDead) -> str:
    """Returns the original place of the record, which identifies the dead letter."""
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


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
