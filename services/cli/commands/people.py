"""`postrail people`: the persons known to this installation."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.operate.people import MergedPeople, merge_people
from postrail.settings import Settings
from postrail.views import people as view
from postrail.views.people import ListedPerson, PersonDetail
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write
from services.cli.options import Author, author_name
from services.cli.output import Json, Limit, show_fields, show_json, show_rows
from services.cli.visible import clean

people = typer.Typer(no_args_is_help=True)

Address = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="Any address of the person.", show_default=False)
]


@people.command("list")
def list_people(
    group: Annotated[
        str | None, typer.Option("--group", metavar="NAME", help="Only members of this group.")
    ] = None,
    limit: Limit = 100,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the persons with their addresses and groups.

    Example: [bold]postrail people list --group support[/bold]
    """
    found = complete(_people(load(data), group, limit))
    if json:
        show_json(found)
        return
    show_rows(
        ["Address", "Name", "Other addresses", "Groups", "From", ""],
        [
            (
                row.address,
                row.name,
                row.addresses,
                row.groups,
                row.origin,
                _state(row),
            )
            for row in found
        ],
        empty="No people.",
        cut="Name",
        optional=("Other addresses", "From", "Groups"),
    )


@people.command("show")
def show_person(address: Address, data: Data = None, json: Json = False) -> None:
    """Show a person with the roles in projects.

    Example: [bold]postrail people show agent@example.org[/bold]
    """
    found = complete(_person(load(data), address))
    if json:
        show_json(found)
    else:
        _print_person(found)


@people.command("merge")
def merge(
    kept: Address,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER",
            help="Any address of the person to merge into the first one.",
            show_default=False,
        ),
    ],
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Merge two persons into one, who keeps the addresses, groups and roles of both.

    Mail goes to the address of the first one. Issues do not change: they name addresses.

    Example: [bold]postrail people merge ana@example.org ana@home.example[/bold]
    """
    done = complete(_merge(load_to_write(data), kept, other, author_name(author)))
    if json:
        show_json(done)
        return
    addresses = ", ".join(done.person.addresses)
    state = "" if done.person.active else " The person is inactive, as the first one was."
    typer.echo(
        clean(
            f"Merged {done.merged} into {done.person.address}, whose addresses are now"
            f" {addresses}.{state} Change the file for postrail apply, if it lists both: postrail"
            " export writes their one entry."
        )
    )


def _state(row: ListedPerson) -> str:
    if not row.active:
        return "inactive"
    return "not written to" if row.address in row.suppressed else ""


def _print_person(found: PersonDetail) -> None:
    person = found.person
    others = [address for address in person.addresses if address != person.address]
    show_fields(
        [
            ("Address", person.address),
            ("Name", person.name),
            ("Other addresses", others),
            ("State", "active" if person.active else "inactive: counts as unknown"),
            ("Groups", person.groups),
            ("Roles", [f"{role} in {project}" for project, role in found.roles.items()]),
            ("Language", person.language),
            ("Time zone", person.time_zone),
            ("From", person.origin),
            ("Mail", found.origin_mail_id),
            ("Since", found.created_at),
            (
                "Not written to",
                [f"{address} ({reason})" for address, reason in found.suppressed.items()],
            ),
            ("Issues", f"{found.reported} reported, {found.assigned} assigned"),
        ]
    )


async def _people(settings: Settings, group: str | None, limit: int) -> list[ListedPerson]:
    async with connected(settings) as connection:
        return await view.list_people(connection, group=group, limit=limit)


async def _person(settings: Settings, address: str) -> PersonDetail:
    async with connected(settings) as connection:
        return await view.person(connection, address)


async def _merge(settings: Settings, kept: str, other: str, author: str) -> MergedPeople:
    async with connected(settings) as connection:
        now = await time_of(connection)
        return await merge_people(connection, kept, other, author=author, now=now)
