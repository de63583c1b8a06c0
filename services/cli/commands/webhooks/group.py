"""`postrail webhooks`: the queue of posts to other systems."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.settings import Settings
from postrail.views.webhooks import posts as view
from postrail.views.webhooks.posts import PostFilters, PostRow, WholePost
from postrail.webhooks.queue import PostState
from services.cli.commands.webhooks.by_hand import About, Host, OfPurpose, cancel, retry
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load
from services.cli.output import SHORT_ID, Json, Limit, show_fields, show_json, show_rows, show_texts

webhooks = typer.Typer(no_args_is_help=True)


@webhooks.command("list")
def list_posts(
    state: Annotated[
        PostState | None, typer.Option("--state", help="Only posts in this state.")
    ] = None,
    purpose: OfPurpose = None,
    about: About = None,
    host: Host = None,
    limit: Limit = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the latest posts, newest first.

    Example: [bold]postrail webhooks list --state failed[/bold]
    """
    filters = PostFilters(state=state, purpose=purpose, about=about, host=host)
    found = complete(_posts(load(data), filters, limit))
    if json:
        show_json(found)
        return
    show_rows(
        ["Post", "Made", "Purpose", "About", "Host", "State", "Attempts", "Next", "Last error"],
        [
            (
                row.post_id[:SHORT_ID],
                row.made_at,
                row.purpose,
                row.about,
                row.host,
                row.state,
                row.attempts,
                row.next_at,
                row.last_error,
            )
            for row in found
        ],
        empty="No posts.",
        cut="Last error",
        optional=("Made", "Attempts", "Next"),
    )


@webhooks.command("show")
def show_post(
    post_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a post, or its first characters.")
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Show a post: its content, its attempts and the last answer."""
    found = complete(_post(load(data), post_id))
    if json:
        show_json(found)
        return
    show_fields(
        [
            ("Post", found.post_id),
            ("Purpose", found.purpose),
            ("About", found.about),
            ("Approval setup", found.setup),
            ("Host", found.host),
            ("State", found.state),
            ("Made", found.made_at),
            ("Attempts", found.attempts),
            ("Next attempt", found.next_at),
            ("Given up after", found.give_up_at if found.next_at else None),
            ("Ended", found.ended_at),
            ("Last status", found.last_status),
            ("Last error", found.last_error),
            ("Changed by", found.changed_by),
        ]
    )
    show_texts([("Body", found.body)])


for act in (retry, cancel):
    webhooks.command(act.__name__)(act)


async def _posts(settings: Settings, filters: PostFilters, limit: int) -> list[PostRow]:
    async with connected(settings) as connection:
        return await view.posts(connection, filters, limit)


async def _post(settings: Settings, post_id: str) -> WholePost:
    async with connected(settings) as connection:
        return await view.post(connection, post_id)
