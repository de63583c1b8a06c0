"""Commands that change issues, on real servers."""

from __future__ import annotations

import pytest

from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

AGENT = "agent@example.com"


def test_a_person_watches_an_issue(postrail: Postrail, filled: Filled) -> None:
    code, output, _ = postrail("issues", "watch", "help-1", "--author", "Agent@Example.com")
    assert (code, output) == (0, "agent@example.com watches HELP-1.\n")
    again = answer(postrail, "issues", "watch", "HELP-1", "--watcher", AGENT)
    assert again == {"issue_key": "HELP-1", "watcher": AGENT, "watching": True, "changed": False}
    assert AGENT in answer(postrail, "issues", "show", "HELP-1")["watchers"]
    _, output, _ = postrail("issues", "watch", "HELP-1", "--off", "--watcher", AGENT)
    assert output == "agent@example.com does not watch HELP-1.\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["watch", "HELP-9", "--watcher", AGENT], "there is no issue HELP-9"),
        (["watch", "HELP-1"], "the operator has no address"),
        (["watch", "HELP-1", "--author", "nobody@example.com"], "'nobody@example.com' is not a"),
    ],
)
def test_a_refused_act_has_its_reason(
    postrail: Postrail, filled: Filled, arguments: list[str], problem: str
) -> None:
    code, _, errors = postrail("issues", *arguments)
    assert code == 1
    assert problem in errors
