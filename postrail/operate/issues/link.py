"""Links an issue to another, or removes a link."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.errors import PermanentError
from postrail.operate.issues.act import ActInProgress, Actor, Desk, acting
from postrail.tracker.builtin.links import (
    INVERSE_WORDS,
    RELATES_TO,
    Link,
    delete_link,
    has_link,
    insert_link,
    inverse_of,
)
from postrail.workflow.rights import Act
from postrail.workflow.values import name_among

# As people say them, from either side.
WORDS = list(dict.fromkeys([*INVERSE_WORDS, *INVERSE_WORDS.values()]))


class LinkNotPossible(PermanentError):
    """The issues cannot be linked in this way; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """A link as it was asked for, whether it exists after the act, and whether that is new."""

    issue_key: str
    words: str
    other_key: str
    linked: bool
    changed: bool


async def link(desk: Desk, actor: Actor, issue_key: str, words: str, other_key: str) -> Linked:
    """Links the issue to the other one by words such as "blocks" or "is blocked by".

    The right is needed in the projects of both. Raises as `acting` does, InvalidValue for unknown
    words, and LinkNotPossible for an issue with itself and for the opposite of an existing link.
    """
    return await _link(desk, actor, issue_key, words, other_key, wanted=True)


async def unlink(desk: Desk, actor: Actor, issue_key: str, words: str, other_key: str) -> Linked:
    """Removes a link from either of its issues; raises as `link` does."""
    return await _link(desk, actor, issue_key, words, other_key, wanted=False)


async def _link(
    desk: Desk, actor: Actor, issue_key: str, words: str, other_key: str, *, wanted: bool
) -> Linked:
    said = name_among("there is no link", words.replace("-", " "), WORDS)
    async with acting(desk, actor, Act.LINK, issue_key, [other_key]) as act:
        (other,) = act.others
        one = _link_of(act.issue.issue_key, said, other.issue_key)
        if wanted and other.issue_id == act.issue.issue_id:
            raise LinkNotPossible(
                f"{issue_key} and {other_key} are one issue", remedy="Name another issue"
            )
        changed = await (_add(act, one) if wanted else _remove(act, one))
        if changed:
            _note(act, said, wanted)
        return Linked(
            issue_key=act.issue.issue_key,
            words=said,
            other_key=other.issue_key,
            linked=wanted,
            changed=changed,
        )


def _link_of(key: str, words: str, other: str) -> Link:
    """Returns the link as it is stored, by its words from the side of the first key."""
    if words in INVERSE_WORDS:
        return Link(issue_key=key, kind=words, linked_key=other)
    return Link(issue_key=other, kind=inverse_of(words), linked_key=key)


async def _add(act: ActInProgress, one: Link) -> bool:
    if not await has_link(act.connection, one.opposite):
        return await insert_link(act.connection, one)
    if one.kind == RELATES_TO:
        return False
    raise LinkNotPossible(
        f"{one.linked_key} {one.kind} {one.issue_key}, so it cannot be the other way round",
        remedy=f"Remove that first: postrail issues unlink {one.linked_key} {one.kind}"
        f" {one.issue_key}",
    )


async def _remove(act: ActInProgress, one: Link) -> bool:
    removed = await delete_link(act.connection, one)
    if one.kind == RELATES_TO:
        removed = await delete_link(act.connection, one.opposite) or removed
    return removed


def _note(act: ActInProgress, said: str, wanted: bool) -> None:
    """Notes the link in the history of both issues, in the words of each."""
    (other,) = act.others
    own, theirs = f"{said} {other.issue_key}", f"{inverse_of(said)} {act.issue.issue_key}"
    act.changed("link", *((None, own) if wanted else (own, None)))
    act.changed_also(other, "link", *((None, theirs) if wanted else (theirs, None)))
