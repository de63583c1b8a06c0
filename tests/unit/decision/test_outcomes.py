"""Each outcome has one stored name, and one state of its message."""

from __future__ import annotations

import pytest

from postrail.decision.decision import Outcome
from postrail.effects.apply import STATES
from postrail.incoming.refetch import HANDLED_AGAIN

# The names in rows, records and metrics, with the state, and whether it can be handled again.
OUTCOMES = {
    # Release 0.1 has stored these five.
    "issue": ("done", False),
    "comment": ("done", False),
    "duplicate": ("done", False),
    "noted": ("done", False),
    "failed": ("failed", True),
    "approval": ("done", False),
    "ignored": ("done", True),
    "deleted": ("done", False),
    "forwarded": ("done", False),
    "quarantined": ("quarantined", True),
    "bounced": ("done", False),
    "receipt": ("done", False),
    "probe": ("done", False),
    "unsubscribed": ("done", False),
}


def test_the_names_are_these() -> None:
    assert sorted(OUTCOMES) == sorted(outcome.value for outcome in Outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_each_has_its_state(outcome: Outcome) -> None:
    state, again = OUTCOMES[outcome]
    assert STATES.get(outcome, "done") == state
    assert (outcome in HANDLED_AGAIN) is again
