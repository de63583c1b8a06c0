"""Each kind of effect has its applier."""

from __future__ import annotations

from typing import get_args

from postrail.decision.decision import Effect
from postrail.effects.apply import APPLIERS


def test_each_kind_of_effect_is_applied() -> None:
    assert set(APPLIERS) == set(get_args(Effect))
