"""Commands that move, merge and link issues, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

AGENT = "agent@example.com"


@pytest.fixture
def sales(postrail: Postrail, filled: Filled) -> None:
    """Applies a second project."""
    Path("sales.yaml").write_text(SALES)
    code, _, errors = postrail("apply", "-f", "sales.yaml")
    assert code == 0, errors


SALES = """
projects:
  - key: SALE
    name: Sales
    issue_types: [Offer]
    fields:
      - name: Customer
        kind: text
"""


@pytest.mark.usefixtures("sales")
def test_an_issue_is_moved_and_found_by_both_keys(postrail: Postrail) -> None:
    _, output, errors = postrail("issues", "move", "help-1", "sale", "--set", "customer=Ada [Ltd]")
    assert output == (
        "HELP-1 is SALE-1 now.\ntype: Offer (before: Request)\nCustomer: Ada [Ltd] (before: none)\n"
    ), errors
    moved = answer(postrail, "issues", "move", "HELP-1", "HELP", "--author", AGENT)
    assert (moved["issue_key"], moved["former_key"]) == ("HELP-3", "SALE-1")
    assert moved["changes"] == [
        {"field": "type", "before": "Offer", "after": "Request"},
        {"field": "field:Customer", "before": "Ada [Ltd]", "after": None},
    ]
    _, output, _ = postrail("issues", "move", "HELP-3", "SALE", "--set", "status=Done")
    first_line = "HELP-3 is SALE-2 now. Notified by email: "
    assert output.startswith(first_line)
    assert "\nstatus: Done (before: Open)\n" in output
    by_key = [answer(postrail, "issues", "history", key) for key in ("HELP-1", "SALE-1", "HELP-3")]
    assert by_key[0] == by_key[1] == by_key[2]


def test_two_issues_are_merged(postrail: Postrail, filled: Filled) -> None:
    for key in ("HELP-1", "HELP-2"):
        postrail("issues", "assign", key, AGENT)
    _, output, errors = postrail("issues", "merge", "help-2", "help-1")
    assert output.splitlines()[0] == "HELP-2 is merged into HELP-1.", errors
    assert output.splitlines()[1].startswith("Its description is comment ")
    for command in ("mail", "outgoing"):
        own = answer(postrail, command, "list", "--issue", "HELP-1")
        keys = {row["issue_key"] for row in own}
        assert keys == {"HELP-1", "HELP-2"}, command
        assert answer(postrail, command, "list", "--issue", "HELP-2") == own
    # The record of the merged one does not count.
    assert answer(postrail, "people", "show", AGENT)["assigned"] == 1


@pytest.mark.usefixtures("sales")
def test_old_keys_show_the_present_issue_and_lists_the_present_ones(postrail: Postrail) -> None:
    postrail("issues", "merge", "HELP-2", "HELP-1")
    assert postrail("issues", "show", "help-2")[1].startswith("HELP-2 was merged into HELP-1.\n")
    postrail("issues", "move", "HELP-1", "SALE")
    for old, says in {
        "HELP-1": "HELP-1 is SALE-1 now.",
        "HELP-2": "HELP-2 was merged into SALE-1.",
    }.items():
        code, output, _ = postrail("issues", "show", old)
        assert (code, output.splitlines()[0]) == (0, says)
    shown = answer(postrail, "issues", "show", "HELP-2")
    assert shown == answer(postrail, "issues", "show", "SALE-1")
    assert (shown["merged_from"], shown["former_keys"]) == (["HELP-2"], ["HELP-1"])
    (listed,) = answer(postrail, "issues", "list")
    for old in ("key = help-1", "key IN (HELP-2)", "key != HELP-9"):
        assert answer(postrail, "issues", "list", old) == [listed]
    assert answer(postrail, "issues", "list", "key NOT IN (HELP-1)") == []
    # A list has the fields of an issue by the same names and values.
    assert listed.pop("comments") == len(shown["comments"])
    assert listed == {name: shown["issue"][name] for name in listed}
    assert listed["key"] == "SALE-1"


def test_issues_are_linked_and_unlinked(postrail: Postrail, filled: Filled) -> None:
    link = ("HELP-1", "is blocked by", "help-2")
    assert postrail("issues", "link", *link)[1] == "HELP-1 is blocked by HELP-2.\n"
    again = answer(postrail, "issues", "link", "help-2", "Blocks", "help-1")
    assert again == {
        "issue_key": "HELP-2",
        "words": "blocks",
        "other_key": "HELP-1",
        "linked": True,
        "changed": False,
    }
    _, output, _ = postrail("issues", "link", "help-2", "blocks", "help-1")
    assert output == "HELP-2 blocks HELP-1, as before.\n"
    for key, relation in {"HELP-1": "is blocked by", "HELP-2": "blocks"}.items():
        (shown,) = answer(postrail, "issues", "show", key)["links"]
        assert shown["relation"] == relation
    _, output, _ = postrail("issues", "unlink", *link, "--author", AGENT)
    assert output == "Removed the link: HELP-1 is blocked by HELP-2.\n"
    _, output, _ = postrail("issues", "unlink", *link)
    assert output == "There was no such link: HELP-1 is blocked by HELP-2.\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["move", "HELP-1", "NONE"], "there is no project NONE Remedy: Use one of: HELP"),
        (["move", "HELP-1", "HELP"], "already Remedy: There is no other project"),
        (["move", "HELP-9", "HELP"], "there is no issue HELP-9"),
        (["merge", "HELP-1", "HELP-1"], "are one issue, HELP-1 Remedy: Name another issue"),
        (["merge", "HELP-1", "HELP-9"], "there is no issue HELP-9"),
        (["link", "HELP-1", "likes", "HELP-2"], "Use one of: relates to, duplicates, blocks"),
        (["link", "HELP-1", "blocks", "HELP-1"], "are one issue"),
        (["merge", "HELP-1", "HELP-2", "--author", "x@example.com"], "no person with the address"),
    ],
)
def test_a_refused_act_has_its_reason(
    postrail: Postrail, filled: Filled, arguments: list[str], problem: str
) -> None:
    code, _, errors = postrail("issues", *arguments)
    assert code == 1
    assert problem in " ".join(errors.split())
