"""A new configured kind needs a descriptor and a table: apply, export and reseal include it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from postrail.configuration import kinds, store
from postrail.configuration.apply import apply_entries
from postrail.configuration.configured import Configured, Name, Secret
from postrail.configuration.entry import ConfigurationFileError, Fault, Proposal, unknown_name
from postrail.configuration.kind import ItemTable, Kind
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.configuration.plan import Plan
from postrail.configuration.yaml_read import parse_file
from postrail.configuration.yaml_write import export_text
from postrail.database import Connection, one_connection, rows
from postrail.operate.reseal import reseal
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings

MIGRATION = """
CREATE TABLE webhook (
    name          text PRIMARY KEY,
    url           text NOT NULL,
    signing_key   text NOT NULL,
    project_key   text REFERENCES project,
    first_event   text NOT NULL
);
CREATE TABLE webhook_event (
    webhook  text NOT NULL REFERENCES webhook ON DELETE CASCADE,
    event    text NOT NULL,
    place    integer NOT NULL,
    PRIMARY KEY (webhook, event)
);
"""


class Webhook(Configured):
    """An address that is told of a project's events."""

    name: Name
    url: str
    signing_key: Secret = ""
    # Blank: every project.
    project: str = ""
    events: list[str]
    first_event: str

    @property
    def secret_fields(self) -> dict[str, bool]:
        return {"signing_key": True}

    def risks(self) -> list[str]:
        return [] if self.url.startswith("https://") else [f"{self.url} is not encrypted"]


def project_exists(proposal: Proposal) -> Iterable[Fault]:
    projects, webhooks = proposal.all_of(Project), proposal.all_of(Webhook)
    for name, entry in proposal.entries_of(Webhook).items():
        if (key := webhooks[name].project) not in {"", *projects}:
            yield entry.fault("project", unknown_name("project", key, projects))


WEBHOOK = Kind(
    model=Webhook,
    word="webhook",
    section="webhooks",
    title="Addresses that are told of events.",
    table="webhook",
    columns={"project": "project_key"},
    nullable=frozenset({"project"}),
    items={"events": ItemTable(table="webhook_event", owner="webhook", columns={"": "event"})},
    secrets=("signing_key",),
    guarded=("url",),
    checks=(project_exists,),
)

KEY = generate_key()
SECRETS = Secrets(SecretSettings(keys=SecretStr(KEY)))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILE = """\
webhooks:
  - name: chat
    url: https://chat.example.org/hook
    signing_key: s3cret
    project: HELP
    events: [comment, created]
    first_event: created
"""


@pytest.fixture
async def connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connection]:
    """Opens a database with the new table and a project, and registers the new kind."""
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, WEBHOOK))
    async with one_connection(DatabaseSettings(url=SecretStr(database_url))) as opened:
        await opened.execute(MIGRATION.encode())
        for thing in (
            OutgoingConnection(
                name="out", host="localhost", from_address="help@example.org", is_default=True
            ),
            Project(key="HELP", name="Help"),
        ):
            await store.save(opened, thing, before=None, author="test", now=NOW)
        yield opened


async def apply(connection: Connection, text: str, *, dry_run: bool = False) -> Plan:
    entries = parse_file(text, "f")
    return await apply_entries(
        connection, entries, SECRETS, file="f", author="me", now=NOW, dry_run=dry_run
    )


async def stored(connection: Connection) -> Webhook:
    (webhook,) = await store.read(connection, WEBHOOK)
    return webhook


async def test_it_is_applied_with_its_secret_sealed_and_the_change_recorded(
    connection: Connection,
) -> None:
    plan = await apply(connection, FILE)
    webhook = await stored(connection)
    changes = await rows(
        connection, "SELECT name, after FROM configuration_change WHERE kind = 'webhook'"
    )
    assert (plan.count("created"), plan.plain_secrets) == (1, 1)
    assert (webhook.project, webhook.events) == ("HELP", ["comment", "created"])
    assert SECRETS.reveal(webhook.signing_key) == "s3cret"
    assert [(name, after["signing_key"]) for name, after in changes] == [("chat", "(secret)")]
    assert (await apply(connection, FILE)).count("unchanged") == 1


async def test_blank_references_and_removed_items_are_stored(connection: Connection) -> None:
    await apply(connection, FILE)
    plan = await apply(
        connection, FILE.replace("project: HELP", "project: ''").replace("[comment, ", "[")
    )
    assert plan.count("changed") == 1
    assert await rows(connection, "SELECT project_key FROM webhook") == [(None,)]
    assert ((await stored(connection)).project, (await stored(connection)).events) == (
        "",
        ["created"],
    )


async def test_a_dry_run_writes_nothing(connection: Connection) -> None:
    plan = await apply(connection, FILE.replace("https", "http"), dry_run=True)
    assert plan.count("created") == 1
    assert plan.warnings == ("webhook chat: http://chat.example.org/hook is not encrypted",)
    assert await store.read(connection, WEBHOOK) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("project: HELP", "project: DESK", "f:5: webhook 'chat', project: there is no project"),
        ("name: chat", "name: my chat", "f:2: webhook 'my chat', name: must be letters"),
        ("    signing_key: s3cret\n", "", "f:2: webhook 'chat', signing_key: is missing"),
        ("    url:", "    urll:", "f:3: webhook 'chat', urll: is not known; did you mean 'url'?"),
    ],
)
async def test_faults_name_the_kind_and_the_line(
    connection: Connection, old: str, new: str, fault: str
) -> None:
    with pytest.raises(ConfigurationFileError) as caught:
        await apply(connection, FILE.replace(old, new))
    assert str(caught.value).startswith(fault)


async def test_a_kept_secret_is_never_sent_elsewhere(connection: Connection) -> None:
    await apply(connection, FILE)
    without = FILE.replace("    signing_key: s3cret\n", "")
    assert (await apply(connection, without)).count("unchanged") == 1
    with pytest.raises(ConfigurationFileError, match="must be given again, because url changes"):
        await apply(connection, without.replace("chat.example.org", "evil.example.net"))


async def test_an_export_is_applied_without_a_change(connection: Connection) -> None:
    await apply(connection, FILE)
    text = export_text((await store.read_all(connection)).values(), sealed=True)
    assert text.index("projects:") < text.index("# Addresses that are told of events.\nwebhooks:")
    assert (await apply(connection, text)).count("unchanged") == 8
    unsealed = export_text((await store.read_all(connection)).values())
    assert "signing_key: env:POSTRAIL_SECRET_WEBHOOK_CHAT_SIGNING_KEY" in unsealed


async def test_resealing_includes_it(connection: Connection) -> None:
    await apply(connection, FILE)
    new = generate_key()
    both = Secrets(SecretSettings(keys=SecretStr(f"{new},{KEY}")))
    assert await reseal(connection, both, author="me", now=NOW) == 1
    only_new = Secrets(SecretSettings(keys=SecretStr(new)))
    assert only_new.reveal((await stored(connection)).signing_key) == "s3cret"
