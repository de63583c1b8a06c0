"""`postrail templates` and the section `templates` on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from postrail.operate.template_preview import OF_APPROVALS
from postrail.rendering.events import MessageEvent
from tests.makers.commands import Postrail, answer

FILE = """
connections: [{name: out, host: smtp.example.org, from_address: d@example.org, is_default: true}]
projects: [{key: HELP, name: Help desk, language: de}]
templates:
  - name: thanks
    event: created
    project: HELP
    text: |
      {{ marker }}

      {{ greeting }} danke: {{ issue.key }}
"""


def shown(postrail: Postrail, *arguments: str) -> str:
    """Returns what a command prints; it has to succeed."""
    code, output, errors = postrail(*arguments)
    assert code == 0, errors
    return output


@pytest.fixture
def templates(postrail: Postrail, tmp_path: Path) -> Postrail:
    file = tmp_path / "postrail.yaml"
    file.write_text(FILE)
    shown(postrail, "apply", "-f", str(file))
    shown(postrail, "issues", "create", "HELP", "Feuer", "--description", "Es <brennt>.")
    return postrail


def test_templates_are_applied_listed_shown_and_exported(templates: Postrail) -> None:
    (own,) = answer(templates, "templates", "list")
    assert (own["name"], own["event"], own["project"]) == ("thanks", "created", "HELP")
    listed = shown(templates, "templates", "list")
    assert "confirms a new issue to its reporter" in listed
    assert "{{ greeting }} danke" in shown(templates, "templates", "show", "thanks")
    assert "{{ headline }}" in shown(templates, "templates", "show", "default")
    exported = shown(templates, "export")
    assert "name: thanks" in exported
    assert "{{ greeting }} danke" in exported


def test_a_preview_is_by_the_template_and_in_the_language_of_the_project(
    templates: Postrail,
) -> None:
    made = answer(templates, "templates", "preview", "help-1", "--event", "created")
    assert (made["template"], made["language"], made["fault"]) == ("thanks", "de", "")
    assert "danke: HELP-1" in made["text"]
    french = shown(
        templates, "templates", "preview", "HELP-1", "--event", "commented", "--language", "fr"
    )
    assert french.startswith("Subject: [HELP-1] Feuer\n\n--- Merci de répondre")
    html = shown(templates, "templates", "preview", "HELP-1", "--event", "assigned", "--html")
    assert "Es &lt;brennt&gt;." in html


def test_a_template_is_previewed_by_its_name(templates: Postrail) -> None:
    made = answer(templates, "templates", "preview", "HELP-1", "--template", "thanks")
    assert (made["event"], made["template"], made["language"]) == ("created", "thanks", "de")
    assert "danke: HELP-1" in made["text"]
    for options in ([], ["--template", "thanks", "--event", "created"]):
        code, _, errors = templates("templates", "preview", "HELP-1", *options)
        assert (code, "Give one of --event and --template" in errors) == (2, True)
    code, _, errors = templates("templates", "preview", "HELP-1", "--template", "thx")
    assert (code, "there is no template 'thx'" in errors) == (1, True)


def test_the_default_template_is_shown_as_json_too(templates: Postrail) -> None:
    assert "{{ headline }}" in answer(templates, "templates", "show", "default")["text"]
    assert "made from its text" in shown(templates, "templates", "show", "thanks", "--html")


@pytest.mark.parametrize("form", [(), ("--html",)])
def test_nothing_of_an_issue_acts_on_the_terminal(
    templates: Postrail, form: tuple[str, ...]
) -> None:
    text = "Es \u202ebrennt\u202c \x9b2J."
    shown(templates, "issues", "create", "HELP", f"Feuer {text}", "--description", text)
    made = shown(templates, "templates", "preview", "HELP-2", "--event", "created", *form)
    assert "Es" in made
    assert not {"\u202e", "\u202c", "\x9b"} & set(made)


def test_each_event_has_a_preview(templates: Postrail) -> None:
    for event in (MessageEvent.DIGEST, MessageEvent.FORWARDED, *OF_APPROVALS):
        made = answer(templates, "templates", "preview", "HELP-1", "--event", event)
        assert made["text"].strip()
        assert made["html"].startswith("<!DOCTYPE html>")


def test_a_mistake_is_named_with_its_line(templates: Postrail, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(FILE.replace("issue.key", "issue.nummer"))
    code, _, errors = templates("apply", "-f", str(file))
    assert code == 2
    assert "line 3: 'issue.nummer' is not known" in errors
