"""The template that the example names is valid."""

from __future__ import annotations

import re
from importlib import resources

from postrail.configuration.templates.message_template import MessageTemplate
from postrail.configuration.yaml_read import parse_file


def test_the_template_of_the_example_is_valid() -> None:
    example = (resources.files("postrail.configuration") / "example.yaml").read_text()
    section = example[example.index("\n# templates:") : example.index("\n# How messages about")]
    (entry,) = parse_file(re.sub(r"(?m)^# ?", "", section), "x")
    assert isinstance(entry.thing, MessageTemplate)
    assert (entry.thing.event, entry.thing.html) == ("created", "")
    assert set(MessageTemplate.model_fields) == entry.given
