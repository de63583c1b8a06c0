"""docs/templates.md lists every event and every variable."""

from __future__ import annotations

from pathlib import Path

from postrail.rendering.events import DESCRIPTIONS, VARIABLES, MessageEvent

PAGE = (Path(__file__).parents[3] / "docs" / "templates.md").read_text()


def test_the_page_lists_all_events_and_variables() -> None:
    assert DESCRIPTIONS.keys() == set(MessageEvent)
    for name, words in [*DESCRIPTIONS.items(), *VARIABLES.items()]:
        assert f"| `{name}` | {words} |\n" in PAGE
