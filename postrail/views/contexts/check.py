"""Finds contexts that no issue can have, and issues that have no context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.load import load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, rows_as
from postrail.issue_queries.matching import resolved_query
from postrail.query import sql
from postrail.query.combined import AllOf, AnyOf, Not
from postrail.query.conditions import Condition, ResolvedQuery
from postrail.query.errors import QueryError
from postrail.query.parse import parse
from postrail.query.prove import implies, never_holds

KEYS_SHOWN = 5
# Relative times move: what is proven of now and of then holds at all times between.
LATER = timedelta(days=36_500)
EVERY_ISSUE: Condition = AllOf(())
CONTRADICTS_ITSELF = "its scope contradicts itself"


@dataclass(frozen=True, kw_only=True, slots=True)
class NeverHad:
    """An enabled context that no issue can have, and why."""

    context: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WithoutContext:
    """The issues of a project that have no context: their number, and the latest of their keys."""

    project: str
    issues: int
    latest: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextsCheck:
    """What `postrail contexts check` finds."""

    # The number of enabled contexts.
    contexts: int
    never: tuple[NeverHad, ...]
    # By project; empty if a context has no scope, or there is no context.
    without: tuple[WithoutContext, ...]


async def check_contexts(connection: Connection, now: datetime) -> ContextsCheck:
    """Returns what is odd about the contexts as they are configured now."""
    snapshot = await load_snapshot(connection)
    contexts = snapshot.enabled_contexts
    never: list[NeverHad] = []
    # Those that issues can have, each with its scope now and later.
    asked: list[tuple[str, tuple[Condition, Condition]]] = []
    for context in contexts:
        try:
            scope = await _scope(connection, context, snapshot, now)
        except QueryError as error:
            never.append(NeverHad(context=context.name, reason=f"its scope is not valid: {error}"))
            continue
        if reason := _never(scope, asked):
            never.append(NeverHad(context=context.name, reason=reason))
        else:
            asked.append((context.name, scope))
    without: list[WithoutContext] = []
    scopes = [now_meant for _, (now_meant, _) in asked]
    if contexts and EVERY_ISSUE not in scopes:
        without = await _without_context(connection, Not(AnyOf(tuple(scopes))))
    return ContextsCheck(contexts=len(contexts), never=tuple(never), without=tuple(without))


async def _scope(
    connection: Connection,
    context: MessageContext,
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> tuple[Condition, Condition]:
    query = parse(context.scope)
    return (
        (await resolved_query(connection, query, snapshot, now)).condition,
        (await resolved_query(connection, query, snapshot, now + LATER)).condition,
    )


def _never(
    scope: tuple[Condition, Condition],
    earlier: Sequence[tuple[str, tuple[Condition, Condition]]],
) -> str:
    """Returns why no issue can have a context of this scope, or ""; `earlier` are asked before."""
    if all(map(never_holds, scope)):
        return CONTRADICTS_ITSELF
    for name, before in earlier:
        if all(implies(one, [other]) for one, other in zip(scope, before, strict=True)):
            return f"all issues of its scope have context {name}, which is asked before"
    together = zip(*(before for _, before in earlier), strict=True)
    if earlier and all(implies(one, others) for one, others in zip(scope, together, strict=True)):
        names = ", ".join(name for name, _ in earlier)
        return f"all issues of its scope have one of the contexts before: {names}"
    return ""


async def _without_context(connection: Connection, condition: Condition) -> list[WithoutContext]:
    where = sql.where(ResolvedQuery(condition, ()))
    return await rows_as(
        connection,
        WithoutContext,
        "SELECT project_key AS project, count(*) AS issues,"  # noqa: S608
        " (array_agg(issue_key ORDER BY number DESC))[:%s] AS latest"
        f" FROM issue WHERE merged_into IS NULL AND {where.sql} GROUP BY 1 ORDER BY 1",
        [KEYS_SHOWN, *where.parameters],
    )
