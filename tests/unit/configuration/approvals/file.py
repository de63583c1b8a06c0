"""A file with an approval setup, and the faults and things that apply finds in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import SecretStr

from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError, Thing
from postrail.configuration.kinds import identity
from postrail.configuration.plan import Plan, make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings

SECRETS = Secrets(SecretSettings(keys=SecretStr(generate_key())))
CONNECTION: dict[str, Any] = {
    "name": "out",
    "host": "smtp.example.org",
    "username": "robot@example.org",
    "password": "s3cret",
    "from_address": "desk@example.org",
}
PROJECT: dict[str, Any] = {"key": "HELP", "name": "Help desk", "lead": "lena@example.org"}
ACCOUNT: dict[str, Any] = {
    "name": "answers",
    "purpose": "approvals",
    "host": "imap.example.org",
    "login_of": "out",
    "address": "answers@example.org",
    "project": "HELP",
    "authserv_ids": ["mx.example.org"],
}
SETUP: dict[str, Any] = {
    "name": "releases",
    "enabled": True,
    "account": "answers",
    "reply_address": "answers@example.org",
}
PERSON: dict[str, Any] = {"address": "lena@example.org", "name": "Lena"}


def changed(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields with changes; None leaves a field out."""
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def file_of(
    *,
    connection: Mapping[str, Any] | None = None,
    project: Mapping[str, Any] | None = None,
    account: Mapping[str, Any] | None = None,
    setup: Mapping[str, Any] | None = None,
    **others: Sequence[Mapping[str, Any]],
) -> str:
    """Returns the file with changes of its things, and further things of these sections."""
    sections: dict[str, list[Any]] = {
        "connections": [changed(CONNECTION, connection or {})],
        "projects": [changed(PROJECT, project or {})],
        "accounts": [changed(ACCOUNT, account or {})],
        "approvals": [changed(SETUP, setup or {})],
        "people": [PERSON],
    }
    for section, things in others.items():
        sections[section] = [*sections.get(section, []), *things]
    return yaml.safe_dump(sections, sort_keys=False)


def plan_of(text: str, existing: Sequence[Configured] = ()) -> Plan:
    """Returns what applying the text changes."""
    known = {(type(thing), identity(thing)): thing for thing in existing}
    return make_plan(parse_file(text, "f"), known, SECRETS, file="f")


def applied(text: str, existing: Sequence[Configured] = ()) -> list[Configured]:
    """Returns the things as the database has them once the text is applied."""
    return [change.after for change in plan_of(text, existing).changes]


def faults_of(text: str, existing: Sequence[Configured] = ()) -> list[str]:
    """Returns the faults of a text without their lines."""
    try:
        plan_of(text, existing)
    except ConfigurationFileError as error:
        return [f"{fault.where}: {fault.problem}" for fault in error.faults]
    return []


def the(model: type[Thing], things: Sequence[Configured]) -> Thing:
    """Returns the only thing of a kind."""
    (found,) = [thing for thing in things if isinstance(thing, model)]
    return found
