"""Writes the configuration of an installation as the text of a `postrail.yaml`. Pure.

The same configuration gives the same text, and `apply` of that text gives the same configuration.
Values that need not be written, such as defaults, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from postrail.configuration import kinds
from postrail.configuration.configured import Configured
from postrail.configuration.kind import Kind
from postrail.configuration.kinds import kind_of
from postrail.secrets import ENVIRONMENT, SEALED

INDENT = "    "
LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")
HEAD = """\
# The configuration of this installation, written by postrail export. To restore it:
#
#     postrail apply -f FILE
#
# Values that are left out have their defaults; postrail init writes a file that explains all
# settings.
"""
NEEDED = """\
#
# Encrypted passwords are not in this file. Provide them in these environment variables of the
# processes that use them, or export with --sealed:
#
"""
SEALED_NOTE = """\
#
# Encrypted passwords (sealed:…) can be decrypted only with the keys that encrypted them
# (POSTRAIL_SECRETS__KEYS).
"""


def export_text(things: Iterable[Configured], *, sealed: bool = False) -> str:
    """Returns a text that `apply` reads; with `sealed` it includes the encrypted secrets."""
    everything = list(things)
    variables = _Variables(everything)
    bodies = [_section(kind, everything, sealed, variables) for kind in kinds.KINDS]
    return _head(everything, sealed, variables) + "".join(bodies)


def _head(things: Sequence[Configured], sealed: bool, variables: _Variables) -> str:
    if sealed and any(text.startswith(SEALED) for thing in things for text in _secrets(thing)):
        return HEAD + SEALED_NOTE
    if variables.names:
        return HEAD + NEEDED + "".join(f"#     {name}\n" for name in variables.names)
    return HEAD


def _section(
    kind: Kind[Any], everything: Sequence[Configured], sealed: bool, variables: _Variables
) -> str:
    things = [thing for thing in everything if type(thing) is kind.model]
    if not things:
        return ""
    items = [_item(thing, sealed, variables) for thing in sorted(things, key=kind.identity_of)]
    return f"\n# {kind.title}\n{kind.section}:\n" + "".join(items)


def _item(thing: Configured, sealed: bool, variables: _Variables) -> str:
    lines: list[str] = []
    for field, value in written_values(thing).items():
        secret = field in kind_of(thing).secrets
        if secret and str(value).startswith(SEALED) and not sealed:
            value = ENVIRONMENT + variables.name_for(thing, field)
            lines.append("# Encrypted in the database; provide it, as it is not in this file.")
        lines += _yaml({field: value}).splitlines()
    return f"  - {lines[0]}\n" + "".join(
        f"{INDENT}{line}\n" if line else "\n" for line in lines[1:]
    )


def item_text(thing: Configured) -> str:
    """Returns a thing as a file has it, without its encrypted secrets."""
    return _yaml(written_values(thing))


def written_values(thing: Configured) -> dict[str, Any]:
    """Returns the fields that must be written, because the others follow from them."""
    values = thing.model_dump()
    values |= thing.model_dump(include=set(kind_of(thing).json), exclude_defaults=True)
    for field in kind_of(thing).items:
        values[field] = [_written_item(item) for item in getattr(thing, field)]
    identity = kind_of(thing).identity
    for field in list(values):
        if field == identity:
            continue
        fewer = {name: value for name, value in values.items() if name != field}
        if _same(thing, fewer):
            values = fewer
    return {identity: values.pop(identity), **values}


def _written_item(item: Any) -> Any:
    """Returns an item of a list in its shortest form: its name, or the fields that say more."""
    if not isinstance(item, BaseModel):
        return item
    values = item.model_dump()
    for field in list(values):
        fewer = {name: value for name, value in values.items() if name != field}
        if _same(item, fewer):
            values = fewer
    name = next(iter(values.values()))
    return name if _same(item, name) else values


def _same(thing: BaseModel, values: Any) -> bool:
    try:
        return type(thing).model_validate(values) == thing
    except ValidationError:
        return False


def _secrets(thing: Configured) -> list[str]:
    return [str(getattr(thing, field)) for field in kind_of(thing).secrets]


class _Variables:
    """Names of environment variables for secrets, a different one for each secret."""

    def __init__(self, things: Iterable[Configured]) -> None:
        secrets = (text for thing in things for text in _secrets(thing))
        self._taken = {text.removeprefix(ENVIRONMENT) for text in secrets}
        self.names: list[str] = []

    def name_for(self, thing: Configured, field: str) -> str:
        """Returns a new variable name for a secret of this thing."""
        kind = kind_of(thing)
        words = f"{kind.word}_{kind.identity_of(thing)}_{field}"
        plain = f"POSTRAIL_SECRET_{re.sub('[^A-Za-z0-9]', '_', words).upper()}"
        name = next(name for name in _numbered(plain) if name not in self._taken)
        self._taken.add(name)
        self.names.append(name)
        return name


def _numbered(name: str) -> Iterator[str]:
    # Names that differ only in punctuation or case give the same variable.
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks of lines."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    if LINE_ENDS.search(value):
        # YAML reads each of these characters as a line end and would return another one.
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _yaml(values: dict[str, Any]) -> str:
    return yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
    )
