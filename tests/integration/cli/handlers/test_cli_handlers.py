"""`postrail handlers` on a real database: the order, the entry of the file, a round trip."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.makers.commands import Postrail, answer

FILE = """
connections: [{name: out, host: smtp.example.org, from_address: d@example.org, is_default: true}]
projects: [{key: HELP, name: Help desk}]
accounts:
  - {name: a, host: imap.example.org, username: a, password: x, address: a@example.org,
     project: HELP}
  - {name: b, host: imap.example.org, username: b, password: x, address: b@example.org,
     project: HELP}
handlers:
  - name: rest
    order: 900
  - name: bugs
    description: What begins with "Bug:"
    accounts: [b]
    order: 10
    when:
      all:
        - subject starts: "Bug:"
        - not: {kind is: bulk}
    issue_type: Bug
    fields: {}
    then:
      - set: {priority: High}
      - labels: [vip]
  - name: holidays
    enabled: false
    when: {subject contains: holiday}
"""
FAULTY = """
handlers:
  - name: bugs
    when:
      - subjekt starts: "Bug:"
  - name: others
    project: NONE
    then:
      - explode: now
"""


@pytest.fixture
def handlers(postrail: Postrail) -> Postrail:
    Path("postrail.yaml").write_text(FILE)
    code, _, errors = postrail("apply")
    assert code == 0, errors
    return postrail


def test_handlers_are_listed_in_the_order_in_which_they_are_asked(handlers: Postrail) -> None:
    found = answer(handlers, "handlers", "list")
    assert [(one["name"], one["asked_by"]) for one in found] == [
        ("bugs", ["b"]),
        ("holidays", ["a", "b"]),
        ("rest", ["a", "b"]),
    ]
    _, output, _ = handlers("handlers", "list", "--account", "a")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines == [
        "Order Handler State Accounts Kind Project Description",
        "100 holidays disabled all create_or_comment",
        "900 rest enabled all create_or_comment",
    ]


def test_a_handler_is_shown_as_a_file_has_it(handlers: Postrail) -> None:
    _, output, _ = handlers("handlers", "show", "bugs")
    head, _, entry = output.partition("\n\n")
    assert [" ".join(line.split()) for line in head.splitlines()] == [
        "Handler bugs",
        "State enabled",
        "Accounts b",
        "Asked 1 of 3 in b",
    ]
    written = yaml.safe_load(entry)
    assert written == {
        "name": "bugs",
        "description": 'What begins with "Bug:"',
        "accounts": ["b"],
        "order": 10,
        "when": {"all": [{"subject starts": "Bug:"}, {"not": {"kind is": "bulk"}}]},
        "issue_type": "Bug",
        "then": [{"set": {"priority": "High"}}, {"labels": ["vip"]}],
    }
    assert answer(handlers, "handlers", "show", "bugs")["written"] == written
    assert "disabled: it takes no message" in handlers("handlers", "show", "holidays")[1]


def test_an_unknown_handler_is_refused_with_the_known_ones(handlers: Postrail) -> None:
    code, _, errors = handlers("handlers", "show", "bug")
    assert code == 1
    assert "there is no mail handler 'bug'\nRemedy: Did you mean 'bugs'?" in errors
    code, _, errors = handlers("handlers", "show", "x")
    assert "Remedy: There are: bugs, holidays, rest" in errors


def test_without_handlers_the_list_says_what_happens(postrail: Postrail) -> None:
    assert "No handlers: each message becomes an issue" in postrail("handlers", "list")[1]


def test_an_export_of_handlers_changes_nothing_when_it_is_applied(handlers: Postrail) -> None:
    assert handlers("export", "again.yaml")[0] == 0
    exported = yaml.safe_load(Path("again.yaml").read_text())
    assert [one["name"] for one in exported["handlers"]] == ["bugs", "holidays", "rest"]
    text = Path("again.yaml").read_text().replace("env:POSTRAIL_SECRET_", "x")
    Path("again.yaml").write_text(text)
    before = answer(handlers, "handlers", "list")
    code, output, errors = handlers("apply", "-f", "again.yaml")
    assert code == 0, errors
    for name in ("bugs", "holidays", "rest"):
        assert f"unchanged handler {name}" in output
    assert answer(handlers, "handlers", "list") == before


def test_faults_of_handlers_name_their_lines(postrail: Postrail) -> None:
    Path("postrail.yaml").write_text(FAULTY)
    code, _, errors = postrail("apply")
    assert code == 2
    assert "postrail.yaml:5: handler 'bugs', when: " in errors
    assert "did you mean 'subject'?" in errors
    assert "postrail.yaml:9: handler 'others', then: item 1: explode: is not known" in errors


def test_a_handler_is_disabled_and_enabled_with_all_its_settings(handlers: Postrail) -> None:
    before = answer(handlers, "handlers", "show", "bugs")["written"]
    code, output, _ = handlers("handlers", "disable", "bugs", "--author", "Ada")
    assert (code, output) == (0, "Handler bugs: enabled: no.\n")
    after = answer(handlers, "handlers", "show", "bugs")["written"]
    assert after == {**before, "enabled": False}
    code, output, _ = handlers("handlers", "disable", "bugs")
    assert (code, output) == (0, "Handler bugs: enabled: no (unchanged).\n")
    found = answer(handlers, "handlers", "enable", "bugs")
    assert found == {"handler": "bugs", "action": "changed", "enabled": True}
    assert answer(handlers, "handlers", "show", "bugs")["written"] == before
    code, _, errors = handlers("handlers", "disable", "bug")
    assert (code, "there is no mail handler 'bug'" in errors) == (1, True)
