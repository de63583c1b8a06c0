"""Random issues, as rows of the database and as values in memory, and queries that fit them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from postrail.configuration import store
from postrail.configuration.models.project import Project
from postrail.database import Connection
from postrail.query.conditions import FieldValue
from postrail.query.vocabulary import FieldWords, ProjectWords, Vocabulary
from postrail.tracker.builtin.search_text import write_issue_words
from tests.makers.records import NOON

PEOPLE = ["ada@example.org", "ada@home.example", "bob@example.com", "o'neil\\x@example.org"]
STRANGERS = ["kunde@post.example", "клиент@пример.рф", "", "%_@example.org"]
LABELS = ["urgent", "Urgent", "a b", 'say "hi"', "größe", "{}"]
SUMMARIES = [
    "Printer on fire",
    "PRINTER jams",
    "Ärger mit dem Drucker",
    "ÄRGER im Büro",
    "ПРИНТЕР горит",
    "принтер",
    "打印机着火了",
    "it's 100% _broken_ \\ 'now'",
    "İstanbul ISPARTA ırmak",
    "Straße STRASSE ſ ß",
    "ΟΔΟΣ οδός",
    "x",
    "  ",
]
PARTS = [
    *(
        "print",
        "PRINT",
        "er",
        "ärger",
        "Ä",
        "ПРИН",
        "горит",
        "打印",
        "火",
        "%",
        "_",
        "\\",
        "'",
        "' n",
    ),
    *("i", "İ", "ISPARTA", "strasse", "SS", "ß", "οδό", "ΟΔΟΣ", "x", " ", "  ", "on fire", "zzz"),
    *("example", "@", "@example.org", "ada", "o'n", "l\\x", "@ПРИМЕР", "клиент", ".org", "ADA@"),
]
PROJECTS = [
    ProjectWords(
        key="HELP",
        name="Help desk",
        types={"Bug": 1, "Request": None},
        statuses={"Open": "to do", "Waiting for you": "in progress", "Done": "done"},
        components=("Printers", "printers and more"),
        fields=(
            FieldWords(name="Size", kind="number"),
            FieldWords(name="Color", kind="choice", choices=("Red", "Green")),
            FieldWords(name="Sites", kind="choices", choices=("Berlin", "Paris", "Rome")),
            FieldWords(name="Remark", kind="text"),
            FieldWords(name="Delivery day", kind="date"),
            FieldWords(name="Owner", kind="person"),
        ),
    ),
    ProjectWords(
        key="SALE",
        name="Sales",
        types={"Bug": 1, "Task": 3},
        statuses={"open": "to do", "Won": "done", "Lost": "done"},
        components=("printers",),
        fields=(FieldWords(name="Size", kind="number"),),
        language="de",
    ),
]
PRIORITIES = {1: "Highest", 2: "High", 3: "Medium", 4: "Low", 5: "Lowest"}
VOCABULARY = Vocabulary(
    projects=tuple(PROJECTS),
    priorities=PRIORITIES,
    people={address: frozenset(PEOPLE[:2]) for address in PEOPLE[:2]}
    | {address: frozenset({address}) for address in PEOPLE[2:]},
    groups={"agents": frozenset({*PEOPLE[:2], "bob@example.com"})},
    present_keys={"OLD-9": "HELP-1", "OLD-8": "SALE-3"},
    current_user="ada@home.example",
    now=NOON,
)
DAYS = [date(2026, 1, 1) + timedelta(days=step) for step in (0, 1, 30, 59)]
REMARKS = ["", "short", "SHORT", "long " * 100, "long " * 99 + "else", "Ünïcode %_"]
NUMBERS = [Decimal("0"), Decimal("1.5"), Decimal("1.50"), Decimal("-3"), Decimal("1000000.25")]


@dataclass
class RandomIssue:
    """An issue with the values of its fields; custom values have the names of their fields."""

    key: str
    project: ProjectWords
    values: dict[str, list[FieldValue]] = field(default_factory=dict)


def random_issues(source: random.Random, count: int) -> list[RandomIssue]:
    """Returns issues of all projects."""
    return [_random_issue(source, number) for number in range(1, count + 1)]


def _random_issue(source: random.Random, number: int) -> RandomIssue:
    project = source.choice(PROJECTS)
    status = source.choice(list(project.statuses))
    done = project.statuses[status] == "done"
    reporter = source.choice([*PEOPLE, *STRANGERS])
    values: dict[str, list[FieldValue]] = {
        "key": [f"{project.key}-{number}"],
        "project": [project.key],
        "type": [source.choice(list(project.types))],
        "status": [status],
        "priority": [source.randint(1, 5)],
        "summary": [source.choice(SUMMARIES)],
        "reporter": [reporter] if reporter else [],
        "assignee": source.choice([[], [source.choice(PEOPLE)]]),
        "watcher": source.sample([*PEOPLE, *STRANGERS[:2]], source.randint(0, 3)),
        "labels": source.sample(LABELS, source.randint(0, 2)),
        "components": source.sample(project.components, source.randint(0, 1)),
        "created": [_moment(source)],
        "updated": [_moment(source)],
        "resolution": [source.choice(["Done", "Duplicate"])] if done else [],
        "resolved": [_moment(source)] if done else [],
        "due": source.choice([[], [source.choice(DAYS)]]),
    }
    for one in project.fields:
        values[f"field:{one.name}"] = _custom(source, one) if source.random() < 0.6 else []
    return RandomIssue(f"{project.key}-{number}", project, values)


def _moment(source: random.Random) -> datetime:
    day = source.choice([*DAYS, NOON.date(), NOON.date() - timedelta(days=7)])
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + source.choice([timedelta(), timedelta(hours=12), timedelta(microseconds=-1)])


def _custom(source: random.Random, one: FieldWords) -> list[FieldValue]:
    options: dict[str, Sequence[FieldValue]] = {
        "number": NUMBERS,
        "choice": one.choices,
        "text": REMARKS,
        "date": DAYS,
        "person": PEOPLE,
    }
    if one.kind == "choices":
        return list(source.sample(one.choices, source.randint(1, 3)))
    return [source.choice(options[one.kind])]


async def store_all(connection: Connection, issues: Sequence[RandomIssue]) -> None:
    """Writes the projects, the people and the issues."""
    for project in PROJECTS:
        await store.save(connection, _project(project), before=None, author="test", now=NOON)
    for address in PEOPLE:
        await connection.execute(
            "WITH made AS (INSERT INTO person (address) VALUES (%s) RETURNING address, person_id)"
            " INSERT INTO person_address SELECT address, person_id FROM made",
            [address],
        )
    for issue in issues:
        await _store(connection, issue)
    await write_issue_words(connection, [issue.key for issue in issues])


def _project(words: ProjectWords) -> Project:
    return Project.model_validate(
        {
            "key": words.key,
            "name": words.name,
            "language": words.language,
            "issue_types": [{"name": name, "number": no} for name, no in words.types.items()],
            "statuses": [{"name": name, "category": of} for name, of in words.statuses.items()],
            "components": list(words.components),
            "fields": [
                {"name": one.name, "kind": one.kind, "choices": list(one.choices)}
                for one in words.fields
            ],
        }
    )


async def _store(connection: Connection, issue: RandomIssue) -> None:
    values = issue.values

    def first(name: str) -> Any:
        return values[name][0] if values[name] else None

    await connection.execute(
        "INSERT INTO issue (issue_key, project_key, number, issue_type, status, priority, summary,"
        "  description, reporter_address, assignee, labels, components, resolution, resolved_at,"
        "  due_on, conversation, created_at, changed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, '', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            issue.key,
            issue.project.key,
            int(issue.key.split("-")[1]),
            *(first(name) for name in ("type", "status", "priority", "summary")),
            first("reporter") or "",
            first("assignee"),
            values["labels"],
            values["components"],
            *(first(name) for name in ("resolution", "resolved", "due")),
            uuid.uuid4(),
            first("created"),
            first("updated"),
        ],
    )
    await connection.execute(
        "WITH indexed AS (INSERT INTO issue_index (tracker, issue_key, project_key, conversation,"
        "  summary, created_at) VALUES ('builtin', %s, %s, %s, '', now()) RETURNING issue_id)"
        " INSERT INTO watcher (issue_id, address) SELECT issue_id, unnest(%s::text[]) FROM indexed",
        [issue.key, issue.project.key, uuid.uuid4(), values["watcher"]],
    )
    for one in issue.project.fields:
        column = {"number": "number_value", "date": "date_value"}.get(one.kind, "text_value")
        for place, value in enumerate(values[f"field:{one.name}"], start=1):
            await connection.execute(
                f"INSERT INTO custom_value (issue_key, project_key, field, place, {column})"
                " VALUES (%s, %s, %s, %s, %s)".encode(),
                [issue.key, issue.project.key, one.name, place, value],
            )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _in_any_case(names: Sequence[str]) -> st.SearchStrategy[str]:
    spelled = [_quoted(form) for name in names for form in (name, name.upper(), name.lower())]
    return st.sampled_from(spelled)


_PERSON = st.sampled_from(
    [_quoted(one) for one in [*PEOPLE, *STRANGERS[:2], "ADA@example.org", "no@one"]]
    + ["currentUser()", "membersOf(Agents)", "membersOf('agents')"]
)
_TIME = st.sampled_from(
    [
        *("2026-01-01", "2026-01-02", "'2026-01-01T12:00'", "2026/03/01", "-7d", "+1M", "now()"),
        *("startOfDay()", "endOfDay(-1)", "startOfYear()", "endOfMonth(+1w)", "startOfWeek(-1w)"),
    ]
)
_NUMBER = st.sampled_from(["0", "1.5", "-3", "2", "1000000.25"])
_SAME, _PART = ("=", "!=", "IN", "NOT IN"), ("~", "!~")
_RANGE, _EMPTY = ("<", "<=", ">", ">="), ("IS EMPTY", "IS NOT EMPTY")
_STATUSES = ["Open", "Waiting for you", "Done", "Won", "Lost"]

# The values and the operators of each field.
FIELDS: dict[str, tuple[st.SearchStrategy[str], tuple[str, ...]]] = {
    "key": (st.sampled_from(["HELP-1", "help-2", "SALE-3", "HELP-99", "old-9", "OLD-8"]), _SAME),
    "project": (_in_any_case(["HELP", "SALE", "Help desk"]), _SAME),
    "type": (_in_any_case(["Bug", "Request", "Task", "1", "3"]), _SAME + _EMPTY),
    "status": (_in_any_case(_STATUSES), _SAME + _EMPTY),
    "category": (_in_any_case(["to do", "in progress", "done"]), _SAME),
    "resolution": (st.sampled_from(["Done", "Duplicate", "done"]), _SAME + _EMPTY),
    "priority": (_in_any_case([*PRIORITIES.values(), "1", "5"]), _SAME + _RANGE),
    "assignee": (_PERSON, _SAME + _EMPTY),
    "reporter": (_PERSON, _SAME + _EMPTY),
    "watcher": (_PERSON, _SAME + _EMPTY),
    "labels": (st.sampled_from([_quoted(label) for label in LABELS]), _SAME + _EMPTY),
    "components": (_in_any_case(["Printers", "printers and more"]), _SAME + _EMPTY),
    "created": (_TIME, _SAME + _RANGE + _EMPTY),
    "updated": (_TIME, _SAME + _RANGE + _EMPTY),
    "resolved": (_TIME, _SAME + _RANGE + _EMPTY),
    "due": (_TIME, _SAME + _RANGE + _EMPTY),
    "Size": (_NUMBER, _SAME + _RANGE + _EMPTY),
    "color": (_in_any_case(["Red", "Green"]), _SAME + _EMPTY),
    "Sites": (_in_any_case(["Berlin", "Paris", "Rome"]), _SAME + _EMPTY),
    "Remark": (st.sampled_from([_quoted(text) for text in REMARKS]), _SAME + _EMPTY),
    '"Delivery day"': (_TIME, _SAME + _RANGE + _EMPTY),
    "Owner": (_PERSON, _SAME + _EMPTY),
}
_WITH_PARTS = ["summary", "reporter", "assignee", "watcher", "Remark", "Owner"]
_PARTS = st.one_of(
    st.sampled_from(PARTS), st.text(min_size=1, max_size=3, alphabet="".join({*"".join(SUMMARIES)}))
)


@st.composite
def _comparison(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        name = draw(st.sampled_from(_WITH_PARTS))
        return f"{name} {draw(st.sampled_from(_PART))} {_quoted(draw(_PARTS))}"
    name = draw(st.sampled_from(list(FIELDS)))
    values, operators = FIELDS[name]
    operator = draw(st.sampled_from(operators))
    if operator in _EMPTY:
        return f"{name} {operator}"
    if operator in ("IN", "NOT IN"):
        return f"{name} {operator} ({', '.join(draw(st.lists(values, min_size=1, max_size=3)))})"
    value = draw(values)
    # Only a single value can be compared by < and >.
    return f"{name} {operator} {value}"


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, st.sampled_from(["AND", "OR", "and", "Or"]), inner)
    return st.one_of(
        pair.map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        pair.map(" ".join),
        inner.map(lambda part: f"NOT ({part})"),
    )


QUERIES = st.recursive(_comparison(), _combined, max_leaves=5)
