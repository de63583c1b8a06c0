"""Parses the text of a query: text in, `tree.Query` out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from postrail.query.errors import QueryError, error_at
from postrail.query.tree import (
    Both,
    Call,
    Comparison,
    Either,
    Negation,
    Node,
    Operator,
    Query,
    Sorted,
    Value,
    Word,
    comparisons,
)

MAX_CHARACTERS = 10_000
# Parentheses and NOT within each other; the evaluation of a query is recursive.
MAX_DEPTH = 50

_OPERATOR = f"one of {' '.join(one for one in Operator if not one.value[0].isalpha())}"
# What an error calls the parts of the language that were expected.
_NAMES = {
    "WORD": "a word",
    "QUOTED": "a quoted text",
    "EQUAL": _OPERATOR,
    "UNEQUAL": _OPERATOR,
    "COMPARE": _OPERATOR,
    "DIRECTION": "ASC or DESC",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "$END": "the end",
    "_EMPTY": "EMPTY",
}
# PostgreSQL stores neither NUL nor halves of characters.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_Start = tuple[Node | None, tuple[Sorted, ...]]
_FIRST = ("a word", "a quoted text", _OPERATOR)


def parse(text: str) -> Query:
    """Returns the tree of a query; raises QueryError with the place and what was expected there."""
    if len(text) > MAX_CHARACTERS:
        problem = f"it has {len(text)} characters, and may have {MAX_CHARACTERS}"
        raise QueryError(problem, text, 1, MAX_CHARACTERS + 1)
    if unstorable := _UNSTORABLE.search(text):
        line, column = text.count("\n", 0, unstorable.start()) + 1, 1
        raise QueryError("it has a character that no text can have", text, line, column)
    try:
        # The parser's result is that of the rule `start`.
        condition, order = cast("_Start", _parser().parse(text))
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None
    query = Query(text, condition, order)
    _require_shallow(query)
    return query


def filtered(text: str, *, project: str | None = None, status: str | None = None) -> Query:
    """Returns the query, restricted to a project and a status; raises QueryError."""
    query = parse(text)
    given = {"project": project, "status": status}
    filters: list[Node] = [
        Comparison(Word(field), Operator.EQUAL, (Word(value, 0, 0),))
        for field, value in given.items()
        if value is not None
    ]
    if not filters:
        return query
    parts = [*filters, query.condition] if query.condition else filters
    return Query(text, Both(tuple(parts)), query.order)


@cache
def _parser() -> Lark:
    grammar = (resources.files("postrail") / "query" / "grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", transformer=_Tree())


class _Tree(Transformer[Token, Any]):
    """Makes the tree while the text is parsed; the methods have the names of the rules."""

    def start(self, found: list[Any]) -> _Start:
        condition, order = found
        return condition, order or ()

    def any_of(self, parts: list[Node]) -> Node:
        return Either(tuple(parts))

    def all_of(self, parts: list[Node]) -> Node:
        return Both(tuple(parts))

    def negated(self, parts: list[Node]) -> Node:
        return Negation(parts[0])

    def compared(self, found: list[Any]) -> Node:
        field, operator, value = found
        return Comparison(field, Operator(operator), (value,))

    def is_in(self, found: list[Any]) -> Node:
        return Comparison(found[0], Operator.IN, found[1])

    def is_not_in(self, found: list[Any]) -> Node:
        return Comparison(found[0], Operator.NOT_IN, found[1])

    def is_empty(self, found: list[Any]) -> Node:
        return Comparison(found[0], Operator.IS_EMPTY, ())

    def is_not_empty(self, found: list[Any]) -> Node:
        return Comparison(found[0], Operator.IS_NOT_EMPTY, ())

    def values(self, found: list[Value]) -> tuple[Value, ...]:
        return tuple(found)

    def call(self, found: list[Any]) -> Call:
        name, *arguments = found
        return Call(_word(name), tuple(one for one in arguments if one is not None))

    def name(self, found: list[Token]) -> Word:
        return _word(found[0])

    def order(self, fields: list[Sorted]) -> tuple[Sorted, ...]:
        return tuple(fields)

    def sort_key(self, found: list[Any]) -> Sorted:
        field, direction = found
        return Sorted(field, descending=direction is not None and direction.lower() == "desc")


def _word(token: Token) -> Word:
    text = str(token)
    if token.type == "QUOTED":
        text = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return Word(text, token.line or 1, token.column or 1)


def _require_shallow(query: Query) -> None:
    """Raises QueryError for conditions within each other that are deeper than MAX_DEPTH."""
    waiting = [(query.condition, 1)] if query.condition else []
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, Comparison):
            continue
        if depth > MAX_DEPTH:
            word = next(comparisons([node])).field
            problem = f"more than {MAX_DEPTH} conditions are nested or negated"
            raise error_at(word, query.text, problem, remedy="Use IN, NOT IN and !=")
        parts = (node.part,) if isinstance(node, Negation) else node.parts
        waiting.extend((part, depth + 1) for part in parts)


def _unexpected(error: UnexpectedInput, text: str) -> QueryError:
    """Returns the error of a text that does not follow the grammar."""
    if isinstance(error, UnexpectedToken):
        found, expected = error.token, error.accepts or error.expected
        if found.type == "$END":
            problem, (line, column) = "it ends too early", _end(text)
        else:
            problem, line, column = f"{str(found)!r} is not expected here", error.line, error.column
        return QueryError(problem, text, line, column, remedy=f"Expected: {_listed(expected)}")
    assert isinstance(error, UnexpectedCharacters), "the only other error of the parser"
    problem = f"{error.char!r} is not expected here"
    if error.char in "\"'":
        problem = "a quotation mark is not closed"
    return QueryError(
        problem, text, error.line, error.column, remedy=f"Expected: {_listed(error.allowed or ())}"
    )


def _listed(terminals: Iterable[str]) -> str:
    """Returns the parts of the language by their names; words first, keywords after them."""
    names = [_NAMES.get(name, name.strip("_")) for name in terminals]
    first = [name for name in _FIRST if name in names]
    return ", ".join(first + sorted(set(names) - set(first)))


def _end(text: str) -> tuple[int, int]:
    """Returns the line and column behind the last character."""
    written = text.rstrip()
    return written.count("\n") + 1, len(written) - (written.rfind("\n") + 1) + 1
