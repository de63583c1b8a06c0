"""Commands that change issues, on real servers."""

from __future__ import annotations

import io

import pytest

from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

AGENT = "agent@example.com"


def test_a_person_watches_an_issue(postrail: Postrail, filled: Filled) -> None:
    code, output, _ = postrail("issues", "watch", "help-1", "--author", "Agent@Example.com")
    assert (code, output) == (0, "agent@example.com watches HELP-1.\n")
    again = answer(postrail, "issues", "watch", "HELP-1", "--watcher", AGENT)
    assert again == {"issue_key": "HELP-1", "watcher": AGENT, "watching": True, "changed": False}
    assert AGENT in answer(postrail, "issues", "show", "HELP-1")["watchers"]
    _, output, _ = postrail("issues", "watch", "HELP-1", "--off", "--watcher", AGENT)
    assert output == "agent@example.com does not watch HELP-1.\n"


def test_an_issue_is_made_changed_and_done(
    postrail: Postrail, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("It smells.\n"))
    code, output, errors = postrail(
        *("issues", "create", "help", "Odd smell", "--description", "-"),
        *("--reporter", "Bob@example.org", "--set", "priority=high", "--set", "labels=air,odd"),
    )
    assert code == 0, errors
    assert output == "Created HELP-3. Notified by email: bob@example.org.\n"
    assert answer(postrail, "issues", "show", "HELP-3")["description"] == "It smells.\n"
    (line,) = [one for one in postrail("issues", "show", "HELP-3")[1].splitlines() if "· " in one]
    assert line.endswith(": opened for bob@example.org")
    _, output, _ = postrail(
        *("issues", "edit", "help-3", "--set", "due=2027-01-31", "--remove", "labels=odd"),
        *("--add", "labels=nose", "--add", "labels=old", "--author", AGENT),
    )
    assert output == (
        "HELP-3: changed due from none to 2027-01-31; labels from air, odd to air, nose, old.\n"
    )
    _, output, _ = postrail("issues", "edit", "HELP-3", "--set", "priority=2")
    assert output == "HELP-3: changed nothing, as all values were the same.\n"
    _, output, _ = postrail("issues", "edit", "HELP-3", "--set", "priority=4")
    assert output == "HELP-3: changed priority from High to Low.\n"
    edited = answer(postrail, "issues", "edit", "HELP-3", "--clear", "due")
    assert edited == {
        "issue_key": "HELP-3",
        "changes": [{"field": "due", "before": "2027-01-31", "after": None}],
    }
    _, output, _ = postrail("issues", "assign", "HELP-3", AGENT)
    assert output == (
        f"HELP-3 is assigned to {AGENT} (before: nobody). Notified by email: {AGENT}.\n"
    )
    _, output, _ = postrail("issues", "assign", "HELP-3", "--nobody", "--author", AGENT)
    assert output == f"HELP-3 is assigned to nobody (before: {AGENT}).\n"
    done = answer(postrail, "issues", "transition", "HELP-3", "done", "--resolution", "Aired")
    assert (done["before"], done["status"], done["resolution"]) == ("Open", "Done", "Aired")
    assert set(done["notified"]) == {"bob@example.org", AGENT}


def test_the_operator_opens_an_issue_as_the_help_desk(postrail: Postrail, filled: Filled) -> None:
    made = answer(postrail, "issues", "create", "HELP", "Odd smell")
    assert made == {"issue_key": "HELP-3", "notified": [], "held": []}
    shown = answer(postrail, "issues", "show", "HELP-3")
    issue = shown["issue"]
    assert (issue["reporter"], issue["reporter_name"]) == ("desk@example.com", "Help desk")
    # Mail to our own address would come back.
    assert shown["watchers"] == []


def test_a_transition_to_the_present_status_says_so(postrail: Postrail, filled: Filled) -> None:
    _, output, _ = postrail("issues", "transition", "HELP-1", "open")
    assert output == "HELP-1 is Open, unchanged.\n"


