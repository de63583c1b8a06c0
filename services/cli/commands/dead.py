"""`postrail dead`: records that could not be decoded, with their original bytes."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from postrail.errors import PermanentError
from services.cli.installation import Data, complete, load
from services.cli.output import Json, Limit, show_fields, show_json, show_table

if TYPE_CHECKING:
    from postrail.records import MailDead
    from postrail.settings import Settings

# How far back, in each partition, a single one is searched.
SEARCHED = 10_000

dead = typer.Typer(
    name="dead", no_args_is_help=True, help="Dead letters: records that could not be decoded."
)


@dead.command("list")
def list_dead(limit: Limit = 50, data: Data = None, json: Json = False) -> None:
    """List the last dead letters, newest first."""
    found = complete(read_dead(load(data), limit))[:limit]
    if json:
        show_json([_for_programs(letter) for letter in found])
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
        typer.Argument(metavar="RECORD", help="TOPIC/PARTITION/OFFSET, as `dead list` shows it."),
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Print the record's original bytes.")] = False,
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
        show_json(_for_programs(letter))
    else:
        _print(letter)


async def read_dead(settings: Settings, limit: int) -> list[MailDead]:
    """Up to `limit` dead letters of each partition, newest first."""
    from postrail.records import MailDead
    from postrail.stream.reader import tail
    from postrail.stream.topics import MAIL_DEAD

    found = await tail(settings.kafka, MAIL_DEAD, limit)
    letters = [record for record in found if isinstance(record, MailDead)]
    return sorted(letters, key=lambda letter: letter.died_at, reverse=True)


def place_of(letter: MailDead) -> str:
    """Where the record stood before it died: what it is known by."""
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


def _for_programs(letter: MailDead) -> dict[str, object]:
    key = letter.key.decode(errors="replace") if letter.key is not None else None
    return {
        "record": place_of(letter),
        "service": letter.service,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": key,
        "value_base64": base64.b64encode(letter.value).decode(),
        "error": letter.error,
        "died_at": letter.died_at,
    }


def _print(letter: MailDead) -> None:
    show_fields(
        [
            ("Record", place_of(letter)),
            ("Key", letter.key.decode(errors="replace") if letter.key is not None else None),
            ("Size", f"{len(letter.value)} bytes"),
            ("Begins with", letter.value[:32].hex(" ")),
            ("Service", letter.service),
            ("Died", letter.died_at),
            ("Error", letter.error),
        ]
    )
