"""`postrail webhooks retry|cancel`: act on one post, or on many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from postrail.clock_sync.postgres_time import time_of
from postrail.errors import ConfigurationError
from postrail.operate.webhooks.by_hand import CANCEL, RETRY, Act, all_that_match, carry_out, one
from postrail.settings import Settings
from postrail.views.webhooks.posts import PostFilters, PostRow
from postrail.webhooks.queue import PostState, Purpose
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load_to_write
from services.cli.options import Author, author_name
from services.cli.output import Json, show_json, show_table
from services.cli.selection import Everything, Yes, confirm

OneId = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="The id of a post, or its first characters."),
]
OfPurpose = Annotated[Purpose | None, typer.Option("--purpose", help="Only posts of this purpose.")]
About = Annotated[
    str | None, typer.Option("--about", metavar="A-12", help="Only posts about this.")
]
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="HOST[:PORT]", help="Only posts to this host, as listed."),
]


@dataclass(frozen=True)
class Options:
    """How a command is carried out."""

    yes: bool
    author: str | None
    json: bool


def retry(
    post_id: OneId = None,
    everything: Everything = False,
    state: Annotated[
        PostState | None, typer.Option("--state", help="Only posts in this state.")
    ] = None,
    purpose: OfPurpose = None,
    about: About = None,
    host: Host = None,
    yes: Yes = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Post again at once, and for five more days: what waits and what has failed.

    By its id also what was cancelled or has been posted; the receiver gets the same id.

    Example: [bold]postrail webhooks retry --all --host hooks.example.org[/bold]
    """
    filters = PostFilters(state=state, purpose=purpose, about=about, host=host)
    _act(RETRY, data, post_id, filters, Options(yes, author, json), everything=everything)


def cancel(
    post_id: OneId = None,
    everything: Everything = False,
    state: Annotated[
        PostState | None, typer.Option("--state", help="Only posts in this state.")
    ] = None,
    purpose: OfPurpose = None,
    about: About = None,
    host: Host = None,
    yes: Yes = False,
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Never post what waits or has failed.

    Example: [bold]postrail webhooks cancel --all --purpose alert[/bold]
    """
    filters = PostFilters(state=state, purpose=purpose, about=about, host=host)
    _act(CANCEL, data, post_id, filters, Options(yes, author, json), everything=everything)


def _act(
    act: Act,
    data: Data,
    post_id: str | None,
    filters: PostFilters,
    options: Options,
    *,
    everything: bool,
) -> None:
    many = everything or filters != PostFilters()
    if many == (post_id is not None):
        raise ConfigurationError(
            f"it is not clear which posts to {act.word}",
            remedy="Give the id of a post, or one of the other options, or --all",
        )
    settings = load_to_write(data)
    chosen = complete(_select(settings, act, post_id, filters))
    if not options.json:
        _print_selection(act, chosen)
    confirm(act.word, act.done, len(chosen), yes=options.yes, json=options.json, what="posts")
    changed = complete(_carry_out(settings, act, chosen, author_name(options.author)))
    if options.json:
        posts = [row.post_id for row in changed]
        show_json({"selected": len(chosen), act.done: len(changed), "posts": posts})
    elif chosen:
        typer.echo(f"{act.done.capitalize()}: {len(changed)}.")


def _print_selection(act: Act, chosen: Sequence[PostRow]) -> None:
    groups = Counter((row.state, row.purpose, row.host, row.last_error) for row in chosen)
    show_table(
        ["Posts", "State", "Purpose", "Host", "Last error"],
        [(count, *group) for group, count in groups.most_common()],
        empty=f"No posts to {act.word}.",
    )


async def _select(
    settings: Settings, act: Act, post_id: str | None, filters: PostFilters
) -> list[PostRow]:
    async with connected(settings) as connection:
        if post_id is not None:
            return [await one(connection, act, post_id)]
        return await all_that_match(connection, act, filters)


async def _carry_out(
    settings: Settings, act: Act, chosen: Sequence[PostRow], by: str
) -> list[PostRow]:
    async with connected(settings) as connection:
        return await carry_out(connection, act, chosen, by, await time_of(connection))
