"""The rules and contexts of the handler's bench: only the last one takes its messages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.handling.rules import contexts, handlers
from bench.mails import PROJECT, mails, make
from postrail.configuration.handlers.project_words import query_fault
from postrail.configuration.models.project import Project
from postrail.decision.decide import decide
from postrail.decision.facts import Facts
from tests.makers.configuration import snapshot
from tests.makers.parsing import made


@pytest.mark.parametrize("count", [1, 10, 100])
def test_all_rules_are_asked_and_the_last_takes_the_mail(count: int) -> None:
    configured = replace(snapshot(), handlers=tuple(handlers(count)))
    for raw in mails(make, "small", 20):
        decision = decide(made(raw).record, configured, Facts())
        assert [bool(one.declined) for one in decision.handlers] == [True] * (count - 1) + [False]


def test_the_scopes_of_contexts_are_valid_queries() -> None:
    *scoped, last = contexts(50)
    project = Project(key=PROJECT, name="Bench")
    priorities = {2: "High", 3: "Medium"}
    assert {query_fault(one.scope, [project], priorities, []) for one in scoped} == {""}
    assert len({one.scope for one in scoped}) == 49
    assert last.scope == ""
    assert contexts(0) == []
