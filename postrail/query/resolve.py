"""Resolves the names, people and times of a query: `tree.Query` in, `ResolvedQuery` out."""

from __future__ import annotations

from collections.abc import Iterable

from postrail.query.combined import AllOf, AnyOf, Not
from postrail.query.conditions import (
    Compared,
    Comparing,
    Condition,
    Contains,
    HasWords,
    OneOf,
    Present,
    ResolvedQuery,
    SortKey,
)
from postrail.query.errors import error_at
from postrail.query.fields import OPERATORS, Field, Kind, field_named
from postrail.query.folding import small_letters
from postrail.query.times import span_of
from postrail.query.tree import (
    Both,
    Comparison,
    Either,
    Negation,
    Node,
    Operator,
    Query,
    Value,
    Word,
)
from postrail.query.values import Question, named_values, of_category, plain_word
from postrail.query.vocabulary import Vocabulary

# PostgreSQL searches for words of up to 2 KiB.
MAX_WORD_CHARACTERS = 500

_RANGES: dict[Operator, Comparing] = {
    Operator.LESS: "<",
    Operator.AT_MOST: "<=",
    Operator.MORE: ">",
    Operator.AT_LEAST: ">=",
}
# A higher priority has a lower level.
_BY_LEVEL: dict[Comparing, Comparing] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEGATIVE = {
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.NOT_IN: Operator.IN,
    Operator.CONTAINS_NOT: Operator.CONTAINS,
    Operator.IS_EMPTY: Operator.IS_NOT_EMPTY,
}


def resolve(query: Query, vocabulary: Vocabulary) -> ResolvedQuery:
    """Returns the query with the meaning that it has by this vocabulary.

    Raises QueryError for a name that does not exist, and a value that does not fit its field.
    """
    asked = Question(query.text, vocabulary)
    condition = _condition(query.condition, asked) if query.condition else AllOf(())
    return ResolvedQuery(condition, tuple(_sort_keys(query, asked)))


def _sort_keys(query: Query, asked: Question) -> Iterable[SortKey]:
    for one in query.order:
        field = field_named(one.field, asked.text, asked.vocabulary)
        if not field.sortable:
            raise error_at(one.field, asked.text, f"issues cannot be sorted by {field.name}")
        yield SortKey(field, one.descending)


def _condition(node: Node, asked: Question) -> Condition:
    if isinstance(node, Both):
        return AllOf(tuple(_condition(part, asked) for part in node.parts))
    if isinstance(node, Either):
        return AnyOf(tuple(_condition(part, asked) for part in node.parts))
    if isinstance(node, Negation):
        return Not(_condition(node.part, asked))
    return _comparison(node, asked)


def _comparison(node: Comparison, asked: Question) -> Condition:
    field = field_named(node.field, asked.text, asked.vocabulary)
    if node.operator not in OPERATORS[field.kind]:
        problem = f"{field.name} cannot be compared by {node.operator}"
        listed = ", ".join(OPERATORS[field.kind])
        raise error_at(node.field, asked.text, problem, remedy=f"It has: {listed}")
    if node.operator in _NEGATIVE:
        return _negative(field, _positive(field, _NEGATIVE[node.operator], node.values, asked))
    return _positive(field, node.operator, node.values, asked)


def _negative(field: Field, positive: Condition) -> Condition:
    """Returns the opposite, which an issue without a value does not meet, as in Jira."""
    if isinstance(positive, Present) or field.kind in (Kind.KEY, Kind.PRIORITY, Kind.WORDS):
        return Not(positive)
    return AllOf((Present(field), Not(positive)))


def _positive(
    field: Field, operator: Operator, values: tuple[Value, ...], asked: Question
) -> Condition:
    if operator is Operator.IS_NOT_EMPTY:
        return Present(field)
    if operator is Operator.CONTAINS:
        return _part(field, plain_word(values[0], field, asked), asked)
    if operator in _RANGES:
        return _compared(field, _RANGES[operator], values[0], asked)
    if field.kind is Kind.MOMENT:
        return AnyOf(tuple(_within(field, value, asked) for value in values))
    if field.kind is Kind.DATE:
        days = [span_of(value, asked.text, asked.vocabulary).day for value in values]
        return OneOf(field, tuple(dict.fromkeys(days)))
    if field.name == "category" and not field.custom:
        return of_category(values, asked)
    found = [one for value in values for one in named_values(value, field, asked)]
    return OneOf(field, tuple(dict.fromkeys(found)))


def _part(field: Field, word: Word, asked: Question) -> Condition:
    if field.kind is Kind.WORDS:
        if not any(character.isalnum() for character in word.text):
            raise error_at(word, asked.text, f"{word.text!r} has no words to search for")
        if any(len(one) > MAX_WORD_CHARACTERS for one in word.text.split()):
            problem = f"a word to search for has more than {MAX_WORD_CHARACTERS} characters"
            raise error_at(word, asked.text, problem)
        languages = {project.language for project in asked.vocabulary.projects}
        return HasWords(word.text, tuple(sorted(languages)))
    if not word.text:
        raise error_at(word, asked.text, f"the part of {field.name} to search for is blank")
    text = word.text.lower() if field.kind is Kind.PERSON else small_letters(word.text)
    return Contains(field, text)


def _compared(field: Field, operator: Comparing, value: Value, asked: Question) -> Condition:
    if field.kind is Kind.MOMENT:
        return Compared(field, operator, span_of(value, asked.text, asked.vocabulary).start)
    if field.kind is Kind.DATE:
        return Compared(field, operator, span_of(value, asked.text, asked.vocabulary).day)
    bound = named_values(value, field, asked)[0]
    if field.kind is Kind.PRIORITY:
        operator = _BY_LEVEL[operator]
    return Compared(field, operator, bound)


def _within(field: Field, value: Value, asked: Question) -> Condition:
    """Returns the condition of a time on the day, or in the minute, that the value names."""
    span = span_of(value, asked.text, asked.vocabulary)
    return AllOf((Compared(field, ">=", span.start), Compared(field, "<", span.end)))
