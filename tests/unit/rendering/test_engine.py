"""Templates are checked with line and variable, and reach nothing but their variables."""

from __future__ import annotations

import pytest

from postrail.rendering.engine import OUTPUT_MAX_CHARACTERS, Unrendered, faults_of, render


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        # a variable, and a part of one, that does not exist
        ("{{ marker }}\n\n{{ isue.key }}", 3, "'isue' is not known; known are: issue.key"),
        ("{{ issue.nummer }}", 1, "'issue.nummer' is not known"),
        ("{% if foo %}x{% endif %}", 1, "'foo' is not known"),
        ("{{ issue }}", 1, "'issue' is no text; its parts are: issue.key"),
        # what cannot be read
        ("a\n{{ marker", 2, "unexpected end of template"),
        ("a\nb\n{% if marker %}", 3, "Unexpected end of template"),
        ("{{ marker|shout }}", 1, "No filter named 'shout'"),
        # what could take for ever, or make a text without end
        ("{% for x in body %}x{% endfor %}", 1, "a template has no for"),
        ("{{ body * 1000000000 }}", 1, "a template does not multiply"),
        ("{{ 9 ** 999999999 }}", 1, "a template does not multiply"),
        ("{% macro x() %}{{ x() }}{% endmacro %}", 1, "a template has no macro"),
        ("{% include 'x' %}", 1, "a template has no include"),
        ("{{ body|center(10) }}", 1, "No filter named 'center'"),
        ("{{ body|safe }}", 1, "No filter named 'safe'"),
    ],
)
def test_a_mistake_is_named_with_its_line(source: str, line: int, words: str) -> None:
    found = faults_of(source)
    assert any(one.line == line and words in one.problem for one in found), found


@pytest.mark.parametrize(
    "source",
    [
        "",
        "{{ marker }}\n{{ greeting }}\n{{ issue.key }}: {{ issue.summary|upper }}",
        "{% if issue.url %}{{ issue.url }}{% else %}{{ hint }}{% endif %}",
        "{% set name = author.name or author.address %}{{ name }}",
        "{{ body|truncate(80) }}",
    ],
)
def test_a_right_template_has_no_faults(source: str) -> None:
    assert faults_of(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "{{ body.__class__.__mro__ }}",
        "{{ body.format }}{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ missing }}",
        "{{ issue.key.nothing }}",
        "{{ 1 / 0 }}",
        "{{ body + 1 }}",
        "{{ body[999] }}",
    ],
)
def test_what_fails_while_it_is_rendered_is_one_error(source: str) -> None:
    with pytest.raises(Unrendered):
        render(source, {"body": "x", "issue": {"key": "A-1"}})


def test_a_text_without_end_is_refused() -> None:
    source = "{% set a = body ~ body %}{{ a }}{{ a }}"
    with pytest.raises(Unrendered, match="characters"):
        render(source, {"body": "x" * (OUTPUT_MAX_CHARACTERS // 3)})


def test_html_is_escaped_and_text_is_not() -> None:
    values = {"body": "<b>&"}
    assert render("{{ body }}", values) == "<b>&"
    assert render("{{ body }}", values, html=True) == "&lt;b&gt;&amp;"
