"""Merges an issue into another."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.errors import PermanentError
from postrail.incoming import conversations
from postrail.operate.issues.act import ActInProgress, Actor, Desk, acting
from postrail.tracker.builtin.links import hand_over_links
from postrail.tracker.builtin.merges import merge_issue
from postrail.tracker.issues import IndexedIssue
from postrail.tracker.successors import record_merge
from postrail.workflow.rights import Act


class MergeNotPossible(PermanentError):
    """The issues cannot be merged; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """The key of the issue that is a record now, and what it has given to its successor."""

    issue_key: str
    into: str
    # The comment that the description became.
    comment_id: int
    # The watchers that are new to the successor.
    watchers: tuple[str, ...]
    # The links that have ended, as the merged issue had them, such as "blocks HELP-3": its
    # successor has the opposite ones.
    ended_links: tuple[str, ...]


async def merge(desk: Desk, actor: Actor, issue_key: str, into: str) -> Merged:
    """Merges an issue into another, which may be of another project.

    Its description becomes a comment; comments, files, people, addresses, links and conversations
    go over. Its key, its id and its messages lead to the other issue from now on. Raises as
    `acting` does, and MergeNotPossible for two keys of one issue.
    """
    async with acting(desk, actor, Act.MERGE, issue_key, [into]) as act:
        (other,) = act.others
        if other.issue_id == act.issue.issue_id:
            raise MergeNotPossible(
                f"{issue_key} and {into} are one issue, {other.issue_key}",
                remedy="Name another issue to merge it into",
            )
        return await _merged(act, other)


async def _merged(act: ActInProgress, into: IndexedIssue) -> Merged:
    merged = act.issue
    comment_id = await merge_issue(act.connection, merged.issue_key, into.issue_key, act.act_id)
    ended = await hand_over_links(act.connection, merged.issue_key, into.issue_key)
    watchers = await record_merge(act.connection, merged, into)
    await conversations.hand_over(act.connection, merged.issue_id, into.issue_id)
    links = tuple(one.seen_from(merged.issue_key) for one in ended)
    for words in links:
        act.changed("link", words, None)
    act.changed("merged into", None, into.issue_key)
    act.changed_also(into, "merged from", None, merged.issue_key)
    for address in watchers:
        act.changed_also(into, "watcher", None, address)
    return Merged(
        issue_key=merged.issue_key,
        into=into.issue_key,
        comment_id=comment_id,
        watchers=tuple(watchers),
        ended_links=links,
    )
