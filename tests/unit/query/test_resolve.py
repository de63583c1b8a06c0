"""Each field, operator and value of a query, by its effect on one issue in memory."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from postrail.query.conditions import FieldValue
from postrail.query.errors import QueryError
from postrail.query.memory import NeedsSearch, matches
from postrail.query.parse import parse
from postrail.query.resolve import resolve
from postrail.query.vocabulary import FieldWords, ProjectWords, Vocabulary

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
VOCABULARY = Vocabulary(
    projects=(
        ProjectWords(
            key="HELP",
            name="Help desk",
            types={"Bug": 1, "Incident": None},
            statuses={"Open": "to do", "In Progress": "in progress", "Done": "done"},
            components=("Printers",),
            fields=(
                FieldWords(name="Size", kind="number"),
                FieldWords(name="Site", kind="choices", choices=("Berlin", "Paris")),
                FieldWords(name="Remark", kind="text"),
                FieldWords(name="Mixed", kind="text"),
            ),
        ),
        ProjectWords(
            key="SALE",
            statuses={"Lead": "to do", "Won": "done"},
            fields=(FieldWords(name="Mixed", kind="number"),),
        ),
    ),
    priorities={1: "Highest", 2: "High", 3: "Medium", 4: "Low", 5: "Lowest"},
    people={"ada@example.org": frozenset({"ada@example.org", "ada@home.example"})},
    groups={"agents": frozenset({"bob@example.com"})},
    present_keys={"OLD-7": "HELP-7", "HELP-7": "HELP-7"},
    group_names=("agents",),
    current_user="ada@example.org",
    now=NOW,
)
ISSUE: dict[str, list[FieldValue]] = {
    "key": ["HELP-7"],
    "project": ["HELP"],
    "type": ["Bug"],
    "status": ["In Progress"],
    "priority": [2],
    "assignee": ["ada@home.example"],
    "reporter": ["kunde@post.example"],
    "watcher": ["bob@example.com", "kunde@post.example"],
    "labels": ["urgent", "vip"],
    "components": ["Printers"],
    "summary": ["Drucker: ÄRGER"],
    "created": [datetime(2026, 3, 22, 12, 0, 30, tzinfo=UTC)],
    "updated": [datetime(2026, 3, 28, 23, 30, tzinfo=UTC)],
    "due": [date(2026, 3, 29)],
    "field:Size": [Decimal("1.5")],
    "field:Site": ["Berlin"],
}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "key = help-7",
        # The key that it had before it was moved.
        "key = old-7",
        "key IN (OLD-7, HELP-8)",
        "key IN (SALE-1, HELP-7)",
        "issuekey != HELP-8",
        "project = help",
        "project = 'HELP DESK'",
        "type = bug",
        "issuetype = 1",
        "type != Incident",
        "status = 'in progress'",
        "status NOT IN (Open, Done)",
        "category = 'In Progress'",
        "statusCategory != Done",
        "category IN ('to do', 'in progress')",
        "resolution IS EMPTY",
        "resolution = EMPTY",
        # A higher priority is more.
        "priority = High",
        "priority = 2",
        "priority > Medium",
        "priority < Highest",
        "priority >= high AND priority <= high",
        # Any address of a person is the person.
        "assignee = ada@example.org",
        "assignee = Ada@Home.example",
        "assignee = currentUser()",
        "assignee ~ HOME",
        "assignee !~ 'example.org'",
        "reporter != currentUser()",
        "reporter = Kunde@post.example",
        "watcher IN membersOf(agents)",
        "watcher = bob@example.com AND watcher = kunde@post.example",
        "labels = urgent",
        "label IN (vip, other)",
        "labels != other",
        "component = printers",
        "summary ~ ärger",
        "summary !~ 'ink'",
        # A day is from midnight to midnight, a time is its minute.
        "created = 2026-03-22",
        "created = '2026-03-22 12:00'",
        "created = -7d",
        "created = -1w",
        "created >= 2026-03-22 AND created < 2026/03/23",
        "created > -8d",
        "created < now()",
        "updated < startOfDay()",
        "updated >= startOfDay(-1)",
        "updated >= startOfDay(-1d) AND updated <= endOfDay(-1)",
        "updated >= startOfWeek() AND updated >= startOfMonth() AND updated >= startOfYear()",
        "updated < endOfWeek() AND updated < endOfMonth() AND updated < endOfYear()",
        "resolved IS EMPTY",
        "due = 2026-03-29",
        "due <= now()",
        "due = startOfDay()",
        "due < 1d",
        "Size = 1.50",
        "size > 1",
        "Size IN (1, 1.5)",
        "Site = berlin",
        "Site != Paris",
        "Remark IS EMPTY",
        "NOT Remark = x",
        "NOT (status = Open OR status = Done)",
    ],
)
def test_the_issue_meets(query: str) -> None:
    assert matches(resolve(parse(query), VOCABULARY).condition, ISSUE)


@pytest.mark.parametrize(
    "query",
    [
        "key != HELP-7",
        "key NOT IN (OLD-7, HELP-8)",
        "project = SALE",
        "type = Incident",
        "status = Won",
        "category = done",
        # A comparison by != is not met by an empty field, as in Jira.
        "resolution != Done",
        "resolution NOT IN (Done)",
        "Remark != x",
        "Remark !~ x",
        "Remark = x",
        "resolved < now()",
        "priority < High",
        "assignee != ada@example.org",
        "assignee IS EMPTY",
        "labels = Urgent",
        "labels NOT IN (vip)",
        "summary ~ 'argER'",
        "created = 2026-03-21",
        "created = '2026-03-22 12:01'",
        "due < now()",
        "Size > 1.5",
        "Site = Paris",
        "status = Open AND key = HELP-7",
    ],
)
def test_the_issue_does_not_meet(query: str) -> None:
    assert not matches(resolve(parse(query), VOCABULARY).condition, ISSUE)


@pytest.mark.parametrize(
    ("query", "column", "problem"),
    [
        ("staus = Open", 1, "there is no field 'staus'\n.*\n.*\nFields: key, project, type"),
        ("status = Opn", 10, "status has no value 'Opn'\n.*\n.*\nValues: Open, "),
        ("project = NO", 11, "project has no value 'NO'\n.*\n.*\nValues: HELP, SALE"),
        ("priority = Urgent", 12, "priority has no value 'Urgent'\n.*\n.*\nValues: Highest"),
        ("category = Doing", 12, "category has no value 'Doing'"),
        ("component = x", 13, "components has no value 'x'"),
        ("Site = Rome", 8, "Site has no value 'Rome'"),
        ("Size = big", 8, "'big' is not a number"),
        ("Size = 1e5", 8, "'1e5' is not a number"),
        ("status ~ Op", 1, "status cannot be compared by ~\n.*\n.*\nIt has: =, !=, IN, NOT IN"),
        ("summary = x", 1, "summary cannot be compared by =\n.*\n.*\nIt has: ~, !~"),
        ("key IS EMPTY", 1, "key cannot be compared by IS EMPTY"),
        ("summary ~ ''", 11, "the part of summary to search for is blank"),
        ("description ~ x", 1, "descriptions are those of the field text"),
        ("text ~ '?!'", 8, "'\\?!' has no words"),
        ("text ~ " + "x" * 501, 8, "more than 500 characters"),
        ("Mixed = 1", 1, r"not one: it is 'Mixed' \(text\) in HELP and 'Mixed' \(number\) in SALE"),
        ("Mixed = 1", 1, "Give it the same name and kind in these projects, or different names"),
        ("assignee = Ada", 12, "'Ada' is not an address"),
        ("assignee = owner()", 12, r"owner\(\) does not stand for people"),
        ("assignee = currentUser(x)", 12, "has wrong arguments"),
        (
            "assignee IN membersOf(nobody)",
            23,
            "there is no group 'nobody'.*\n.*\n.*\nGroups: agents",
        ),
        ("status = currentUser()", 10, r"currentUser\(\) is no value of status"),
        ("created > yesterday", 11, "'yesterday' is not a time"),
        ("created > 2026-02-30", 11, "'2026-02-30' is no possible time"),
        ("created > 9999-12-31", 11, "'9999-12-31' is no possible time"),
        ("created > -9999y", 11, "'-9999y' is no possible time"),
        ("created > -999999d", 11, "'-999999d' is no possible time"),
        ("created > now(1)", 11, r"now\(\) has no argument"),
        ("created > startOfDay(x)", 22, "'x' is not a difference"),
        ("created > startOfDay(1, 2)", 11, r"startOfDay\(\) has one difference"),
        ("created > currentUser()", 11, r"currentUser\(\) is not a time"),
        ("ORDER BY labels", 10, "issues cannot be sorted by labels"),
        ("ORDER BY nothing", 10, "there is no field 'nothing'"),
    ],
)
def test_errors_name_the_word(query: str, column: int, problem: str) -> None:
    with pytest.raises(QueryError, match=problem) as raised:
        resolve(parse(query), VOCABULARY)
    assert (raised.value.line, raised.value.column) == (1, column)


def test_without_a_person_who_asks_there_is_no_current_user() -> None:
    with pytest.raises(QueryError, match="nobody is known to ask"):
        resolve(parse("assignee = currentUser()"), Vocabulary(now=NOW))


@pytest.mark.parametrize("query", ["text ~ x", "NOT text ~ x", "key = HELP-7 AND text ~ x"])
def test_words_of_all_texts_are_for_lists_only(query: str) -> None:
    with pytest.raises(NeedsSearch, match="cannot test one issue"):
        matches(resolve(parse(query), VOCABULARY).condition, ISSUE)


@pytest.mark.parametrize(
    ("query", "moment"),
    [
        # On this day Berlin's clock is set from two to three o'clock.
        ("created >= startOfDay()", datetime(2026, 3, 28, 23, 0, tzinfo=UTC)),
        ("created >= startOfDay(+1)", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        ("created >= endOfDay()", datetime(2026, 3, 29, 21, 59, 59, 999999, tzinfo=UTC)),
        ("created >= 2026-03-30", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        ("created >= '2026-03-29 12:00'", datetime(2026, 3, 29, 10, 0, tzinfo=UTC)),
        ("created >= -1d", datetime(2026, 3, 28, 13, 0, tzinfo=UTC)),
        ("created >= -24h", datetime(2026, 3, 28, 12, 0, tzinfo=UTC)),
        ("created >= '-1d 30m'", datetime(2026, 3, 28, 12, 30, tzinfo=UTC)),
        ("created >= -1M", datetime(2026, 2, 28, 13, 0, tzinfo=UTC)),
        ("created >= startOfWeek()", datetime(2026, 3, 22, 23, 0, tzinfo=UTC)),
        ("created >= startOfYear()", datetime(2025, 12, 31, 23, 0, tzinfo=UTC)),
    ],
)
def test_days_are_those_of_the_zone(query: str, moment: datetime) -> None:
    words = Vocabulary(now=NOW, zone=ZoneInfo("Europe/Berlin"))
    condition = resolve(parse(query), words).condition
    assert matches(condition, {"created": [moment]})
    assert not matches(condition, {"created": [moment.replace(microsecond=0, year=2024)]})
    before = datetime.fromtimestamp(moment.timestamp() - 0.001, UTC)
    assert not matches(condition, {"created": [before]})
