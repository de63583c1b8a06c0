"""Each kind of effect has its applier, and is never dropped in silence."""

from __future__ import annotations

from typing import Any, cast, get_args

import pytest

from postrail.decision.approvals.request import RequestApproval
from postrail.decision.decision import Decision, Effect, Outcome
from postrail.effects.apply import APPLIERS, LAST_APPLIERS, MAILERS, apply
from postrail.effects.batch import Decided
from tests.makers.records import mail_parsed
from tests.unit.effects.works import work


def test_each_kind_of_effect_is_applied() -> None:
    kinds = [*APPLIERS, *MAILERS, *LAST_APPLIERS, RequestApproval]
    assert sorted(map(str, kinds)) == sorted(map(str, get_args(Effect)))


async def test_an_effect_of_an_unknown_kind_is_a_fault() -> None:
    effect = cast(Any, "an effect of a later release")
    decision = Decision(outcome=Outcome.ISSUE, reason="", effects=(effect,))
    due = work(effect, mail_parsed()).due
    with pytest.raises(ValueError, match="no applier"):
        await apply(cast(Any, None), [Decided(due, decision)])
