"""`postrail people` on a real database: apply, list, show, merge, export."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postrail.database import one_connection, rows
from postrail.people.changes import add_from_mail
from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.records import NOON

MAIL_ID = "3f2b6a0e-0000-4000-8000-000000000001"
FILE = """
connections:
  - {name: out, host: smtp.example.org, from_address: desk@example.org, is_default: true}
projects:
  - {key: HELP, name: Help desk, leads: ["group:support"]}
  - {key: SALE, name: Sales, known_people: outsider}
people:
  - {address: ana@example.org, name: Ana, addresses: [ana@home.example], groups: [Support],
     language: de, time_zone: Europe/Berlin}
  - {address: ben@example.org, enabled: false}
"""


@pytest.fixture
def configured(postrail: Postrail, settings: Settings, tmp_path: Path) -> Postrail:
    """Applies a file of an earlier release; a message makes a person, too."""
    (tmp_path / "postrail.yaml").write_text(FILE)
    code, output, errors = postrail("apply")
    assert code == 0, errors
    assert "Note: person ben@example.org: enabled is called active now." in output

    async def by_mail() -> None:
        async with one_connection(settings.database) as connection:
            name = "Cem \x1b[31m\u202e"
            await add_from_mail(connection, "cem@example.org", name, mail_id=MAIL_ID, now=NOON)

    asyncio.run(by_mail())
    return postrail


def test_people_are_listed_with_their_addresses_and_groups(configured: Postrail) -> None:
    listed = answer(configured, "people", "list")
    assert [(row["address"], row["active"], row["origin"]) for row in listed] == [
        ("ana@example.org", True, "configuration"),
        ("ben@example.org", False, "configuration"),
        ("cem@example.org", True, "mail"),
    ]
    (ana,) = answer(configured, "people", "list", "--group", "SUPPORT")
    assert (ana["addresses"], ana["groups"]) == (["ana@home.example"], ["support"])
    assert len(answer(configured, "people", "list", "--limit", "2")) == 2
    _, output, _ = configured("people", "list")
    assert "inactive" in output
    assert "Cem \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}" in output
    assert configured("people", "list", "--group", "none")[:2] == (0, "No people.\n")


def test_a_person_is_shown_by_any_address(configured: Postrail) -> None:
    shown = answer(configured, "people", "show", "Ana@Home.example")
    assert shown["person"]["address"] == "ana@example.org"
    assert shown["roles"] == {"HELP": "lead", "SALE": "outsider"}
    assert (shown["reported"], shown["assigned"]) == (0, 0)
    _, output, _ = configured("people", "show", "ana@home.example")
    for text in ("Europe/Berlin", "lead in HELP, outsider in SALE", "0 reported", "support"):
        assert text in output
    by_mail = answer(configured, "people", "show", "cem@example.org")
    assert by_mail["origin_mail_id"] == MAIL_ID
    assert by_mail["roles"] == {"HELP": "outsider", "SALE": "outsider"}
    assert "\x1b" not in configured("people", "show", "cem@example.org")[1]
    code, _, errors = configured("people", "show", "nobody@example.org")
    assert (code, "Remedy: List them with: postrail people list" in errors) == (1, True)


def test_people_are_merged_and_exported_as_one(configured: Postrail, settings: Settings) -> None:
    merged = ["people", "merge", "ana@home.example", "cem@example.org", "--author", "me"]
    code, output, errors = configured(*merged)
    assert code == 0, errors
    assert "Merged cem@example.org into ana@example.org" in output
    assert "ana@example.org, ana@home.example, cem@example.org" in output
    code, _, errors = configured(*merged)
    assert (code, "addresses of one person already" in errors) == (1, True)

    async def authors() -> list[tuple[str, ...]]:
        async with one_connection(settings.database) as connection:
            return await rows(
                connection,
                "SELECT author, name FROM configuration_change ORDER BY change_id DESC LIMIT 2",
            )

    assert asyncio.run(authors()) == [("me", "cem@example.org"), ("me", "ana@example.org")]
    Path("all.yaml").write_text(configured("export")[1])
    assert "- cem@example.org" in Path("all.yaml").read_text()
    output = configured("apply", "-f", "all.yaml")[1]
    assert "0 created, 0 changed" in output
    assert "Not in the file" not in output
    # The file from before the merge knows only the first one, and takes no address away.
    first_only = FILE.replace(" addresses: [ana@home.example],", "")
    Path("postrail.yaml").write_text(first_only)
    output = configured("apply")[1]
    assert "keeps ana@home.example, cem@example.org, as addresses is left out" in output
    assert "0 created, 0 changed" in output


def test_the_state_of_a_merged_person_is_named(configured: Postrail) -> None:
    _, output, _ = configured("people", "merge", "ben@example.org", "cem@example.org")
    assert "The person is inactive, as the first one was." in output
    done = answer(configured, "people", "merge", "ana@example.org", "ben@example.org")
    assert done["merged"] == "ben@example.org"
    assert done["person"]["active"] is True
