"""What the README shows is true: its postrail.yaml can be applied, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from postrail.configuration.entry import Existing
from postrail.configuration.models.priority import PRIORITY, STANDARD, Priority
from postrail.configuration.plan import make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets
from postrail.settings import SecretSettings

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
# Each installation begins with them.
PRIORITIES: Existing = {(Priority, PRIORITY.identity_of(one)): one for one in STANDARD}
# Decisions name what there was when they were made.
PRESENT = [one for one in DOCUMENTS if one.parent.name != "adr"]
CODE = re.compile(r"`((?:postrail|services|tests|bench|schemas|scripts|deploy)/[\w./-]*)`")
ANCHOR = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)]+)\)")
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


def test_the_shown_configurations_can_be_applied_and_the_first_has_15_lines() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.S)
    mailbox, handlers = shown
    assert len(mailbox.splitlines()) == 15
    for text, created in ((mailbox, 3), (mailbox + handlers, 5)):
        entries = parse_file(text, "README.md")
        plan = make_plan(entries, PRIORITIES, Secrets(SecretSettings()), file="README.md")
        assert plan.count("created") == created


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_of_ours(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", PRESENT, ids=lambda path: path.name)
def test_named_files_and_headings_exist(document: Path) -> None:
    text = document.read_text()
    for path in CODE.findall(text):
        assert (REPOSITORY / path).exists(), path
    for target, anchor in ANCHOR.findall(text):
        page = document.parent / target if target else document
        headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
