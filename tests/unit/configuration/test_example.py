"""`postrail init` writes every setting, and docs/senders.md has those of mail accounts."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import pytest

from postrail.configuration.kind import Kind
from postrail.configuration.kinds import KINDS
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.yaml_read import parse_file
from tests.makers.configuration import mail_account

EXAMPLE = (resources.files("postrail.configuration") / "example.yaml").read_text()
PAGE = (Path(__file__).parents[3] / "docs" / "senders.md").read_text()


def section(name: str) -> str:
    """Returns what stands below a section's name, up to the next section."""
    _, rest = re.split(rf"(?m)^(?:# )?{name}:$", EXAMPLE)
    return re.split(r"(?m)^(?:# )?[a-z_]+:$", rest)[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.section)
def test_every_setting_is_in_the_file(kind: Kind[Any]) -> None:
    text = section(kind.section)
    missing = [name for name in kind.model.model_fields if not re.search(rf"\b{name}:", text)]
    assert missing == []


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        ("accounts", "# authserv_ids", "# What happens to a message there"),
        ("handlers", "# Further settings", "# Senders whose"),
    ],
)
def test_the_settings_in_comments_are_right(name: str, begins: str, ends: str) -> None:
    before, after = section(name).split(begins)
    settings = re.sub(r"(?m)^( *)# (?=[a-z_]+: )", r"\1", f"{begins}{after.split(ends)[0]}")
    assert parse_file(f"{name}:{before}{settings}", name)


def test_the_sender_filter_in_comments_is_right() -> None:
    text = section("sender_filters").split("\n\n")[0]
    assert parse_file("sender_filters:" + text.replace("\n# ", "\n"), "file")


def test_the_settings_about_senders_are_documented() -> None:
    table = PAGE.split("## Settings of a mail account")[1].split("\n## ")[0]
    for row in re.findall(r"(?m)^\| `(.*) \|$", table):
        name, default, choices, _ = (cell.strip("` ") for cell in row.split(" | "))
        value = getattr(mail_account(), name)
        assert default == (str(value).lower() if isinstance(value, bool) else value or "none")
        given = get_args(MailAccount.model_fields[name].annotation)
        if all(isinstance(one, str) for one in given) and given:
            assert choices == "`, `".join(given)
