"""The rules of the handler's bench: as many as wished, and only the last takes its messages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.handling.rules import handlers
from bench.mails import mails, make
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
