"""What the README shows is true: its postrail.yaml can be applied, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from postrail.configuration.plan import make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets
from postrail.settings import SecretSettings

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


def test_the_shown_configuration_has_15_lines_and_can_be_applied() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.S)
    assert len(shown.splitlines()) == 15
    entries = parse_file(shown, "README.md")
    plan = make_plan(entries, {}, Secrets(SecretSettings()), file="README.md")
    assert plan.count("created") == 3


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_of_ours(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (document.parent / target).exists(), target
