"""Retries or cancels posts by hand: one of them, or all that match."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.views.webhooks.posts import PostFilters, PostRow, post, posts
from postrail.webhooks import by_hand


@dataclass(frozen=True, kw_only=True)
class Act:
    """What a person may do to posts in some states."""

    word: str
    # The participle of the word.
    done: str
    # Of a post that is named by its id.
    states: frozenset[str]
    # Of those that a selection of many includes.
    of_many: frozenset[str]
    change: Callable[[Connection, Sequence[str], str, datetime], Awaitable[list[str]]]


RETRY = Act(
    word="retry",
    done="retried",
    states=frozenset({"waiting", "failed", "cancelled", "posted"}),
    of_many=frozenset({"waiting", "failed"}),
    change=by_hand.retry,
)
CANCEL = Act(
    word="cancel",
    done="cancelled",
    states=frozenset({"waiting", "failed"}),
    of_many=frozenset({"waiting", "failed"}),
    change=by_hand.cancel,
)


async def one(connection: Connection, act: Act, post_id: str) -> PostRow:
    """Returns the post that the act may change; the first characters of its id suffice.

    Raises PermanentError when there is none.
    """
    found = await post(connection, post_id)
    if found.state == "posting":
        raise PermanentError(
            f"a sender is posting {found.post_id} now", remedy="Try again in a minute"
        )
    if found.state not in act.states:
        raise PermanentError(
            f"post {found.post_id} is {found.state}, and cannot be {act.done}",
            remedy=f"See: postrail webhooks show {found.post_id[:8]}",
        )
    return found


async def all_that_match(connection: Connection, act: Act, filters: PostFilters) -> list[PostRow]:
    """Returns the posts that match and that the act changes, when many are selected."""
    states = act.of_many if filters.state is None else act.states & {filters.state}
    found = []
    for state in sorted(states):
        found += await posts(connection, replace(filters, state=state), None)
    return found


async def carry_out(
    connection: Connection, act: Act, chosen: Sequence[PostRow], by: str, now: datetime
) -> list[PostRow]:
    """Changes the posts, but for those that a sender has claimed since; returns those changed."""
    changed = await act.change(connection, [row.post_id for row in chosen], by, now)
    return [row for row in chosen if row.post_id in changed]
