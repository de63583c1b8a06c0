"""A person in a postrail.yaml: every field, the former name of one, and whose an address is."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest

from postrail.configuration.entry import ConfigurationFileError, Existing
from postrail.configuration.models.person import Person
from postrail.configuration.plan import Plan, make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings

SECRETS = Secrets(SecretSettings.model_validate({"keys": generate_key()}))
ANA = Person(address="ana@example.org", addresses=["ana@home.example"], name="Ana")
BEN = Person(address="ben@example.org", name="Ben")


def read(*lines: str) -> Person:
    text = "people:\n  - " + "\n    ".join(lines) + "\n"
    (entry,) = parse_file(text, "f")
    assert isinstance(entry.thing, Person)
    return entry.thing


def plan_of(text: str, *stored: Person) -> Plan:
    existing: Existing = {(Person, person.address): person for person in stored}
    return make_plan(parse_file(text, "f"), existing, SECRETS, file="f")


def faults_of(text: str, *stored: Person) -> list[str]:
    with pytest.raises(ConfigurationFileError) as caught:
        plan_of(text, *stored)
    return str(caught.value).splitlines()


def test_all_fields_are_read_and_put_in_order() -> None:
    person = read(
        "address: Ana@Example.org",
        "addresses: [z@example.org, A@example.org, a@example.org, ANA@example.org]",
        "name: Ana",
        "groups: [Support, Änderungen, support, second line]",
        "language: de",
        "time_zone: Europe/Berlin",
        "messages: digest",
        "digest_hour: 18",
        "active: false",
    )
    assert person.model_dump() == {
        "address": "ana@example.org",
        "addresses": ["a@example.org", "z@example.org"],
        "name": "Ana",
        "groups": ["second line", "support", "änderungen"],
        "language": "de",
        "time_zone": "Europe/Berlin",
        "messages": "digest",
        "digest_hour": 18,
        "active": False,
    }
    assert person.all_addresses == ["ana@example.org", "a@example.org", "z@example.org"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("addresses: [no address]", "addresses: must be a list of addresses such as help@exa"),
        ("addresses: a@example.org", "addresses: must be a list; write [a@example.org]"),
        ("groups: ['a,b']", "groups: must be a list of names of letters, digits"),
        ("groups: ['']", "groups: item 1: must not be empty"),
        ("language: German", "language: must be two letters, such as en"),
        ("language: DE", "language: must be two letters, such as en"),
        ("time_zone: Berlin", "time_zone: 'Berlin' is not in the time zone database"),
        ("time_zone: ../etc/passwd", "time_zone: '../etc/passwd' is not in the time zone database"),
        ("messages: weekly", "messages: must be"),
        ("digest_hour: 24", "digest_hour: must be"),
        ("x: true", "x: is not known; known are: address, addresses, name, groups, language, time"),
        ("activ: true", "activ: is not known; did you mean 'active'?"),
    ],
)
def test_a_faulty_field_is_named_with_its_line(line: str, fault: str) -> None:
    (found,) = faults_of(f"people:\n  - address: ana@example.org\n    {line}\n")
    assert found.startswith("f:3: person")
    assert fault in found


@pytest.mark.parametrize("active", [True, False])
def test_a_file_of_an_earlier_release_says_enabled(active: bool) -> None:
    text = f"people:\n  - address: ana@example.org\n    enabled: {str(active).lower()}\n"
    plan = plan_of(text)
    (change,) = plan.changes
    assert isinstance(change.after, Person)
    assert change.after.active is active
    assert plan.notes == ("person ana@example.org: enabled is called active now",)


def test_the_former_name_of_a_field_is_not_offered() -> None:
    (fault,) = faults_of("people:\n  - {address: a@b, color: red}\n")
    assert "enabled" not in fault


def test_both_names_of_a_field_are_refused() -> None:
    (fault,) = faults_of("people:\n  - {address: a@b, active: true, enabled: false}\n")
    assert fault == "f:2: person 'a@b', enabled: is the former name of active: remove it"


def test_two_entries_cannot_have_one_address() -> None:
    second = "  - address: b@b\n    addresses: [Ana@Example.org]\n"
    (fault,) = faults_of("people:\n  - address: ana@example.org\n" + second)
    assert fault == (
        "f:4: person 'b@b', addresses: ana@example.org is given at line 2 already,"
        " to ana@example.org"
    )


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        # The other address of a stored person, as a person of its own.
        (
            "address: ana@home.example",
            "person 'ana@home.example', address: ana@home.example belongs to the person"
            " ana@example.org: write it under addresses there; or, if mail is to go to it from now"
            " on, add ana@example.org to addresses here",
        ),
        # An address of one stored person, given to another one.
        (
            "{address: ben@example.org, addresses: [ana@home.example]}",
            "person 'ben@example.org', addresses: ana@home.example belongs to the person"
            " ana@example.org: if they are one, run postrail people merge ben@example.org"
            " ana@example.org; otherwise remove it there first, and apply that",
        ),
        # Two stored persons as one new one.
        (
            "{address: c@c, addresses: [ana@example.org, ben@example.org]}",
            "addresses: ben@example.org belongs to the person ben@example.org",
        ),
    ],
)
def test_an_address_of_another_person_is_refused(entry: str, fault: str) -> None:
    assert any(fault in one for one in faults_of(f"people:\n  - {entry}\n", ANA, BEN))


def test_another_address_for_mail_keeps_the_person() -> None:
    text = "people:\n  - {address: ana@new.example, addresses: [ana@example.org], name: Ana}\n"
    plan = plan_of(text, ANA, BEN)
    (change,) = plan.changes
    assert (change.action, change.before) == ("changed", ANA)
    assert {name: new for name, _, new in change.fields} == {
        "address": "ana@new.example",
        "addresses": ["ana@example.org"],
    }
    assert plan.untouched == (("person", "ben@example.org"),)


@pytest.mark.parametrize(
    ("line", "addresses", "notes"),
    [
        (
            "name: Ana",
            ["ana@home.example"],
            (
                "person ana@example.org: keeps ana@home.example, as addresses is left out;"
                " addresses: [] removes them",
            ),
        ),
        ("addresses: []", [], ()),
        ("addresses: [x@example.org]", ["x@example.org"], ()),
    ],
)
def test_addresses_stay_unless_the_file_gives_them(
    line: str, addresses: list[str], notes: Any
) -> None:
    plan = plan_of(f"people:\n  - address: ana@example.org\n    {line}\n", ANA)
    (change,) = plan.changes
    assert isinstance(change.after, Person)
    assert change.after.addresses == addresses
    assert plan.notes == notes


def test_the_settings_that_the_example_names_are_valid() -> None:
    example = (resources.files("postrail.configuration") / "example.yaml").read_text()
    section = example[example.index("\npeople:") :]
    (entry,) = parse_file(re.sub(r"# (?=\w+: )", "", section), "example.yaml")
    assert entry.given == set(Person.model_fields)
