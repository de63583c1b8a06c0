"""Templates reach nothing but their variables, and fail with one error."""

from __future__ import annotations

import pytest

from postrail.rendering.engine import OUTPUT_MAX_CHARACTERS, Unrendered, render


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
        # filters with wrong arguments, and templates that are nested too deeply
        "{{ body|truncate(body) }}",
        "{{ body|truncate(1, true, body|upper) }}",
        "{{ body|first|length|title|dictsort }}",
        "{{ " + "(" * 5000 + "body" + ")" * 5000 + " }}",
        "{{ " + "not " * 5000 + "body }}",
        "{% if body %}" * 120 + "{% endif %}" * 120,
    ],
)
def test_what_fails_while_it_is_rendered_is_one_error(source: str) -> None:
    with pytest.raises(Unrendered):
        render(source, {"body": "xy", "issue": {"key": "A-1"}})


def test_a_text_without_end_is_refused() -> None:
    source = "{{ body }}" * 4
    with pytest.raises(Unrendered, match="characters"):
        render(source, {"body": "x" * (OUTPUT_MAX_CHARACTERS // 3)})


def test_html_is_escaped_and_text_is_not() -> None:
    values = {"body": "<b>&"}
    assert render("{{ body }}", values) == "<b>&"
    assert render("{{ body }}", values, html=True) == "&lt;b&gt;&amp;"
