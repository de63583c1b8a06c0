"""Queries are parsed into trees; errors name the place and what was expected there."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.query.errors import QueryError
from postrail.query.parse import MAX_CHARACTERS, MAX_DEPTH, parse
from postrail.query.tree import (
    Both,
    Call,
    Comparison,
    Either,
    Negation,
    Node,
    Operator,
    Sorted,
    Value,
    Word,
)


def plain(node: Node | None) -> object:
    """Returns a tree as nested tuples of texts, without places."""
    if isinstance(node, Comparison):
        return (node.field.text, str(node.operator), *(plain_value(one) for one in node.values))
    if isinstance(node, Negation):
        return ("NOT", plain(node.part))
    if isinstance(node, Both | Either):
        joint = "AND" if isinstance(node, Both) else "OR"
        return (joint, *(plain(part) for part in node.parts))
    return node


def plain_value(value: Value) -> object:
    if isinstance(value, Call):
        return (value.name.text, *(plain_value(one) for one in value.arguments))
    return value.text


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("status = Done", ("status", "=", "Done")),
        # Spaces are not needed around signs.
        ("status=Done", ("status", "=", "Done")),
        ("a!=1", ("a", "!=", "1")),
        ("a !~ x", ("a", "!~", "x")),
        ("due<=-7d", ("due", "<=", "-7d")),
        ("assignee = ada+x@example.org", ("assignee", "=", "ada+x@example.org")),
        ('"Delivery day" >= "2026-01-31 10:30"', ("Delivery day", ">=", "2026-01-31 10:30")),
        (r"""summary ~ "a \"b\" \\ 'c'" """, ("summary", "~", "a \"b\" \\ 'c'")),
        (r"summary ~ 'it\'s'", ("summary", "~", "it's")),
        ("a in (1, 'x y', f(), g(-1d, h))", ("a", "IN", "1", "x y", ("f",), ("g", "-1d", "h"))),
        ("a in f(x)", ("a", "IN", ("f", "x"))),
        ("a not in (1)", ("a", "NOT IN", "1")),
        ("a is empty", ("a", "IS EMPTY")),
        ("a Is Not Null", ("a", "IS NOT EMPTY")),
        ("a = EMPTY AND a != null", ("AND", ("a", "IS EMPTY"), ("a", "IS NOT EMPTY"))),
        # AND binds more than OR, and NOT more than AND.
        ("a=1 OR b=2 AND NOT c=3", ("OR", ("a", "=", "1"),
            ("AND", ("b", "=", "2"), ("NOT", ("c", "=", "3"))))),
        ("(a=1 OR b=2) AND c=3", ("AND", ("OR", ("a", "=", "1"), ("b", "=", "2")),
            ("c", "=", "3"))),
        ("NOT NOT a=1", ("NOT", ("NOT", ("a", "=", "1")))),
        # Words that begin with a keyword, and keywords in quotation marks.
        ("android = orange", ("android", "=", "orange")),
        ("notes is empty", ("notes", "IS EMPTY")),
        ('"order" = "and"', ("order", "=", "and")),
        # Quoted, EMPTY is a word like others.
        ("labels = 'empty'", ("labels", "=", "empty")),
        ("not(a=1)", ("NOT", ("a", "=", "1"))),
        ("a\n=\t1", ("a", "=", "1")),
    ],
)  # fmt: skip
def test_conditions(text: str, tree: object) -> None:
    assert plain(parse(text).condition) == tree


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("a = 1 ORDER BY updated DESC, 'Delivery day' asc, key",
         [("updated", True), ("Delivery day", False), ("key", False)]),
        ("order by created", [("created", False)]),
    ],
)  # fmt: skip
def test_orders(text: str, order: list[tuple[str, bool]]) -> None:
    found = parse(text).order
    assert [(one.field.text, one.descending) for one in found] == order
    assert all(isinstance(one, Sorted) for one in found)


def test_words_know_their_places() -> None:
    condition = parse("a = 1 AND\n  status IN (Done,\n 'x')").condition
    assert isinstance(condition, Both)
    assert condition.parts[1] == Comparison(
        Word("status", 2, 3), Operator.IN, (Word("Done", 2, 14), Word("x", 3, 2))
    )


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("status Done", (1, 8), "'Done' is not expected here. Expected: one of = != ~"),
        ("a =", (1, 4), "it ends too early. Expected: a word, a quoted text, EMPTY."),
        ("a = 1 AND", (1, 10), "it ends too early. Expected: a word, a quoted text, (, NOT."),
        ("a = 1\nAND \n", (2, 4), "it ends too early"),
        ("a = 1 b", (1, 7), "'b' is not expected here. Expected: (, AND, OR, ORDER, the end."),
        ("a = 1\n  )", (2, 3), "')' is not expected here"),
        ("a in 5", (1, 7), "it ends too early. Expected: (."),
        ("a in ()", (1, 7), "')' is not expected here. Expected: a word, a quoted text."),
        ("a is 5", (1, 6), "'5' is not expected here. Expected: EMPTY, NOT."),
        ('a = "x', (1, 5), "a quotation mark is not closed"),
        ("a ? 1", (1, 3), "'?' is not expected here"),
        ("a = 1 ORDER BY", (1, 15), "it ends too early"),
        ("a = 1 ORDER updated", (1, 13), "'updated' is not expected here. Expected: BY."),
        ("a = 'x\0'", (1, 1), "it has a character that no text can have"),
        ("NOT " * (MAX_DEPTH + 1) + "a = 1", (1, 205), "more than 50 conditions are nested"),
        ("a" * (MAX_CHARACTERS + 1), (1, MAX_CHARACTERS + 1), "it has 10001 characters"),
    ],
)
def test_errors_name_the_place(text: str, place: tuple[int, int], problem: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse(text)
    assert (raised.value.line, raised.value.column) == place
    said = str(raised.value)
    assert problem in said.splitlines()[0] + ". " + said.splitlines()[-1] + "."


def test_the_place_is_marked_in_its_line() -> None:
    with pytest.raises(QueryError) as raised:
        parse("a = 1 AND\nstatus Done")
    assert raised.value.problem.splitlines()[1:] == ["    status Done", "           ^"]


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    with pytest.raises(QueryError) as raised:
        parse("a = 1 AND " * 90 + "status Done OR " + "b = 2 AND " * 20)
    _, shown, mark = raised.value.problem.splitlines()
    assert len(shown) <= 104
    assert shown[mark.index("^") :].startswith("Done OR")


def test_parentheses_alone_are_not_too_deep() -> None:
    assert plain(parse("(" * 1000 + "a=1" + ")" * 1000).condition) == ("a", "=", "1")


def test_grammar_and_migrations_are_read_in_a_locale_of_ascii() -> None:
    program = (
        "from postrail.database import migration_files; from postrail.query.parse import parse;"
        "assert parse('a = 1').condition; print(any('Ä' in text for *_, text in migration_files()))"
    ).replace("Ä", r"\xc4")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **ascii_only},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


@given(st.text(alphabet="aA1 ()=!<>~,\"'\\\n-+@\0ä", max_size=40))
def test_any_text_is_a_query_or_an_error_with_a_place(text: str) -> None:
    with contextlib.suppress(ReadableError):
        parsed_or_readable(text)


class ReadableError(Exception):
    """A QueryError with a place in the text."""


def parsed_or_readable(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        within = error.line <= text.count("\n") + 1 and 1 <= error.column <= len(text) + 1
        raise (ReadableError() if within else AssertionError(str(error))) from error
