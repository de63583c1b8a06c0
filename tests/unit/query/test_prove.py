"""What is proven of queries holds for all issues: by examples, and by issues made at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from postrail.query.combined import AllOf, AnyOf, Not
from postrail.query.conditions import Compared, Condition, Contains, FieldValue, OneOf, Present
from postrail.query.fields import BUILT_IN
from postrail.query.memory import matches
from postrail.query.parse import parse
from postrail.query.prove import implies, never_holds
from postrail.query.resolve import resolve
from postrail.query.vocabulary import FieldWords, ProjectWords, Vocabulary

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VOCABULARY = Vocabulary(
    projects=(
        ProjectWords(
            key="HELP",
            statuses={"Open": "to do", "Done": "done"},
            types={"Bug": 1},
            components=("Web", "Print"),
            fields=(FieldWords(name="Cost", kind="number"),),
        ),
        ProjectWords(key="SALE", statuses={"Open": "to do", "Lost": "done"}),
    ),
    priorities={1: "Highest", 2: "High", 3: "Medium", 4: "Low", 5: "Lowest"},
    now=NOW,
)


def meaning(text: str) -> Condition:
    return resolve(parse(text), VOCABULARY).condition


@pytest.mark.parametrize(
    ("query", "proven"),
    [
        ("project = HELP AND project = SALE", True),
        ("project = HELP AND project != HELP", True),
        ("project IN (HELP, SALE) AND project = SALE", False),
        ("status = Open AND (status = Done OR status = Lost)", True),
        ("status = Open AND category = done", True),
        ("status = Done AND category = done", False),
        ("priority > High AND priority < Low", True),
        ("priority >= High AND priority <= High", False),
        ("priority > Highest AND priority = Highest", True),
        ("Cost > 5 AND Cost < 5", True),
        ("Cost > 5 AND Cost <= 6", False),
        ("assignee IS EMPTY AND assignee = a@example.org", True),
        ("status IS EMPTY", True),
        ("due IS EMPTY", False),
        # An issue may have several.
        ("labels = a AND labels = b", False),
        ("watcher = a@example.org AND watcher = b@example.org", False),
        ("labels = a AND labels IS EMPTY", True),
        ("created < 2026-01-01 AND created > 2026-02-01", True),
        ("summary ~ fire AND summary !~ fire", True),
        ("NOT (project = HELP OR project != HELP)", True),
        ("", False),
    ],
)
def test_contradictions(query: str, proven: bool) -> None:
    assert never_holds(meaning(query)) is proven


@pytest.mark.parametrize(
    ("query", "others", "proven"),
    [
        ("project = HELP AND labels = vip", ["project = HELP"], True),
        ("project = HELP", ["project = HELP AND labels = vip"], False),
        ("project = HELP", [""], True),
        ("", ["project = HELP"], False),
        ("project = HELP", ["project IN (SALE, HELP)"], True),
        ("project = HELP", ["project != SALE"], True),
        ("project IN (HELP, SALE)", ["project = HELP", "project = SALE"], True),
        ("project IN (HELP, SALE)", ["project = HELP OR project = SALE"], True),
        ("labels IN (a, b)", ["labels = a", "labels = b"], True),
        ("priority = Highest", ["priority >= High"], True),
        ("priority > High", ["priority >= High"], True),
        ("priority >= High", ["priority > High"], False),
        ("assignee = a@example.org", ["assignee IS NOT EMPTY"], True),
        ("summary ~ firewall", ["summary ~ fire"], True),
        ("summary ~ fire", ["summary ~ firewall"], False),
        ("created > -1d", ["created > -7d"], True),
        ("created > -7d", ["created > -1d"], False),
        ("NOT (project = HELP AND labels = a)", ["project = SALE", "project != HELP"], False),
    ],
)
def test_implications(query: str, others: list[str], proven: bool) -> None:
    assert implies(meaning(query), list(map(meaning, others))) is proven


def test_a_condition_with_too_many_ways_is_left_alone() -> None:
    many = " AND ".join(f"(labels = a{n} OR labels = b{n})" for n in range(20))
    assert not implies(meaning(many), [meaning("labels = a0 OR labels = b0")])
    assert not never_holds(meaning(f"{many} AND project = HELP AND project = SALE"))


VALUES: dict[str, list[FieldValue]] = {
    "project": ["HELP", "SALE"],
    "priority": [1, 2, 3],
    "labels": ["a", "b"],
    "assignee": ["a@x", "b@x"],
    "summary": ["fire", "firewall", "rain"],
    "created": [NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)],
}


def conditions(chance: random.Random, depth: int = 3) -> Condition:
    kind = chance.choice(["and", "or", "not", *["test"] * 3]) if depth else "test"
    if kind in ("and", "or"):
        parts = tuple(conditions(chance, depth - 1) for _ in range(chance.randint(0, 3)))
        return AllOf(parts) if kind == "and" else AnyOf(parts)
    if kind == "not":
        return Not(conditions(chance, depth - 1))
    field = BUILT_IN[chance.choice(list(VALUES))]
    values = VALUES[field.name]
    if chance.random() < 0.2:
        return Present(field)
    if field.name in ("priority", "created") and chance.random() < 0.6:
        return Compared(field, chance.choice(["<", "<=", ">", ">="]), chance.choice(values))
    if field.name == "summary":
        return Contains(field, str(chance.choice([*values, "wall", "r"])))
    return OneOf(field, tuple(chance.sample(values, chance.randint(0, len(values)))))


def issues(chance: random.Random) -> Iterator[dict[str, list[FieldValue]]]:
    for _ in range(60):
        yield {
            name: chance.sample(values, chance.randint(0, 2))
            if name == "labels"
            else [chance.choice(values)]
            if name != "assignee" or chance.random() < 0.7
            else []
            for name, values in VALUES.items()
        }


def test_no_issue_contradicts_a_proof() -> None:
    chance = random.Random(14)
    proofs = 0
    for _ in range(4000):
        one, *others = (conditions(chance) for _ in range(3))
        never, implied = never_holds(one), implies(one, others)
        if not (never or implied):
            continue
        proofs += 1
        for issue in issues(chance):
            if matches(one, issue):
                assert not never, (one, issue)
                assert any(matches(other, issue) for other in others), (one, others, issue)
    assert proofs > 400
