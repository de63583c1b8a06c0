"""Configured things for tests, with everything filled in that a test does not care about."""

from __future__ import annotations

from typing import Any

from postrail.configuration.configured import Configured
from postrail.configuration.entry import Entry
from postrail.configuration.kinds import kind_of
from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot

# For tests that send more than people do. Their senders are few.
UNLIMITED = tuple(Limit(name=name, value=0) for name in LimitName)


def mail_account(name: str = "support", project: str = "HELP", **changes: Any) -> MailAccount:
    """Returns a mail account that watches NAME@example.com."""
    fields: dict[str, Any] = {
        "name": name,
        "host": "imap.example.com",
        "username": name,
        "password": "env:POSTRAIL_SECRET_X",
        "address": f"{name}@example.com",
        "project": project,
    }
    return MailAccount(**{**fields, **changes})


def outgoing_connection(**changes: Any) -> OutgoingConnection:
    """Returns the default outgoing connection, which sends as desk@example.com."""
    fields: dict[str, Any] = {
        "name": "out",
        "host": "smtp.example.com",
        "from_address": "desk@example.com",
        "is_default": True,
    }
    return OutgoingConnection(**{**fields, **changes})


def snapshot(change_id: int = 17, **changes: Any) -> ConfigurationSnapshot:
    """Returns two projects, the accounts support and info (HELP) and sales (SALE), a connection.

    The changes are those of the account support.
    """
    accounts = [mail_account(**changes), mail_account("info"), mail_account("sales", "SALE")]
    names = {"HELP": "Help desk", "SALE": "Sales"}
    projects = [Project.model_validate({"key": key, "name": name}) for key, name in names.items()]
    return ConfigurationSnapshot(
        change_id=change_id,
        accounts={account.name: account for account in accounts},
        projects={project.key: project for project in projects},
        connections={"out": outgoing_connection()},
    )


def entry_of(thing: Configured) -> Entry:
    """Returns the thing as an entry of a file, which gives all of its fields."""
    kind = kind_of(thing)
    return Entry(
        thing=thing,
        kind=kind.word,
        identity=kind.identity_of(thing),
        line=1,
        lines={},
        given=frozenset(type(thing).model_fields),
    )
