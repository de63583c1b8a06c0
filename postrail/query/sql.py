"""Writes a resolved query as SQL: a condition and an order for rows of the table issue.

This package may name the tables of the built-in tracker, to read them. Each condition is true or
false for each row, never NULL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from postrail.query.conditions import (
    AllOf,
    AnyOf,
    Compared,
    Condition,
    Contains,
    HasWords,
    Not,
    OneOf,
    Present,
    ResolvedQuery,
    SortKey,
)
from postrail.query.fields import Field, Kind

_COLUMNS = {
    "key": "issue.issue_key",
    "project": "issue.project_key",
    "type": "issue.issue_type",
    "status": "issue.status",
    "resolution": "issue.resolution",
    "priority": "issue.priority",
    "assignee": "issue.assignee",
    "reporter": "issue.reporter_address",
    "labels": "issue.labels",
    "components": "issue.components",
    "summary": "issue.summary",
    "created": "issue.created_at",
    "updated": "issue.changed_at",
    "resolved": "issue.resolved_at",
    "due": "issue.due_on",
}
_NULLABLE = {"resolution", "assignee", "resolved", "due"}
_TYPES = {
    Kind.PRIORITY: "smallint",
    Kind.MOMENT: "timestamptz",
    Kind.DATE: "date",
    Kind.NUMBER: "numeric",
}
# The column of custom_value that has the values of a kind.
_CUSTOM_COLUMNS = {Kind.NUMBER: "number_value", Kind.DATE: "date_value"}
# The parts of these are in issue_text, behind a prefix (see `tracker.builtin.search_text`).
_PARTS = {"summary": ":s", "reporter": ":r"}
# Further parts would hardly exclude more issues.
_MOST_PARTS = 40
# The index of custom_value has the beginnings of texts.
_INDEXED_CHARACTERS = 200


@dataclass(slots=True)
class Statement:
    """SQL with its parameters."""

    sql: str
    parameters: list[object] = field(default_factory=list)


def where(query: ResolvedQuery) -> Statement:
    """Returns the condition, for the clause WHERE of a statement that reads the table issue."""
    return _condition(query.condition)


def order_by(query: ResolvedQuery) -> Statement:
    """Returns the order, for ORDER BY: by default the last change first; it is always complete."""
    parts = [_sorted(key) for key in query.order] or [Statement("issue.changed_at DESC")]
    last = Statement("issue.number DESC, issue.issue_key")
    return _joined([*parts, last], ", ")


def _condition(condition: Condition) -> Statement:
    match condition:
        case AllOf(parts):
            return _all(parts, " AND ", empty="true")
        case AnyOf(parts):
            return _all(parts, " OR ", empty="false")
        case Not(part):
            inner = _condition(part)
            return Statement(f"NOT {inner.sql}", inner.parameters)
        case HasWords(words, languages):
            return _has_words(words, languages)
        case OneOf(of) | Contains(of) | Compared(of) | Present(of):
            return _of_field(of, condition)


def _all(parts: Iterable[Condition], joint: str, *, empty: str) -> Statement:
    inner = _joined([_condition(part) for part in parts], joint)
    return Statement(f"({inner.sql or empty})", inner.parameters)


def _joined(parts: list[Statement], joint: str) -> Statement:
    return Statement(
        joint.join(part.sql for part in parts), [one for part in parts for one in part.parameters]
    )


def _of_field(of: Field, condition: Condition) -> Statement:
    if of.custom:
        return _custom(of, condition)
    if of.name == "watcher":
        return _watched(condition)
    column = _COLUMNS[of.name]
    if of.kind is Kind.NAMES:
        return _several(column, condition)
    present = f"{column} <> ''" if of.name == "reporter" else f"{column} IS NOT NULL"
    if isinstance(condition, Present):
        return Statement(present if of.name in (*_NULLABLE, "reporter") else "true")
    test = _test(column, of.kind, condition)
    if of.name in _NULLABLE:
        test.sql = f"({present} AND {test.sql})"
    if isinstance(condition, Contains) and of.name in _PARTS:
        return _with_parts(_PARTS[of.name], condition.part, test)
    if isinstance(condition, Contains) and of.name == "assignee":
        return _assigned(condition.part, test)
    return test


def _test(value: str, kind: Kind, condition: Condition) -> Statement:
    """Returns the test of one value, which is not NULL."""
    type_name = _TYPES.get(kind, "text")
    match condition:
        case OneOf(_, values):
            return Statement(f"{value} = ANY(%s::{type_name}[])", [list(values)])
        case Contains(_, part):
            text = value if kind is Kind.PERSON else f"folded({value})"
            return Statement(f"position(%s::text in {text}) > 0", [part])
        case Compared(_, operator, bound):
            return Statement(f"{value} {operator} %s::{type_name}", [bound])
        case _:
            return Statement("true")


def _several(column: str, condition: Condition) -> Statement:
    present = f"{column} <> '{{}}'"
    if isinstance(condition, OneOf):
        return Statement(f"({present} AND {column} && %s::text[])", [list(condition.values)])
    return Statement(f"({present})")


def _with_parts(prefix: str, part: str, test: Statement) -> Statement:
    """Returns the test behind a search for the parts, which an index answers."""
    found = (
        "EXISTS (SELECT 1 FROM issue_text WHERE issue_text.issue_key = issue.issue_key"
        " AND issue_text.comment_id IS NULL AND issue_text.words @@ %s::tsquery)"
    )
    return Statement(f"({found} AND {test.sql})", [_parts(prefix, part), *test.parameters])


def _assigned(part: str, test: Statement) -> Statement:
    """Returns the test behind a look-up of the assignees with this part, who are not many."""
    people = (
        "issue.assignee = ANY(ARRAY(SELECT address FROM person_address"
        " WHERE position(%s::text in address) > 0))"
    )
    return Statement(f"({test.sql} AND {people})", [*test.parameters, part])


def _watched(condition: Condition) -> Statement:
    test = _test("watcher.address", Kind.PERSON, condition)
    if isinstance(condition, Contains):
        test.sql += " AND search_parts('', watcher.address) @@ %s::tsquery"
        test.parameters.append(_parts("", condition.part))
    return Statement(
        "EXISTS (SELECT 1 FROM watcher JOIN issue_index USING (issue_id)"
        " WHERE issue_index.tracker = 'builtin' AND issue_index.issue_key = issue.issue_key"
        f" AND {test.sql})",
        test.parameters,
    )


def _custom(of: Field, condition: Condition) -> Statement:
    column = f"value.{_CUSTOM_COLUMNS.get(of.kind, 'text_value')}"
    test = _test(column, of.kind, condition)
    if isinstance(condition, OneOf) and of.kind not in _CUSTOM_COLUMNS:
        test.sql += f" AND left(value.text_value, {_INDEXED_CHARACTERS}) = ANY(%s)"
        test.parameters.append([str(one)[:_INDEXED_CHARACTERS] for one in condition.values])
    return Statement(
        "EXISTS (SELECT 1 FROM custom_value AS value WHERE value.issue_key = issue.issue_key"
        f" AND value.project_key = ANY(%s) AND value.field = %s AND {test.sql})",
        [list(of.projects), of.name, *test.parameters],
    )


def _has_words(words: str, languages: tuple[str, ...]) -> Statement:
    query = " || ".join(
        ["websearch_to_tsquery('simple', %s)"]
        + ["websearch_to_tsquery(search_configuration(%s), %s)"] * len(languages)
    )
    asked = plain_words(words)
    return Statement(
        "EXISTS (SELECT 1 FROM issue_text WHERE issue_text.issue_key = issue.issue_key"
        f" AND issue_text.words @@ ({query}))",
        [asked, *(part for language in languages for part in (language, asked))],
    )


def plain_words(words: str) -> str:
    """Returns the words as the stored texts have them: e-mail is the phrase "e mail"."""
    return " ".join(_plain(one) for one in re.findall(r'-?"[^"]*"|\S+', words))


def _plain(word: str) -> str:
    sign = "-" if word.startswith("-") else ""
    cut = re.sub(r"[_~/<@.-]", " ", word.removeprefix("-").strip('"')).strip()
    return f'{sign}"{cut}"' if " " in cut else sign + cut


def _parts(prefix: str, part: str) -> str:
    """Returns the tsquery that finds all parts of three characters, or one that begins so."""
    if len(part) < 3:
        return f"{_lexeme(prefix + part)}:*"
    parts = dict.fromkeys(part[start : start + 3] for start in range(len(part) - 2))
    return " & ".join(_lexeme(prefix + one) for one in list(parts)[:_MOST_PARTS])


def _lexeme(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _sorted(key: SortKey) -> Statement:
    # The highest priority has the lowest level.
    direction = "DESC" if key.descending != (key.field.kind is Kind.PRIORITY) else "ASC"
    if key.field.custom:
        column = _CUSTOM_COLUMNS.get(key.field.kind, "text_value")
        value = (
            f"(SELECT {column} FROM custom_value WHERE custom_value.issue_key = issue.issue_key"
            " AND custom_value.field = %s LIMIT 1)"
        )
        return Statement(f"{value} {direction} NULLS LAST", [key.field.name])
    if key.field.name == "key":
        return Statement(f"issue.project_key {direction}, issue.number {direction}")
    last = " NULLS LAST" if key.field.name in _NULLABLE else ""
    return Statement(f"{_COLUMNS[key.field.name]} {direction}{last}")
