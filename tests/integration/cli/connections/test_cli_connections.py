"""`postrail connections` on real servers: lists, the default one, and what is in use."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postrail.database import one_connection, rows
from postrail.outgoing.routing import rates
from postrail.settings import Settings
from tests.makers.commands import Postrail

FILE = """
connections:
  - {name: main, host: smtp.example.org, from_address: desk@example.org, is_default: true}
  - {name: spare, host: smtp.example.net, from_address: desk@example.net, username: u,
     password: "a secret"}
  - {name: sales, host: smtp.example.org, from_address: sales@example.org, fallback: spare}
  - {name: old, host: smtp.example.org, from_address: old@example.org, enabled: false}
  - {name: cloud, mode: graph, credential: microsoft, from_address: desk@example.org}
credentials:
  - {name: microsoft, provider: microsoft, client_id: app}
projects:
  - {key: HELP, name: Help desk}
  - {key: SALE, name: Sales, connection: sales}
"""


@pytest.fixture
def postrail(postrail: Postrail, tmp_path: Path) -> Postrail:
    """Runs commands on an installation with five connections."""
    (tmp_path / "postrail.yaml").write_text(FILE)
    assert postrail("apply")[0] == 0
    return postrail


def listed(postrail: Postrail) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in json.loads(postrail("connections", "list", "--json")[1])}


def default_of(postrail: Postrail) -> list[str]:
    return [name for name, one in listed(postrail).items() if one["is_default"]]


async def changes(settings: Settings) -> list[tuple[object, ...]]:
    async with one_connection(settings.database) as connection:
        return await rows(
            connection,
            "SELECT author, name, before->>'is_default', after->>'is_default', after IS NULL"
            " FROM configuration_change WHERE before IS NOT NULL ORDER BY change_id",
        )


async def use_rate(settings: Settings, name: str) -> None:
    async with one_connection(settings.database) as connection:
        await rates.lock(connection, name, datetime(2030, 1, 1, tzinfo=UTC))


async def kept_for(settings: Settings, name: str) -> list[tuple[object, ...]]:
    async with one_connection(settings.database) as connection:
        return await rows(
            connection,
            "SELECT connection FROM outgoing_pause WHERE connection = %(name)s"
            " UNION ALL SELECT connection FROM outgoing_rate WHERE connection = %(name)s",
            {"name": name},
        )


def test_lists_show_state_and_server(postrail: Postrail) -> None:
    code, output, _ = postrail("connections", "list")
    assert code == 0
    lines = {line.split()[0]: line.split() for line in output.splitlines() if line.strip()}
    assert lines["main"][1:6] == [
        "smtp",
        "smtp.example.org:587",
        "desk@example.org",
        "default",
        "enabled",
    ]
    assert "disabled" in lines["old"]
    assert lines["cloud"][1:3] == ["graph", "graph.microsoft.com:443"]
    assert lines["cloud"][-3:-1] == ["not", "authorized"]
    assert "cloud: nobody has signed in for it yet" in output
    assert "Run: postrail connections authorize cloud" in output
    assert "spare" in lines["sales"]


def test_show_has_every_attribute_and_no_secret(postrail: Postrail) -> None:
    code, output, _ = postrail("connections", "show", "spare")
    assert code == 0
    assert "a secret" not in output
    assert "(secret)" in output
    assert "connection sales, whose fallback it is" in output
    shown = json.loads(postrail("connections", "show", "cloud", "--json")[1])
    assert (shown["minute_limit"], shown["status"]["waiting"]) == (30, 0)
    assert "Did you mean 'spare'?" in postrail("connections", "show", "spar")[2]
    assert "there is no outgoing connection 'zzz'" in postrail("connections", "show", "zzz")[2]


def test_another_one_becomes_the_default(postrail: Postrail, settings: Settings) -> None:
    code, output, _ = postrail("connections", "default", "spare", "--author", "Anna")
    assert (code, output) == (0, "Connection spare: is_default: yes.\n")
    assert default_of(postrail) == ["spare"]
    assert "(unchanged)" in postrail("connections", "default", "spare")[1]
    assert sorted(asyncio.run(changes(settings))) == [
        ("Anna", "main", "true", "false", False),
        ("Anna", "spare", "false", "true", False),
    ]


def test_a_disabled_one_cannot_be_the_default(postrail: Postrail) -> None:
    code, _, errors = postrail("connections", "default", "old")
    assert code == 2
    assert "postrail connections enable old" in errors
    assert default_of(postrail) == ["main"]


@pytest.mark.parametrize("act", ["disable", "delete"])
@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("main", "everything that names no connection, as the default one"),
        ("spare", "connection sales, whose fallback it is"),
        ("sales", "project SALE"),
    ],
)
def test_what_is_used_stays(postrail: Postrail, act: str, name: str, use: str) -> None:
    code, _, errors = postrail("connections", act, name)
    assert code == 2
    assert f"connection '{name}' is used by {use}" in errors
    if name == "main":
        assert "postrail connections default cloud" in errors
    assert listed(postrail)[name]["enabled"] is True


@pytest.mark.parametrize("name", ["spare", "sales"])
def test_force_disables_in_an_emergency(postrail: Postrail, name: str) -> None:
    code, output, _ = postrail("connections", "disable", name, "--force")
    assert (code, output) == (0, f"Connection {name}: enabled: no.\n")
    assert listed(postrail)[name]["enabled"] is False
    assert default_of(postrail) == ["main"]
    assert "(unchanged)" in postrail("connections", "disable", name, "--force")[1]
    assert postrail("connections", "enable", name)[0] == 0
    assert listed(postrail)[name]["enabled"] is True


@pytest.mark.parametrize(("fallback", "heir"), [("spare", "spare"), ("", "cloud")])
def test_force_gives_another_default(
    postrail: Postrail, tmp_path: Path, fallback: str, heir: str
) -> None:
    text = FILE.replace("is_default: true", f"is_default: true, fallback: {fallback!r}")
    (tmp_path / "postrail.yaml").write_text(text)
    assert postrail("apply")[0] == 0

    code, output, _ = postrail("connections", "disable", "main", "--force")

    assert (code, output) == (0, f"Connection main: enabled: no, new_default: {heir}.\n")
    assert default_of(postrail) == [heir]
    # Only the last enabled one cannot go: what is sent next would be lost.
    for name in {"cloud", "sales", "spare"} - {heir}:
        postrail("connections", "disable", name, "--force")
    code, _, errors = postrail("connections", "disable", heir, "--force")
    assert code == 2
    assert f"postrail outgoing pause {heir}" in errors
    assert default_of(postrail) == [heir]


def test_what_nothing_uses_is_disabled_and_deleted(postrail: Postrail, settings: Settings) -> None:
    assert postrail("connections", "disable", "cloud")[0] == 0
    assert postrail("outgoing", "pause", "cloud", "--reason", "moving")[0] == 0
    asyncio.run(use_rate(settings, "cloud"))
    code, output, _ = postrail("connections", "delete", "cloud", "--author", "Ben")
    assert (code, output) == (0, "Connection cloud is deleted.\n")
    assert "cloud" not in listed(postrail)
    assert asyncio.run(changes(settings))[-1] == ("Ben", "cloud", "false", None, True)
    assert postrail("connections", "delete", "cloud")[0] == 1
    # A new connection of this name begins without the pause and the rate of the old one.
    assert asyncio.run(kept_for(settings, "cloud")) == []


def test_a_file_cannot_disable_what_is_used(postrail: Postrail, tmp_path: Path) -> None:
    text = FILE.replace("fallback: spare", "fallback: spare, enabled: false")
    (tmp_path / "postrail.yaml").write_text(text)
    code, _, errors = postrail("apply")
    assert code == 2
    assert "connection 'sales', enabled: connection 'sales' is used by project SALE" in errors
    # Once it was done in an emergency, the same file changes nothing.
    assert postrail("connections", "disable", "sales", "--force")[0] == 0
    assert postrail("apply")[0] == 0


def test_debug_is_switched_and_mentioned(postrail: Postrail) -> None:
    code, output, _ = postrail("connections", "debug", "main", "on")
    assert code == 0
    assert output.startswith("Connection main: debug: yes.\nNote: connection main: debug is true")
    assert postrail("connections", "debug", "main", "off")[1] == "Connection main: debug: no.\n"


def test_a_connection_with_a_password_needs_no_authorization(postrail: Postrail) -> None:
    code, _, errors = postrail("connections", "authorize", "main")
    assert code == 2
    assert "outgoing connection main logs in without tokens and needs no authorization" in errors
