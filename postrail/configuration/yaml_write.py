"""The configuration of an installation in, the text of a `postrail.yaml` out. Pure.

The same configuration gives the same text. Values that are there without being written are left
out, and `apply` of the text makes the same configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from postrail.configuration.configured import Configured
from postrail.configuration.store import IDENTITIES, KINDS, SECRET_FIELDS, identity
from postrail.configuration.yaml_read import SECTIONS
from postrail.secrets import ENVIRONMENT, SEALED

INDENT = "    "
LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")
HEAD = """\
# The configuration of this installation, as postrail export wrote it. Put it back with:
#
#     postrail apply -f FILE
#
# Values that are left out are the defaults; postrail init writes a file that explains all.
"""
NEEDED = """\
#
# Encrypted passwords are not in this file. Provide them as these variables of the processes that
# use them, or write it with --sealed:
#
"""
SEALED_NOTE = """\
#
# Encrypted passwords (sealed:…) can be read only with the keys that sealed them
# (POSTRAIL_SECRETS__KEYS).
"""
TITLES = {
    "connections": "The SMTP servers that take our mail.",
    "projects": "Projects of the built-in tracker.",
    "accounts": "The mailboxes that are watched.",
    "credentials": "What gives accounts their tokens (OAuth2); see postrail accounts authorize.",
    "people": "People who may comment on any issue by naming its key in the subject.",
}


def export_text(things: Iterable[Configured], *, sealed: bool = False) -> str:
    """The text of a file that `apply` takes; with `sealed` it holds encrypted secrets as such."""
    everything = list(things)
    variables = _Variables(everything)
    bodies = [
        _section(
            section, [thing for thing in everything if type(thing) is model], sealed, variables
        )
        for section, model in SECTIONS.items()
    ]
    return _head(everything, sealed, variables) + "".join(bodies)


def _head(things: Sequence[Configured], sealed: bool, variables: _Variables) -> str:
    if sealed and any(_is_sealed(thing, field) for thing in things for field in SECRET_FIELDS):
        return HEAD + SEALED_NOTE
    if variables.names:
        return HEAD + NEEDED + "".join(f"#     {name}\n" for name in variables.names)
    return HEAD


def _section(name: str, things: list[Configured], sealed: bool, variables: _Variables) -> str:
    if not things:
        return ""
    title = f"\n# {TITLES[name]}\n" if name in TITLES else "\n"
    items = [_item(thing, sealed, variables) for thing in sorted(things, key=identity)]
    return f"{title}{name}:\n" + "".join(items)


def _item(thing: Configured, sealed: bool, variables: _Variables) -> str:
    values = written_values(thing)
    lines: list[str] = []
    for field, value in values.items():
        if field in SECRET_FIELDS and _is_sealed(thing, field) and not sealed:
            value = ENVIRONMENT + variables.name_for(thing, field)
            lines.append("# Encrypted in the database; provide it, as it is not in this file.")
        lines += _yaml({field: value}).splitlines()
    return f"  - {lines[0]}\n" + "".join(
        f"{INDENT}{line}\n" if line else "\n" for line in lines[1:]
    )


def written_values(thing: Configured) -> dict[str, Any]:
    """The fields that have to be written, so that the others come by themselves."""
    values = thing.model_dump()
    known_by = IDENTITIES[type(thing)]
    for field in list(values):
        if field == known_by:
            continue
        fewer = {name: value for name, value in values.items() if name != field}
        if _same(thing, fewer):
            values = fewer
    return {known_by: values.pop(known_by), **values}


def _same(thing: Configured, values: dict[str, Any]) -> bool:
    try:
        return type(thing).model_validate(values) == thing
    except ValidationError:
        return False


def _is_sealed(thing: Configured, field: str) -> bool:
    return str(getattr(thing, field, "")).startswith(SEALED)


class _Variables:
    """Names of variables for secrets: no two secrets have the same one."""

    def __init__(self, things: Iterable[Configured]) -> None:
        secrets = (str(getattr(thing, field, "")) for thing in things for field in SECRET_FIELDS)
        self._taken = {text.removeprefix(ENVIRONMENT) for text in secrets}
        self.names: list[str] = []

    def name_for(self, thing: Configured, field: str) -> str:
        """The variable for a secret of this thing."""
        words = f"{KINDS[type(thing)]}_{identity(thing)}_{field}"
        plain = f"POSTRAIL_SECRET_{re.sub('[^A-Za-z0-9]', '_', words).upper()}"
        name = next(name for name in _numbered(plain) if name not in self._taken)
        self._taken.add(name)
        self.names.append(name)
        return name


def _numbered(name: str) -> Iterator[str]:
    # Names that differ by a dot or in their case only come to the same variable.
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    if LINE_ENDS.search(value):
        # YAML takes each of them for the end of a line, and gives back another one.
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _yaml(values: dict[str, Any]) -> str:
    return yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
    )
