"""Exports of any configuration; applying one gives the same configuration again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from postrail.configuration.configured import Configured, folded
from postrail.configuration.kinds import identity
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import HandlerKind, MailHandler
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.person import Person
from postrail.configuration.models.priority import Priority
from postrail.configuration.models.project import (
    CustomField,
    FieldKind,
    IssueType,
    Project,
    Status,
)
from postrail.configuration.models.project_checks import RESERVED_NAMES
from postrail.configuration.models.sender_filter import SenderFilter
from postrail.configuration.plan import Plan, make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.configuration.yaml_write import export_text, written_values
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings

SECRETS = Secrets(SecretSettings(keys=SecretStr(generate_key())))

OUT = OutgoingConnection(
    name="out", host="smtp.example.org", from_address="help@example.org", is_default=True
)
HELP = Project(key="HELP", name="Help desk")
ACCOUNT = MailAccount(
    name="help",
    host="imap.example.org",
    username="help",
    password="env:POSTRAIL_SECRET_HELP",
    address="help@example.org",
    project="HELP",
)


def sealed_account(name: str) -> MailAccount:
    return ACCOUNT.model_copy(
        update={"name": name, "username": name, "password": SECRETS.seal(f"secret of {name}")}
    )


def plan_of(text: str, things: Sequence[Configured]) -> Plan:
    existing = {(type(thing), identity(thing)): thing for thing in things}
    return make_plan(parse_file(text, "f"), existing, SECRETS, file="f")


def test_an_export_is_short_and_readable() -> None:
    account = ACCOUNT.model_copy(
        update={"description": "Für Kunden:\nalle", "only_after": date(2026, 1, 1)}
    )
    assert export_text([account, HELP, OUT, Person(address="a@example.org")]) == (
        "# The configuration of this installation, written by postrail export. To restore it:\n"
        "#\n"
        "#     postrail apply -f FILE\n"
        "#\n"
        "# Values that are left out have their defaults; postrail init writes a file that explains"
        " all\n"
        "# settings.\n"
        "\n"
        "# The mail servers that send our messages.\n"
        "connections:\n"
        "  - name: out\n"
        "    is_default: true\n"
        "    host: smtp.example.org\n"
        "    from_address: help@example.org\n"
        "\n"
        "# The projects of the built-in tracker.\n"
        "projects:\n"
        "  - key: HELP\n"
        "    name: Help desk\n"
        "\n"
        "# The mailboxes that are watched.\n"
        "accounts:\n"
        "  - name: help\n"
        "    description: |-\n"
        "      Für Kunden:\n"
        "      alle\n"
        "    host: imap.example.org\n"
        "    username: help\n"
        "    password: env:POSTRAIL_SECRET_HELP\n"
        "    address: help@example.org\n"
        "    project: HELP\n"
        "    only_after: 2026-01-01\n"
        "\n"
        "# People who may comment on any issue by naming its key in the subject.\n"
        "people:\n"
        "  - address: a@example.org\n"
    )


def test_encrypted_secrets_become_variables_that_are_named_once() -> None:
    taken = ACCOUNT.model_copy(update={"password": "env:POSTRAIL_SECRET_ACCOUNT_B_PASSWORD"})
    things = [OUT, HELP, taken, *map(sealed_account, ["a.b", "a-b", "A_b", "b"])]
    text = export_text(things)
    assert "password: sealed:" not in text
    assert "secret of" not in text
    for variable in (
        "POSTRAIL_SECRET_ACCOUNT_A_B_PASSWORD",
        "POSTRAIL_SECRET_ACCOUNT_A_B_PASSWORD_2",
        "POSTRAIL_SECRET_ACCOUNT_A_B_PASSWORD_3",
        # Another account uses the plain name already.
        "POSTRAIL_SECRET_ACCOUNT_B_PASSWORD_2",
    ):
        assert f"    password: env:{variable}\n" in text
        assert f"#     {variable}\n" in text
    assert text.count("# Encrypted in the database") == 4
    # Applying it changes only the secrets to references; applying it again changes nothing.
    plan = plan_of(text, things)
    assert {name for change in plan.changes for name, *_ in change.fields} == {"password"}
    after = [change.after for change in plan.changes]
    assert plan_of(export_text(after), after).count("unchanged") == len(things)


def test_the_sealed_form_says_what_it_needs_and_changes_nothing() -> None:
    things = [OUT, HELP, sealed_account("help")]
    text = export_text(things, sealed=True)
    assert "POSTRAIL_SECRETS__KEYS" in text
    assert plan_of(text, things).count("unchanged") == 3


def test_lists_are_as_short_as_a_person_would_write_them() -> None:
    project = Project(
        key="HELP",
        name="Help desk",
        issue_types=["Request", "Bug", {"name": "Task", "number": 7}],
        statuses=[
            {"name": "Open", "category": "to do", "next_statuses": ["Done"]},
            {"name": "Done", "category": "done", "next_statuses": []},
        ],
        fields=[{"name": "Room", "kind": "text"}],
        agents=["group:support"],
    )
    text = export_text([project])
    assert text[text.index("projects:") :] == (
        "projects:\n"
        "  - key: HELP\n"
        "    name: Help desk\n"
        "    issue_types:\n"
        "    - Request\n"
        "    - Bug\n"
        "    - name: Task\n"
        "      number: 7\n"
        "    statuses:\n"
        "    - name: Open\n"
        "      category: to do\n"
        "      next_statuses:\n"
        "      - Done\n"
        "    - name: Done\n"
        "      category: done\n"
        "      next_statuses: []\n"
        "    fields:\n"
        "    - name: Room\n"
        "      kind: text\n"
        "    agents:\n"
        "    - group:support\n"
    )


def test_the_order_of_things_does_not_matter() -> None:
    things = [OUT, HELP, sealed_account("b"), sealed_account("a")]
    assert export_text(things) == export_text(things[::-1])


def test_an_installation_without_anything_is_an_empty_file() -> None:
    assert parse_file(export_text([]), "f") == []


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        # The protocol's default port, and the default folder.
        ({"port": 993, "folder": "INBOX"}, set()),
        ({"port": 1993}, {"port"}),
        # With another encryption the same port is not the default.
        ({"port": 143, "encryption": "starttls"}, {"encryption"}),
        ({"port": 993, "encryption": "starttls"}, {"encryption", "port"}),
        ({"timeout_ms": 30_000, "poll_seconds": 60}, set()),
        ({"enabled": False, "idle": False}, {"enabled", "idle"}),
    ],
)
def test_only_what_differs_is_written(changes: dict[str, object], written: set[str]) -> None:
    account = MailAccount.model_validate(ACCOUNT.model_dump() | changes)
    always = {"name", "host", "username", "password", "address", "project"}
    assert set(written_values(account)) == always | written


# PostgreSQL cannot store NUL and lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
FILLED = TEXT.filter(lambda text: bool(text.strip()))
NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,9}\Z")


GROUPS = st.lists(st.sampled_from(["Support", "second line", "änderung", "a.b-c"]), max_size=3)


@st.composite
def people(draw: st.DrawFn) -> list[Person]:
    """Makes persons who have addresses and groups, and share no address."""
    addresses = draw(st.lists(NAMES.map(str.lower), max_size=6, unique=True))
    divided: dict[str, list[str]] = {}
    for name in addresses:
        first = draw(st.sampled_from(addresses[:2]))
        divided.setdefault(first, []).append(f"{name}@example.org")
    return [
        Person(
            address=own[0],
            addresses=own[1:],
            name=draw(TEXT),
            groups=draw(GROUPS),
            language=draw(st.sampled_from(["", "de"])),
            time_zone=draw(st.sampled_from(["", "UTC", "America/Port-au-Prince"])),
            active=draw(st.booleans()),
        )
        for own in divided.values()
    ]


def names_of(texts: st.SearchStrategy[str], *, least: int = 0) -> st.SearchStrategy[list[str]]:
    """Makes lists of names that differ not in their case or blanks alone."""
    stripped = texts.map(str.strip).filter(bool)
    return st.lists(stripped, min_size=least, max_size=3, unique_by=folded)


@st.composite
def projects(draw: st.DrawFn, connections: Sequence[str], persons: Sequence[Person]) -> Project:
    """Makes a project with everything that such persons may have in it."""
    types = draw(names_of(FILLED | st.sampled_from(["Bug", "Task"]), least=1))
    numbers = draw(st.permutations([None, 1001, 1002]))
    addresses = [one for person in persons if person.active for one in person.all_addresses]
    member = st.sampled_from([*addresses, "group:support", "group:second line", "group:änderung"])
    members = st.lists(member, max_size=3, unique=True)
    lead = draw(st.sampled_from(["", *addresses]))
    return Project(
        key="HELP",
        name=draw(FILLED),
        description=draw(TEXT),
        language=draw(st.sampled_from(["en", "de"])),
        connection=draw(st.sampled_from(["", *connections])),
        address=draw(st.sampled_from(["", "help@example.org", "shared@example.org"])),
        issue_types=[
            IssueType(name=name, number=number)
            for name, number in zip(types, numbers, strict=False)
        ],
        default_issue_type=draw(st.sampled_from(types)),
        statuses=draw(statuses()),
        components=draw(names_of(FILLED)),
        fields=draw(custom_fields()),
        lead=lead,
        default_assignee=draw(st.sampled_from(["", *addresses, "lead" if lead else ""])),
        administrators=draw(members),
        leads=draw(members),
        agents=draw(members),
        outsiders=draw(members),
        known_people=draw(st.sampled_from(["agent", "outsider"])),
    )


@st.composite
def statuses(draw: st.DrawFn) -> list[Status]:
    """Makes statuses that begin with one that is not done, and have one that is."""
    names = draw(names_of(FILLED, least=2))
    last = len(names) - 1
    following = st.none() | st.lists(st.sampled_from(names), max_size=3)
    return [
        Status(
            name=name,
            category=draw(st.sampled_from(["to do", "in progress"])) if place < last else "done",
            needs_approval=draw(st.booleans()),
            next_statuses=draw(following),
        )
        for place, name in enumerate(names)
    ]


# A project's file may have no comma in a choice.
CHOICES = FILLED.filter(lambda text: "," not in text)


@st.composite
def custom_fields(draw: st.DrawFn) -> list[CustomField]:
    """Makes custom fields of any kind."""
    named = st.from_regex(r"\A[A-Zäöü][A-Za-z0-9 ._-]{0,9}\Z")
    names = [one for one in draw(names_of(named)) if folded(one) not in RESERVED_NAMES]
    kinds = [draw(st.sampled_from(get_args(FieldKind))) for _ in names]
    return [
        CustomField(
            name=name,
            kind=kind,
            choices=draw(names_of(CHOICES, least=1)) if kind in {"choice", "choices"} else [],
        )
        for name, kind in zip(names, kinds, strict=True)
    ]


CONDITIONS = st.recursive(
    st.builds(lambda text: {"subject contains": text}, FILLED)
    | st.builds(lambda texts: {"sender in": texts}, st.lists(FILLED, min_size=1, max_size=2))
    | st.builds(lambda number: {"size over": number}, st.integers(0, 10**6)),
    lambda parts: st.builds(
        lambda word, found: {word: found},
        st.sampled_from(["all", "any"]),
        st.lists(parts, min_size=1, max_size=2),
    ),
    max_leaves=4,
)
ACTIONS = (
    st.builds(lambda text: {"drop": text}, FILLED)
    | st.builds(lambda texts: {"labels": texts}, st.lists(FILLED, min_size=1, max_size=2))
    | st.builds(lambda text: {"set": {"priority": text}}, st.sampled_from("12345"))
)


@st.composite
def handlers(draw: st.DrawFn, accounts: Sequence[str], project: Project) -> list[MailHandler]:
    """Makes mail handlers of these accounts, whose project is this one."""
    own = [one.name for one in project.fields if one.kind == "text"]
    some = st.lists(st.sampled_from(accounts), max_size=2, unique=True) if accounts else st.just([])
    return [
        MailHandler.model_validate(
            {
                "name": name,
                "description": draw(TEXT),
                "enabled": draw(st.booleans()),
                "order": draw(st.integers(0, 1000)),
                "accounts": draw(some),
                "when": draw(st.none() | CONDITIONS),
                "kind": draw(st.sampled_from(get_args(HandlerKind))),
                "pattern": "^--$",
                "then": draw(st.lists(ACTIONS, max_size=1)),
                "project": draw(st.sampled_from(["", "HELP"])),
                "labels": draw(st.lists(FILLED, max_size=2)),
                "fields": draw(
                    st.dictionaries(
                        st.sampled_from(own or [""]),
                        FILLED | st.just({"from": "header X-Room", "pattern": r"(\d+)"}),
                        max_size=min(2, len(own)),
                    )
                ),
                "attachments": draw(st.sampled_from([{}, {"keep": False}, {"max_bytes": 7}])),
                "strip_quotations": draw(st.none() | st.booleans()),
                "ignore_subjects": draw(st.sampled_from([[], ["^spam"]])),
            }
        )
        for name in draw(st.lists(NAMES, max_size=2, unique=True))
    ]


@st.composite
def sender_filters(draw: st.DrawFn) -> list[SenderFilter]:
    """Makes sender filters."""
    return [
        SenderFilter.model_validate(
            {
                "name": name,
                "addresses": draw(
                    st.sampled_from([["a@x.example"], ["b@x.example", "c@x.example"]])
                ),
                "domains": draw(st.sampled_from([[], [r"@spam\.example$"]])),
                "then": draw(st.sampled_from(["ignore", "quarantine", "push_back"])),
            }
        )
        for name in draw(st.lists(NAMES, max_size=2, unique=True))
    ]


@st.composite
def configurations(draw: st.DrawFn) -> list[Configured]:
    """Makes any configuration that could have been applied before."""
    connections = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    default = draw(st.sampled_from(connections))
    things: list[Configured] = [
        OutgoingConnection(
            name=name,
            description=draw(TEXT),
            host=draw(FILLED),
            enabled=name == default or draw(st.booleans()),
            is_default=name == default,
            from_address="help@example.org",
            from_name=draw(TEXT),
            timeout_ms=draw(st.integers(1, 30_000)),
        )
        for name in connections
    ]
    persons = draw(people())
    project = draw(projects(connections, persons))
    things.append(project)
    priorities = draw(st.permutations(["Highest", "now", "Größer", " x", "5a"]))
    things += [Priority(level=level, name=name) for level, name in enumerate(priorities, 1)]
    accounts = draw(st.lists(NAMES, max_size=3, unique=True))
    things += [
        MailAccount(
            name=name,
            description=draw(TEXT),
            host=draw(FILLED),
            # Each account has its own folder.
            username=name + draw(TEXT),
            password=draw(st.sampled_from(["env:POSTRAIL_SECRET_A", "file:a", SECRETS.seal("x")])),
            folder=draw(TEXT),
            encryption=draw(st.sampled_from(["ssl", "starttls", "starttls_if_available"])),
            port=draw(st.sampled_from([0, 143, 993, 1143])),
            enabled=draw(st.booleans()),
            address="help@example.org",
            project="HELP",
            only_after=draw(st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1))),
            poll_seconds=draw(st.floats(1, 86400)),
        )
        for name in accounts
    ]
    return [*things, *draw(handlers(accounts, project)), *draw(sender_filters()), *persons]


@settings(max_examples=150, deadline=None)
@given(configurations())
def test_applying_an_export_changes_nothing(things: list[Configured]) -> None:
    text = export_text(things, sealed=True)
    plan = plan_of(text, things)
    assert [change.fields for change in plan.changes if change.action != "unchanged"] == []
    assert plan.untouched == ()
    # In an empty database it makes the same configuration.
    assert export_text([change.after for change in plan_of(text, []).changes], sealed=True) == text
