"""Each mail in tests/mails/decisions has the outcome that the file beside it states.

A rule is added as one file in postrail/decision, one row in its table of stages, and one mail here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postrail.decision.decide import decide
from postrail.decision.stored import facts
from tests.makers.configuration import snapshot
from tests.makers.parsing import made

FOLDER = Path(__file__).parents[2] / "mails" / "decisions"
SNAPSHOT = snapshot()


@pytest.mark.parametrize("mail", sorted(FOLDER.glob("*.eml")), ids=lambda path: path.stem)
def test_a_mail_has_its_stated_outcome(mail: Path) -> None:
    expected = json.loads(mail.with_suffix(".json").read_text())
    known = facts.from_json(expected.get("facts", {}))
    decision = decide(made(mail.read_bytes()).record, SNAPSHOT, known)
    assert (decision.outcome, decision.reason) == (expected["outcome"], expected["reason"])