def test_the_history_says_who_changed_what(postrail: Postrail, filled: Filled) -> None:
    assert postrail("issues", "history", "HELP-1")[1] == "No changes.\n"
    summary = "--set", "summary=Red \x1b[31malert [bold]"
    postrail("issues", "edit", "HELP-1", *summary, "--set", "priority=1", "--author", AGENT)
    postrail("issues", "transition", "HELP-1", "Done", "--author", AGENT)
    changes = answer(postrail, "issues", "history", "help-1")
    assert [(one["field"], one["before"], one["after"]) for one in changes] == [
        ("summary", "Printer [red]on\x1b fire", "Red \x1b[31malert [bold]"),
        ("priority", "Medium", "Highest"),
        ("status", "Open", "Done"),
        ("resolution", None, "Done"),
    ]
    assert {(one["actor_address"], one["actor_name"], one["channel"]) for one in changes} == {
        (AGENT, "An Agent", "command")
    }
    _, output, _ = postrail("issues", "history", "HELP-1")
    assert "\x1b" not in output
    assert "Red �[31malert [bold]" in output
    assert "An Agent" in output


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["watch", "HELP-9", "--watcher", AGENT], 1, "there is no issue HELP-9"),
        (["history", "HELP-9"], 1, "there is no issue HELP-9"),
        (["watch", "HELP-1"], 1, "Name the watcher: --watcher ADDRESS"),
        (["watch", "HELP-1", "--author", "nobody@example.com"], 1, "no person with the address"),
        (["create", "NONE", "x", "--author", AGENT], 1, "there is no project NONE"),
        (["create", "HELP", "x", "--set", "summary=y"], 2, "summary is given twice"),
        (["edit", "HELP-1"], 2, "Give --set, --description, --add, --remove or --clear"),
        (["edit", "HELP-1", "--set", "priority"], 2, "'priority' is not FIELD=VALUE"),
        (["edit", "HELP-1", "--add", "=x"], 2, "'=x' is not FIELD=VALUE"),
        (["edit", "HELP-1", "--set", "due=x", "--clear", "due"], 2, "due is given twice"),
        (["edit", "HELP-1", "--set", "priority=6"], 1, "there is no priority '6'"),
        (["edit", "HELP-1", "--description", "x", "--clear", "description"], 2, "given twice"),
        (["assign", "HELP-1"], 2, "assigned to whom?"),
        (["assign", "HELP-1", AGENT, "--nobody"], 2, "Give one of the two"),
        (["assign", "HELP-1", "ada@example.org"], 1, "no person with the address"),
        (["transition", "HELP-1", "Closed"], 1, "project HELP has no status 'Closed'"),
    ],
)
def test_a_refused_act_has_its_reason(
    postrail: Postrail, filled: Filled, arguments: list[str], code: int, problem: str
) -> None:
    got, _, errors = postrail("issues", *arguments)
    assert got == code
    assert problem in " ".join(errors.split())


ACTS: list[tuple[str, ...]] = [
    ("create", "HELP", "Odd smell"),
    ("edit", "HELP-1", "--set", "priority=high"),
    ("assign", "HELP-1", AGENT),
    ("transition", "HELP-1", "Done"),
    ("watch", "HELP-1", "--watcher", AGENT),
    ("link", "HELP-1", "blocks", "HELP-2"),
    ("unlink", "HELP-1", "blocks", "HELP-2"),
    ("move", "HELP-1", "SALE"),
    ("merge", "HELP-1", "HELP-2"),
    ("attachments", "add", "HELP-1", __file__),
    ("list",),
]
RECORDED: list[tuple[str, ...]] = [
    ("people", "merge", AGENT, "bob@example.org"),
    ("accounts", "disable", "support"),
    ("accounts", "fetch", "support"),
    ("secrets", "reseal"),
]


def test_an_author_who_is_nobody_is_not_the_operator(postrail: Postrail, filled: Filled) -> None:
    for arguments in ACTS:
        code, _, errors = postrail("issues", *arguments, "--author", "")
        assert (code, "no person with the address ''" in errors) == (1, True), (arguments, errors)
    for author in (" ", "nobody", "nobody@example.com", "\0"):
        code, _, errors = postrail("issues", "assign", "HELP-1", AGENT, "--author", author)
        assert (code, "no person with the address" in errors) == (1, True), (author, errors)
    for author in ("", " ", "nobody"):
        code, _, errors = postrail("issues", "comment", "HELP-1", "x", "--author", author)
        assert (code, "is not an address" in errors) == (2, True), (author, errors)
    assert answer(postrail, "issues", "history", "HELP-1") == []


def test_a_blank_author_is_not_recorded(postrail: Postrail, filled: Filled) -> None:
    for arguments in RECORDED:
        code, _, errors = postrail(*arguments, "--author", " ")
        assert (code, "the author has no name" in errors) == (2, True), (arguments, errors)
