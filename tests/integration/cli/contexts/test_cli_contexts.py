"""`postrail contexts` and the section `contexts` on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.templates.test_templates import shown
from tests.makers.commands import Postrail, answer

FILE = """
connections:
  - {name: out, host: smtp.example.org, from_address: d@example.org, is_default: true}
  - {name: fast, host: smtp.example.org, from_address: f@example.org}
projects: [{key: HELP, name: Help desk}]
templates:
  - {name: hot, event: created, text: "{{ marker }} Hot!"}
contexts:
  - name: fire
    order: 5
    scope: summary ~ fire
    connection: fast
    from_name: Fire brigade
    templates: {created: hot}
  - {name: rest, from_address: rest@example.org}
"""


@pytest.fixture
def contexts(postrail: Postrail, tmp_path: Path) -> Postrail:
    file = tmp_path / "postrail.yaml"
    file.write_text(FILE)
    assert "takes every issue" in shown(postrail, "apply", "-f", str(file))
    shown(postrail, "issues", "create", "HELP", "A fire")
    shown(postrail, "issues", "create", "HELP", "Rain")
    return postrail


def test_contexts_are_listed_shown_matched_and_switched(contexts: Postrail, tmp_path: Path) -> None:
    listed = answer(contexts, "contexts", "list")
    assert [one["name"] for one in listed] == ["fire", "rest"]
    assert "every issue" in shown(contexts, "contexts", "list")
    one = shown(contexts, "contexts", "show", "fire")
    assert "Asked    1 of 2" in one
    assert "scope: summary ~ fire" in one

    assert "Fire brigade <f@example.org>" in shown(contexts, "contexts", "match", "help-1")
    other = answer(contexts, "contexts", "match", "HELP-2")
    assert (other["context"], other["from_address"]) == ("rest", "rest@example.org")
    assert other["passed_over"] == [
        {"context": "fire", "reason": "this does not hold: summary ~ fire"}
    ]
    preview = answer(contexts, "templates", "preview", "HELP-1", "--event", "created")
    assert preview["template"] == "hot"
    preview = answer(contexts, "templates", "preview", "HELP-2", "--event", "created")
    assert preview["template"] == ""

    shown(contexts, "contexts", "disable", "fire")
    assert answer(contexts, "contexts", "match", "HELP-1")["context"] == "rest"
    # What is exported can be applied, and changes nothing.
    file = tmp_path / "exported.yaml"
    file.write_text(shown(contexts, "export"))
    assert "from_name: Fire brigade" in file.read_text()
    assert "0 changed" in shown(contexts, "apply", "-f", str(file))


def test_check_names_what_can_never_match(contexts: Postrail, tmp_path: Path) -> None:
    assert "Nothing shows that" in shown(contexts, "contexts", "check")
    file = tmp_path / "more.yaml"
    file.write_text("contexts: [{name: late, order: 900, scope: project = HELP}]")
    shown(contexts, "apply", "-f", str(file))
    code, output, _ = contexts("contexts", "check")
    assert code == 1
    assert "all issues of its scope have context rest" in " ".join(output.split())
    shown(contexts, "contexts", "disable", "rest")
    shown(contexts, "contexts", "disable", "late")
    found = answer(contexts, "contexts", "check")
    assert found["without"] == [{"project": "HELP", "issues": 1, "latest": ["HELP-2"]}]


def test_what_a_context_names_stays(contexts: Postrail, tmp_path: Path) -> None:
    code, _, errors = contexts("connections", "delete", "fast")
    assert code == 2
    assert "is used by context fire" in errors
    shown(contexts, "connections", "disable", "fast", "--force")
    assert answer(contexts, "contexts", "match", "HELP-1")["connection"] == "out"
    file = tmp_path / "wrong.yaml"
    file.write_text("contexts: [{name: fire, scope: sumary ~ fire}]")
    code, _, errors = contexts("apply", "-f", str(file))
    assert code == 2
    assert "line 1, column 1: there is no field 'sumary'" in errors
