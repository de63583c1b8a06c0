"""Writes parts of a query as text that means the same. Pure."""

from __future__ import annotations

import re

from postrail.query.tree import Both, Comparison, Either, Negation, Node, Operator, Value, Word

_PLAIN = re.compile(r"""[^\s"'()=!<>~,]+""")
_KEYWORDS = frozenset(
    {"or", "and", "not", "in", "is", "empty", "null", "order", "by", "asc", "desc"}
)
_WITHOUT_VALUES = (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY)
_OF_LISTS = (Operator.IN, Operator.NOT_IN)


def written(node: Node) -> str:
    """Returns the text of a condition."""
    match node:
        case Comparison():
            return _comparison(node)
        case Negation(part):
            return f"NOT {_inner(part)}"
        case Both(parts):
            return " AND ".join(
                f"({written(one)})" if isinstance(one, Either) else written(one) for one in parts
            )
        case Either(parts):
            return " OR ".join(map(written, parts))


def _inner(node: Node) -> str:
    return f"({written(node)})" if isinstance(node, Both | Either) else written(node)


def _comparison(node: Comparison) -> str:
    field, operator = _word(node.field), node.operator
    if operator in _WITHOUT_VALUES:
        return f"{field} {operator}"
    values = ", ".join(map(_value, node.values))
    return (
        f"{field} {operator} ({values})"
        if operator in _OF_LISTS
        else f"{field} {operator} {values}"
    )


def _value(value: Value) -> str:
    if isinstance(value, Word):
        return _word(value)
    return f"{value.name.text}({', '.join(map(_value, value.arguments))})"


def _word(word: Word) -> str:
    if _PLAIN.fullmatch(word.text) and word.text.lower() not in _KEYWORDS:
        return word.text
    return '"' + re.sub(r'(["\\])', r"\\\1", word.text) + '"'
