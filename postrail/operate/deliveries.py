"""Releases, retries, cancels or settles deliveries by hand: those of one message, or many."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.notifications.entries import delivered_entry
from postrail.outgoing import by_hand, suppressions, unconfirmed
from postrail.outgoing.bundles import pending
from postrail.outgoing.by_hand import Key
from postrail.outgoing.unconfirmed import Outcome
from postrail.stream import outbox
from postrail.tracker import issues
from postrail.views.outgoing import (
    OutgoingRow,
    deliveries_in,
    deliveries_of,
    of_recipient,
    waiting,
)

# For a bundle or a digest: it is no delivery yet.
WAITING = "waiting"


@dataclass(frozen=True, kw_only=True)
class Act:
    """What a person may do to deliveries in some states."""

    word: str
    # The participle of the word.
    done: str
    states: frozenset[str]
    # Those of the states whose deliveries a selection of many includes without being asked to.
    unasked: frozenset[str]
    # It sends them, and so leaves out suppressed addresses.
    sends: bool = True
    # It says what has become of them.
    outcome: Outcome | None = None


RELEASE = Act(
    word="release", done="released", states=frozenset({"held"}), unasked=frozenset({"held"})
)
# The recipient of an unconfirmed one may have it already, and a failed one may be years old.
RETRY = Act(
    word="retry",
    done="retried",
    states=frozenset({"deferred", "failed", "unconfirmed"}),
    unasked=frozenset({"deferred"}),
)
CANCEL = Act(
    word="cancel",
    done="cancelled",
    states=frozenset({"queued", "deferred", "held", "unconfirmed", WAITING}),
    unasked=frozenset({"queued", "deferred", "held", WAITING}),
    sends=False,
)


SETTLE: Mapping[Outcome, Act] = {
    outcome: Act(
        word="settle",
        done="settled",
        states=frozenset({"unconfirmed"}),
        unasked=frozenset({"unconfirmed"}),
        sends=False,
        outcome=outcome,
    )
    for outcome in ("sent", "failed")
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which deliveries are meant; None: all."""

    state: str | None = None
    issue_key: str | None = None
    recipient: str | None = None
    # The outgoing connection.
    over: str | None = None
    # Words of the server's reply, or of why they are held, such as the name of a limit.
    reason: str | None = None
    # Of messages that were queued at this time or later.
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The deliveries that an act would change, and those to suppressed addresses."""

    chosen: list[OutgoingRow]
    # They stay as they are until their addresses are released.
    suppressed: list[OutgoingRow]


async def of_message(
    connection: Connection, act: Act, outgoing_id: str, recipient: str | None
) -> Selection:
    """Returns the deliveries of a message that the act changes, or the one to this recipient.

    The id may be shortened as in `deliveries_of`. Raises PermanentError when there are none.
    """
    found = await deliveries_of(connection, outgoing_id)
    wanted = of_recipient(found, recipient)
    selected = await _selected(connection, act, [row for row in wanted if row.state in act.states])
    if not selected.chosen:
        if act.sends:
            await _require_in_use(connection, [row.recipient for row in wanted])
        states = ", ".join(f"{row.recipient} {row.state}" for row in found)
        raise PermanentError(
            f"no such delivery of message {found[0].outgoing_id} is {_either(act)}: {states}",
            remedy=f"See: postrail outgoing show {found[0].outgoing_id[:8]}",
        )
    return selected


async def all_that_match(connection: Connection, act: Act, filters: Filters) -> Selection:
    """Returns all deliveries that the act changes and that match, oldest first.

    Raises PermanentError for a state that the act has no use for.
    """
    if filters.state and filters.state not in act.states:
        raise PermanentError(
            f"{filters.state} deliveries cannot be {act.done}",
            remedy=f"Give one of these states: {', '.join(sorted(act.states))}",
        )
    states = {filters.state} if filters.state else act.unasked
    found = await deliveries_in(
        connection,
        states,
        issue_key=filters.issue_key,
        recipient=filters.recipient,
        over=filters.over,
        reason=filters.reason,
        since=filters.since,
    )
    # Nothing has given a reason yet for what only waits.
    if WAITING in states and filters.reason is None:
        found += await waiting(
            connection,
            limit=None,
            issue_key=filters.issue_key,
            recipient=filters.recipient,
            over=filters.over,
        )
    return await _selected(connection, act, found)


async def carry_out(
    connection: Connection, act: Act, selection: Selection, by: str, now: datetime
) -> list[OutgoingRow]:
    """Carries out the act, and notes who did it; returns the changed deliveries as they were.

    What has changed its state in the meantime stays as it is, and so does what is suppressed now.
    """
    waits = [row.key for row in selection.chosen if row.state == WAITING]
    keys = [row.key for row in selection.chosen if row.state != WAITING]
    changed = set(await _cancel_waiting(connection, waits))
    changed.update(await _store(connection, act, keys, by, now))
    rows = [row for row in selection.chosen if row.key in changed]
    if not act.sends:
        await _announce_ended(connection, act, rows, by, now)
    return rows


async def _store(
    connection: Connection, act: Act, keys: Sequence[Key], by: str, now: datetime
) -> Sequence[Key]:
    if act.outcome:
        return await unconfirmed.settle(connection, keys, act.outcome, by, now)
    store = by_hand.send if act.sends else by_hand.cancel
    return await store(connection, keys, act.states, by, now)


async def _cancel_waiting(connection: Connection, keys: Sequence[Key]) -> Sequence[Key]:
    """Drops what waits for bundles and digests; locks its issues, as those who send it do."""
    if not keys:
        return []
    issue_ids = await pending.issues_of(connection, {outgoing_id for outgoing_id, _ in keys})
    await issues.lock(connection, issue_ids)
    return await pending.cancel(connection, keys)


async def _require_in_use(connection: Connection, addresses: Collection[str]) -> None:
    """Raises PermanentError if one of the addresses is suppressed: nothing is sent to it."""
    for address in await suppressions.suppressed(connection, addresses):
        raise PermanentError(
            f"{address} is suppressed, as messages to it came back",
            remedy=f"Release it: postrail outgoing suppressed release {address}",
        )


async def _announce_ended(
    connection: Connection, act: Act, rows: Sequence[OutgoingRow], by: str, now: datetime
) -> None:
    """Publishes the end of these deliveries, as the sender does with its own results."""
    entries = [
        delivered_entry(
            row,
            state=act.outcome or "cancelled",
            reply=f"Settled by {by}: {row.reply}" if act.outcome else f"Cancelled by {by}",
            maybe_twice=row.maybe_twice,
            now=now,
        )
        for row in rows
        if row.state != WAITING
    ]
    await outbox.add(connection, entries, now)


async def _selected(connection: Connection, act: Act, found: Sequence[OutgoingRow]) -> Selection:
    if not act.sends:
        return Selection(chosen=list(found), suppressed=[])
    addresses = {row.recipient for row in found}
    out_of_use = set(await suppressions.suppressed(connection, addresses))
    return Selection(
        chosen=[row for row in found if row.recipient not in out_of_use],
        suppressed=[row for row in found if row.recipient in out_of_use],
    )


def _either(act: Act) -> str:
    *others, last = sorted(act.states)
    return f"{', '.join(others)} or {last}" if others else last
