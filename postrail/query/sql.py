"""Writes a resolved query as SQL: a condition and an order for rows of the table issue.

This package may name the tables of the built-in tracker, to read them. Each condition is true or
false for each row, never NULL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from postrail.query.combined import AllOf, AnyOf, Not, leaves
from postrail.query.conditions import (
    Compared,
    Condition,
    Contains,
    HasWords,
    OneOf,
    Present,
    ResolvedQuery,
    SortKey,
)
from postrail.query.fields import BUILT_IN, Field, Kind

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
# Soft hyphens and fillers are no part of a word. PostgreSQL reads this, too.
FILLERS = re.compile(r"[\u00ad\u034f\u200b\ufeff]")
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
_PART_CHARACTERS = 3
_WITHOUT_PARTS = {" AND ": "true", " OR ": "false"}
# The index of custom_value has the beginnings of texts.
_INDEXED_CHARACTERS = 200


@dataclass(slots=True)
class Statement:
    """SQL with its parameters."""

    sql: str
    parameters: list[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hints:
    """Facts about the rows that make statements faster, and change nothing else."""

    # All addresses of persons. A part of an assignee's address becomes the few that have it. None:
    # they are not known.
    people: Sequence[str] | None = None
    # Words in too many rows of issue_text for an index to save time. PostgreSQL
    # does not know it: it takes the parts of a text for independent of each other.
    common_words: Collection[str] = ()
    # Texts to search for that few rows have: the index is asked before anything else.
    rare_texts: Collection[str] = ()
    # The statement names the few rows that it is about: no index finds them sooner.
    few_rows: bool = False


def where(query: ResolvedQuery, hints: Hints | None = None) -> Statement:
    """Returns the condition, for the clause WHERE of a statement that reads the table issue."""
    hints = hints or Hints()
    condition = query.condition
    if hints.people is not None:
        condition = _with_assignees(condition, hints.people)
    return _Writer(hints).condition(condition)


def searches(condition: Condition) -> list[Contains | HasWords]:
    """Returns the conditions on parts and words of texts, for which hints are of use."""
    return [one for one in leaves(condition) if isinstance(one, Contains | HasWords)]


def _with_assignees(condition: Condition, people: Sequence[str]) -> Condition:
    """Returns the condition with addresses in the place of parts of assignees' addresses."""
    match condition:
        case AllOf(parts):
            return AllOf(tuple(_with_assignees(part, people) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_with_assignees(part, people) for part in parts))
        case Not(part):
            return Not(_with_assignees(part, people))
        case Contains(of, text) if of == BUILT_IN["assignee"]:
            return OneOf(of, tuple(address for address in people if text in address))
        case _:
            return condition


