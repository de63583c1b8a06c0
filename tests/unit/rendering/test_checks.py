"""Templates are checked before they are saved, with line and variable."""

from __future__ import annotations

import pytest

from postrail.rendering.checks import faults_of, names_any, puts_out
from postrail.rendering.engine import FILTERS, Unrendered, render
from postrail.rendering.events import VARIABLES


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        # a variable, and a part of one, that does not exist
        ("{{ marker }}\n\n{{ isue.key }}", 3, "'isue.key' is not known; known are: issue.key"),
        ("{{ issue.nummer }}", 1, "'issue.nummer' is not known"),
        ("{{ body.format }}", 1, "'body.format' is not known"),
        ("{{ issue.key.nothing }}", 1, "'nothing' is no part of a variable"),
        ("{% if foo %}x{% endif %}", 1, "'foo' is not known"),
        ("{{ issue }}", 1, "'issue' is no text; its parts are: issue.key"),
        # what cannot be read
        ("a\n{{ marker", 2, "unexpected end of template"),
        ("a\nb\n{% if marker %}", 3, "Unexpected end of template"),
        ("{{ marker|shout }}", 1, "No filter named 'shout'"),
        # what could take for ever, or make a text without end
        ("{% for x in body %}x{% endfor %}", 1, "a template has no for: it has variables,"),
        ("{{ body * 1000000000 }}", 1, "a template has no *"),
        ("{{ 9 ** 999999999 }}", 1, "a template has no **"),
        ("{{ '%2000000000d' % 1 }}", 1, "a template has no %"),
        ("{{ body + body }}", 1, "a template has no +"),
        ("{{ body ~ body }}", 1, "a template has no ~"),
        ("a\n{% set a = body %}", 2, "a template has no set"),
        ("{% set a %}{{ body }}{% endset %}", 1, "a template has no set"),
        ("{{ body.ljust(2000000000) }}", 1, "a template has no call"),
        ("{{ body[:80] }}", 1, "a template has no […]"),
        ("{{ (body, body) }}", 1, "a template has no tuple"),
        ("{% macro x() %}{{ x() }}{% endmacro %}", 1, "a template has no macro"),
        ("{% call body() %}{% endcall %}", 1, "a template has no call"),
        ("{% filter upper %}{{ body }}{% endfilter %}", 1, "a template has no filter"),
        ("{% with a = body %}{{ a }}{% endwith %}", 1, "a template has no with"),
        ("{{ body|replace('', body) }}", 1, "No filter named 'replace'"),
        ("{{ body|wordwrap(1, true, body) }}", 1, "No filter named 'wordwrap'"),
        ("{{ body|center(10) }}", 1, "No filter named 'center'"),
        # what fails on each message
        ("{{ body|dictsort }}", 1, "No filter named 'dictsort'"),
        ("{% include 'x' %}", 1, "a template has no include"),
        ("{% extends 'x' %}", 1, "a template has no extends"),
        ("{% from 'x' import y %}", 1, "a template has no from"),
        ("{% block x %}{% endblock %}", 1, "a template has no block"),
        # what brings HTML of a mail into ours
        ("{{ body|safe }}", 1, "No filter named 'safe'"),
        ("{% autoescape false %}{{ body }}{% endautoescape %}", 1, "a template has no autoescape"),
        # what differs by recipient, and is filled in after the template
        ("{{ greeting|upper }}", 1, "'greeting' differs by recipient"),
        ("{{ (time or body)|truncate(5) }}", 1, "'time' differs by recipient"),
        ("{{ body|default(stop) }}", 1, "'stop' differs by recipient"),
        ("{{ body_html|truncate(50) }}", 1, "'body_html' is HTML"),
        ("{% if greeting == 'Hello' %}x{% endif %}", 1, "'greeting' differs by recipient"),
        ("{{ " + "(" * 5000 + "body" + ")" * 5000 + " }}", 1, "is nested too deeply"),
        ("{{ " + "not " * 5000 + "body }}", 1, "is nested too deeply"),
        ("{% if body %}" * 120 + "{% endif %}" * 120, 1, "is nested too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_line(source: str, line: int, words: str) -> None:
    for html in (False, True):
        found = faults_of(source, html=html)
        assert any(one.line == line and words in one.problem for one in found), found


@pytest.mark.parametrize(
    "source",
    [
        "",
        "{{ marker }}\n{{ greeting }}\n{{ issue.key }}: {{ issue.summary|upper }}",
        "{% if issue.url %}{{ issue.url }}{% elif hint %}{{ hint }}{% else %}-{% endif %}",
        "{% if not greeting or language == 'de' and event != 'created' %}{{ time }}{% endif %}",
        "{{ author.name or author.address }}{{ body if body else title }}",
        "{{ body|truncate(80, end='…') }}{# why not #}{% raw %}{{ x }}{% endraw %}",
    ],
)
def test_a_right_template_has_no_faults(source: str) -> None:
    assert faults_of(source) == []


def test_a_subject_has_no_words_for_one_recipient() -> None:
    assert faults_of("{{ issue.key }} {{ author.name }}", subject=True) == []
    (fault,) = faults_of("{{ greeting }}", subject=True)
    assert "differs by recipient" in fault.problem


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_makes_a_long_text_of_a_short_one(name: str) -> None:
    body = "<a> & straße ŉ\n" * 1000
    for html in (False, True):
        for chain in (f"{{{{ body|{name} }}}}", "{{ body" + f"|{name}" * 20 + " }}"):
            try:
                made = render(chain, {"body": body}, html=html)
            except Unrendered:
                continue
            assert len(made) < 6 * len(body)


@pytest.mark.parametrize(
    ("source", "always", "first"),
    [
        ("\n {{ marker }} x", True, True),
        ("{# x #}{{ marker }}", True, True),
        ("<p>{{ marker }}", True, False),
        ("{% if hint %}x{% endif %}{{ marker }}", True, False),
        ("{{ body }}{{ marker }}", True, False),
        ("{# marker #} x", False, False),
        ("bookmarker", False, False),
        ("{{ 'marker' }}", False, False),
        ("{{ marker|upper }}", False, False),
        ("{% if marker %}x{% endif %}", False, False),
        ("{% if hint %}{{ marker }}{% endif %}", False, False),
        ("", False, False),
    ],
)
def test_a_variable_is_found_where_it_always_stands(source: str, always: bool, first: bool) -> None:
    assert "marker" in VARIABLES
    assert puts_out(source, "marker", first=False) is always
    assert puts_out(source, "marker", first=True) is first


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{{ body_html }}", True),
        ("{% if body %}{{ body|trim }}{% endif %}", True),
        ("body {# body #} {{ body_label }}", False),
    ],
)
def test_the_variables_of_a_template_are_found(source: str, found: bool) -> None:
    assert names_any(source, ("body", "body_html")) is found
