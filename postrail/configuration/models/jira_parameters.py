"""Reads the parameters of a mail handler as Jira 4.0 writes them: `project=ABC, issuetype=1`.

Source: Jira 4.0, "Creating Issues and Comments from Email", and its handlers' page for
stripquotes, splitregex and ccwatcher.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# A pattern between delimiters, as Perl writes it: m/pattern/i.
DELIMITED = re.compile(r"m?([^\w\s])(.+)\1([ims]*)", re.DOTALL)
TRUE_AND_FALSE = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class JiraParameters:
    """The fields of a mail handler that the parameters set, and what is wrong with them."""

    values: Mapping[str, Any]
    faults: tuple[str, ...]


def read_jira_parameters(text: str) -> JiraParameters:
    """Returns the handler's fields by name; an unknown parameter or a wrong value is a fault."""
    values: dict[str, Any] = {}
    faults = []
    for name, value in _pairs(text):
        if name not in PARAMETERS:
            faults.append(_unknown(name))
            continue
        field, read = PARAMETERS[name]
        if name != "splitregex" and (following := FOLLOWING.search(value)):
            faults.append(f"{name}={value}: put a comma before {following[1].strip()}")
            continue
        if field in values:
            faults.append(f"{name} is given twice")
        try:
            values[field] = read(value)
        except ValueError as error:
            faults.append(f"{name}={value}: {error}")
    # Jira does not handle messages of unknown senders, unless one of these is set.
    if not values.get("create_users") and not values.get("reporter"):
        values["unknown_senders"] = "ignore"
    return JiraParameters(values=values, faults=tuple(faults))


def _pairs(text: str) -> list[tuple[str, str]]:
    """Splits at commas and line ends.

    A comma within splitregex belongs to it, since no name follows it.
    """
    pairs: list[tuple[str, str]] = []
    for piece in text.replace("\n", ",").split(","):
        name, equals, value = piece.partition("=")
        if pairs and (not equals or name.strip().lower() not in PARAMETERS):
            continues = pairs[-1][0] == "splitregex"
            if continues:
                pairs[-1] = ("splitregex", f"{pairs[-1][1]},{piece}")
                continue
        if piece.strip():
            pairs.append((name.strip().lower(), value.strip()))
    return pairs


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, PARAMETERS, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{name!r} is no parameter of Jira's mail handlers{meant} ({', '.join(PARAMETERS)})"


def _flag(value: str) -> bool:
    if value.lower() not in TRUE_AND_FALSE:
        raise ValueError("must be true or false")
    return TRUE_AND_FALSE[value.lower()]


def _bulk(value: str) -> str:
    if value.lower() not in ("ignore", "forward", "delete"):
        raise ValueError("must be ignore, forward or delete")
    return value.lower()


def _text(value: str) -> str:
    if not value:
        raise ValueError("has no value")
    return value


def _pattern(value: str) -> str:
    """Returns the pattern without the delimiters that Jira asks for, such as two slashes."""
    delimited = DELIMITED.fullmatch(_text(value))
    if delimited is None:
        return value
    _, pattern, options = delimited.groups()
    return f"(?{options}){pattern}" if options else pattern


# The field of the mail handler that each parameter sets, and how its value is read.
PARAMETERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "project": ("project", lambda value: _text(value).upper()),
    "issuetype": ("issue_type", _text),
    "createusers": ("create_users", _flag),
    "notifyusers": ("notify_users", _flag),
    "reporterusername": ("reporter", lambda value: _text(value).lower()),
    "ccassignee": ("cc_assignee", _flag),
    "ccwatcher": ("cc_watchers", _flag),
    "bulk": ("bulk", _bulk),
    "catchemail": ("catch_address", lambda value: _text(value).lower()),
    "stripquotes": ("strip_quotations", _flag),
    "splitregex": ("pattern", _pattern),
}
# The next parameter, where the comma before it is missing.
FOLLOWING = re.compile(rf"\s((?:{'|'.join(PARAMETERS)})\s*=.*)", re.I | re.S)
