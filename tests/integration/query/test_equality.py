"""The evaluation of queries by PostgreSQL equals that in memory, in each kind of locale."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings

from postrail.database import Connection, migrate
from postrail.query import sql
from postrail.query.fields import BUILT_IN
from postrail.query.folding import CAPITAL_LETTERS, small_letters
from postrail.query.memory import matches
from postrail.query.parse import parse
from postrail.query.resolve import resolve
from tests.integration.query.population import (
    PEOPLE,
    QUERIES,
    VOCABULARY,
    RandomIssue,
    random_issues,
    store_all,
)
from tests.servers import databases

ISSUES = 150
EXAMPLES = 150
LOCALES = {
    "c-utf-8": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    "unicode": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST'",
    "c": "LOCALE_PROVIDER libc LOCALE 'C'",
}


@dataclass
class Filled:
    """A database with random issues, and the same issues in memory."""

    runner: asyncio.Runner
    connection: Connection
    issues: list[RandomIssue]

    def found(self, query: str, hints: sql.Hints | None = None) -> set[str]:
        where = sql.where(resolve(parse(query), VOCABULARY), hints)
        statement = f"SELECT issue_key FROM issue WHERE {where.sql}"
        return set(self.runner.run(self._list(statement, where.parameters)))

    def sorted(self, query: str) -> list[str]:
        resolved = resolve(parse(query), VOCABULARY)
        order = sql.order_by(resolved)
        statement = f"SELECT issue_key FROM issue ORDER BY {order.sql}"
        return self.runner.run(self._list(statement, order.parameters))

    async def _list(self, statement: str, parameters: list[object]) -> list[str]:
        cursor = await self.connection.execute(statement.encode(), parameters)
        return [key for (key,) in await cursor.fetchall()]


@pytest.fixture(scope="module", params=LOCALES)
def filled(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[Filled]:
    with database_in(postgres_server, LOCALES[request.param]) as url, asyncio.Runner() as runner:
        issues = random_issues(random.Random(request.param), ISSUES)
        connection = runner.run(fill(url, issues))
        yield Filled(runner, connection, issues)
        runner.run(connection.close())


@contextmanager
def database_in(admin_url: str, locale: str) -> Iterator[str]:
    url = databases.url_of(admin_url, f"locale_{random.randbytes(6).hex()}")
    name = url.rpartition("/")[2]
    with psycopg.connect(admin_url, autocommit=True) as connection:
        made = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {locale}"
        connection.execute(made.encode())
    yield url
    databases.drop_database(admin_url, url)


async def fill(url: str, issues: list[RandomIssue]) -> Connection:
    await migrate(url)
    connection: Connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection.transaction():
        await store_all(connection, issues)
    return connection


def test_both_evaluations_find_the_same_issues(filled: Filled) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(query=QUERIES)
    @example(query='assignee ~ "a"')
    def compare(query: str) -> None:
        """Compares the evaluations with and without hints, and with the opposite of the query."""
        condition = resolve(parse(query), VOCABULARY).condition
        in_memory = {one.key for one in filled.issues if matches(condition, one.values)}
        assert filled.found(query) == in_memory
        for hints in (
            sql.Hints(PEOPLE),
            sql.Hints(PEOPLE, common_words=EveryWord()),
            sql.Hints(few_rows=True),
        ):
            assert filled.found(query, hints) == in_memory
        # Every condition is true or false: its opposite finds exactly the others.
        assert filled.found(f"NOT ({query})") == {one.key for one in filled.issues} - in_memory

    compare()


class EveryWord(set[str]):
    """Words of which each one is common."""

    def __contains__(self, word: object) -> bool:
        return True


@pytest.mark.parametrize(
    "name", [*(one.name for one in BUILT_IN.values() if one.sortable), "Size", "color", "Remark"]
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_issues_are_sorted_by_each_field(filled: Filled, name: str, direction: str) -> None:
    found = filled.sorted(f"ORDER BY {name} {direction}")
    issues = {one.key: one for one in filled.issues}
    assert sorted(found) == sorted(issues)
    value_name = f"field:{name.title()}" if name not in BUILT_IN else name
    values = [issues[key].values.get(value_name, []) for key in found]
    present = [value[0] for value in values if value]
    # Issues without a value are last; the reporter is a blank text then.
    assert name == "reporter" or values[: len(present)] == [[value] for value in present]
    if name in ("priority", "created", "updated", "resolved", "due", "Size"):
        # The lowest level is the highest priority.
        descending = (direction == "DESC") != (name == "priority")
        assert present == sorted(present, reverse=descending)


def test_letters_are_made_small_in_the_same_way(filled: Filled) -> None:
    """All characters that text may have, in one text: each keeps its place."""
    text = "".join(chr(code) for code in [*range(1, 0xD800), *range(0xE000, 0x20000)])

    async def of_the_database() -> str:
        cursor = await filled.connection.execute("SELECT folded(%s)", [text])
        ((small,),) = await cursor.fetchall()
        return str(small)

    assert filled.runner.run(of_the_database()) == small_letters(text)
    assert len(small_letters(text)) == len(text)
    assert small_letters("ÄRGER Ж ΑΒ " + CAPITAL_LETTERS) != CAPITAL_LETTERS


@pytest.mark.parametrize("words", ["printer", "drucker -im", '"on fire" or горит', "nowhere"])
def test_rare_and_common_words_find_the_same(filled: Filled, words: str) -> None:
    hints = sql.Hints(rare_texts={words})
    for query in ("text ~ {}", "NOT text ~ {}", "text ~ {} OR key = HELP-1", "text !~ {}"):
        asked = query.format("'" + words + "'")
        assert filled.found(asked, hints) == filled.found(asked)
    assert bool(filled.found(f"text ~ '{words}'", hints)) == (words != "nowhere")
