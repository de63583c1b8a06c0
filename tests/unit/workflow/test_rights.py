"""The rights of each role, as docs/rights.md says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from postrail.workflow.rights import RIGHTS, Act, Channel, NotAllowed, may, require
from postrail.workflow.roles import Role

PAGE = (Path(__file__).parents[3] / "docs" / "rights.md").read_text()
CHANNELS: tuple[Channel, ...] = get_args(Channel)
ROW = re.compile(r"\| ([^|]+) \| [^|]+ \| ([a-z-]+) \| ([a-z-]+) \| ([a-z-]+) \|")


def documented() -> dict[tuple[str, str], str]:
    """Returns the least role by act and channel as the page says."""
    header = ""
    rows: dict[tuple[str, str], str] = {}
    for line in PAGE.splitlines():
        if match := ROW.fullmatch(line):
            act, *roles = match.groups()
            rows.update(
                {(act, channel): role for channel, role in zip(CHANNELS, roles, strict=True)}
            )
        elif line.startswith("| act "):
            header = line
    assert header == "| act | what it does | by mail | by command | by page |"
    return rows


LEAST = documented()


def test_the_page_has_all_acts_in_the_order_of_the_table() -> None:
    acts = list(dict.fromkeys(act for act, _ in LEAST))
    assert acts == list(Act) == list(RIGHTS)


def test_the_page_names_the_roles_in_their_order() -> None:
    assert re.findall(r"^\| (\w+) \|[^|]+\|$", PAGE, re.M)[1:] == list(Role)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_page_says(role: Role, channel: Channel, act: Act) -> None:
    least = LEAST[act, channel]
    order = ["outsider", "agent", "lead", "administrator"]
    allowed = least != "-" and order.index(role) >= order.index(least)
    assert may(role, act, channel) == allowed
    if allowed:
        require(role, act, channel, who="jane@example.org", project="HELP")
        return
    with pytest.raises(NotAllowed) as refused:
        require(role, act, channel, who="jane@example.org", project="HELP")
    words = str(refused.value)
    assert f"jane@example.org is {role} in project HELP, and may not {act} by {channel}" in words
    assert (f"{least} is the least role that may" in words) == (least != "-")
    assert ("Nobody may: use a command or a page" in words) == (least == "-")