def order_by(query: ResolvedQuery) -> Statement:
    """Returns the order, for ORDER BY: by default the last change first; it is always complete."""
    parts = [_sorted(key) for key in query.order] or [Statement("issue.changed_at DESC")]
    last = Statement("issue.number DESC, issue.issue_key")
    return _joined([*parts, last], ", ")


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes conditions by what is known about the rows."""

    hints: Hints

    def condition(self, condition: Condition) -> Statement:
        match condition:
            case AllOf(parts):
                return _joint([self.condition(part) for part in parts], " AND ")
            case AnyOf(parts):
                return _joint([self.condition(part) for part in parts], " OR ")
            case Not(part):
                inner = self.condition(part)
                return Statement(f"NOT {inner.sql}", inner.parameters)
            case HasWords(words, languages):
                return _has_words(words, languages, rare=words in self.hints.rare_texts)
            case OneOf(of) | Contains(of) | Compared(of) | Present(of):
                test, prefix = _of_field(of, condition), _prefix(of)
                if isinstance(condition, Contains) and prefix is not None:
                    return self._with_parts(prefix, condition.part, test)
                return test

    def _with_parts(self, prefix: str, part: str, test: Statement) -> Statement:
        """Returns the test behind a search for the parts of a text, which an index answers."""
        parts = _parts(part)
        common = self.hints.common_words
        if self.hints.few_rows or all(prefix + one in common for one in parts):
            return test
        found = _first_found("comment_id IS NULL AND words @@ %s::tsquery")
        return Statement(
            f"({found} AND {test.sql})", [_parts_query(prefix, parts), *test.parameters]
        )


def _first_found(test: str) -> str:
    """Returns the test of an issue whose texts the index finds, before issues are read at all.

    PostgreSQL cannot know how rare a word is that it has no statistics of, and would read the
    issues in their order, each with its texts, until enough have it.
    """
    return f"issue.issue_key = ANY(ARRAY(SELECT issue_key FROM issue_text WHERE {test}))"


def _joint(parts: list[Statement], joint: str) -> Statement:
    inner = _joined(parts, joint)
    return Statement(f"({inner.sql or _WITHOUT_PARTS[joint]})", inner.parameters)


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
    return test


def _test(value: str, kind: Kind, condition: Condition) -> Statement:
    """Returns the test of one value, which is not NULL."""
    type_name = _TYPES.get(kind, "text")
    match condition:
        case OneOf(_, values):
            # With one value, an index on it has the rows in the order of the list.
            if len(values) == 1:
                return Statement(f"{value} = %s::{type_name}", [values[0]])
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


def _watched(condition: Condition) -> Statement:
    test = _test("watcher.address", Kind.PERSON, condition)
    if isinstance(condition, Contains):
        test.sql += " AND search_parts('', watcher.address) @@ %s::tsquery"
        test.parameters.append(_parts_query("", _parts(condition.part)))
    return Statement(
        "EXISTS (SELECT 1 FROM watcher JOIN issue_index USING (issue_id)"
        " WHERE issue_index.tracker = 'builtin' AND issue_index.issue_key = issue.issue_key"
        f" AND {test.sql})",
        test.parameters,
    )


def _custom(of: Field, condition: Condition) -> Statement:
    column = _CUSTOM_COLUMNS.get(of.kind, "text_value")
    test = _test(f"value.{column}", of.kind, condition)
    if isinstance(condition, OneOf) and column == "text_value":
        _use_index(test, [str(one) for one in condition.values])
    return Statement(
        "EXISTS (SELECT 1 FROM custom_value AS value WHERE value.issue_key = issue.issue_key"
        f" AND value.project_key = ANY(%s) AND value.field = %s AND {test.sql})",
        [list(of.projects), of.name, *test.parameters],
    )


def _use_index(test: Statement, values: list[str]) -> None:
    """Lets the test compare the beginnings of texts; those of short ones are the whole texts."""
    indexed = f"left(value.text_value, {_INDEXED_CHARACTERS}) = ANY(%s::text[])"
    beginnings = [value[:_INDEXED_CHARACTERS] for value in values]
    if all(len(value) < _INDEXED_CHARACTERS for value in values):
        test.sql, test.parameters = indexed, [beginnings]
    else:
        test.sql += f" AND {indexed}"
        test.parameters.append(beginnings)


def _has_words(words: str, languages: tuple[str, ...], *, rare: bool) -> Statement:
    query = " || ".join(
        ["websearch_to_tsquery('simple', %s)"]
        + ["websearch_to_tsquery(search_configuration(%s), %s)"] * len(languages)
    )
    asked = plain_words(words)
    found = (
        "EXISTS (SELECT 1 FROM issue_text WHERE issue_text.issue_key = issue.issue_key"
        f" AND issue_text.words @@ ({query}))"
    )
    return Statement(
        _first_found(f"words @@ ({query})") if rare else found,
        [asked, *(part for language in languages for part in (language, asked))],
    )


def plain_words(words: str) -> str:
    """Returns the words as the stored texts have them: e-mail is the phrase "e mail"."""
    words = FILLERS.sub("", words)
    return " ".join(_plain(one) for one in re.findall(r'-?"[^"]*"|\S+', words))


def _plain(word: str) -> str:
    sign = "-" if word.startswith("-") else ""
    cut = re.sub(r"[_~/<@.-]", " ", word.removeprefix("-").strip('"')).strip()
    return f'{sign}"{cut}"' if " " in cut else sign + cut


def _prefix(of: Field) -> str | None:
    """Returns the prefix of the field's parts in issue_text, if they are there."""
    return None if of.custom else _PARTS.get(of.name)


def _parts(part: str) -> list[str]:
    """Returns the parts of three characters; a shorter one is the beginning of some."""
    found = (part[start : start + 3] for start in range(max(1, len(part) - 2)))
    return list(dict.fromkeys(found))[:_MOST_PARTS]


def _parts_query(prefix: str, parts: list[str]) -> str:
    """Returns the tsquery that finds all the parts."""
    return " & ".join(
        _lexeme(prefix + one) + (":*" if len(one) < _PART_CHARACTERS else "") for one in parts
    )


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
