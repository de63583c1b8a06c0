"""Traces as people read them, a line each; and the short list of what a file leaves out."""

from __future__ import annotations

from postrail.decision.decision import Notice
from postrail.decision.facts import Facts
from services.cli.commands.setup.apply import _names
from services.cli.explained import effect_line, fact_lines


def test_counts_are_words() -> None:
    assert fact_lines(Facts(counts={"sender_issues": 20})) == ["counts: sender_issues 20"]


def test_a_long_text_of_an_effect_is_shown_by_its_beginning() -> None:
    line = effect_line(Notice(cause="a", text="one\ntwo\n" + "x" * 500, to="a@b.example"))
    assert "one two x" in line
    assert "\n" not in line
    assert len(line) < 300


def test_of_each_kind_that_the_file_leaves_out_a_few_are_named() -> None:
    people = [("person", f"p{number}@example.org") for number in range(7)]
    shown = _names([*people, ("project", "HELP")])
    assert shown.endswith("person p4@example.org, 2 more of kind person, project HELP")
