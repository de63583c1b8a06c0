"""Reads a text of JavaMail properties as attributes of a mail account. Pure.

    PROTOCOL=imap
    mail.${{PROTOCOL}}.host=${{IMAP_HOST_NAME}}
    # a comment

A variable stands for the value of the account's attribute, or for the value that an earlier line
set. Unknown names are faults, and so are contradictions with the account or within the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from postrail.configuration.javamail.combine import (
    STARTTLS,
    Properties,
    Source,
    add_effect,
    combine,
    take,
)
from postrail.configuration.javamail.lines import MOST_FAULTS, Line, property_lines, unknown
from postrail.configuration.javamail.names import (
    PROTOCOLS,
    VARIABLES,
    WIRE_PROTOCOLS,
    known_names,
    meaning_of,
    split_name,
)


def read_properties(text: str, account: Mapping[str, Any]) -> Properties:
    """Returns the attributes that the text adds to those of the account."""
    given = {name: value for name, value in account.items() if value not in (None, "", 0)}
    found = Properties()
    lines, found.faults = property_lines(text, _variables_of(given), VARIABLES)
    wire_protocol = _wire_protocol(lines, given, found)
    sources: dict[str, list[Source]] = {}
    for line in lines:
        if len(found.faults) < MOST_FAULTS:
            _read_line(line, wire_protocol, sources, found)
    if not found.faults:
        _combine_protocol(sources, given, found)
        combine(sources, given, found)
    return found


def _variables_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Returns each variable's value from the account's attributes, or a blank text."""
    encryption = given.get("encryption")
    by_property = {
        "host": str(given.get("host", "")),
        "port": str(given.get("port", "")),
        "user": str(given.get("username", "")),
        "timeout": str(given.get("timeout_ms", "")),
        "starttls.enable": str(encryption in STARTTLS).lower() if encryption else "",
        "ssl.enable": str(encryption == "ssl").lower() if encryption else "",
    }
    found = {
        variable: by_property.get(split_name(name)[1], "") for variable, name in VARIABLES.items()
    }
    protocol = str(given.get("protocol", "imap"))
    return found | {"PROTOCOL": WIRE_PROTOCOLS.get(protocol, protocol)}


def _wire_protocol(lines: Iterable[Line], given: Mapping[str, Any], found: Properties) -> str:
    """Returns the protocol of the account: imap or pop3."""
    if "protocol" in given:
        protocol = str(given["protocol"])
        return WIRE_PROTOCOLS.get(protocol, protocol)
    chosen = [line for line in lines if line.name == "mail.store.protocol" and line.value]
    if chosen:
        return PROTOCOLS.get(chosen[-1].value, ("imap", False))[0]
    named = {PROTOCOLS[name][0] for line in lines if (name := split_name(line.name)[0])}
    if named != {"pop3"}:
        return "imap"
    found.values["protocol"] = "pop3"
    return "pop3"


def _read_line(
    line: Line, wire_protocol: str, sources: dict[str, list[Source]], found: Properties
) -> None:
    """Adds the effect of the line to `sources`, or a note, or a fault."""
    meaning = meaning_of(line.name)
    if meaning is None:
        problem = unknown(line.name, known_names(wire_protocol), "see the names of JavaMail")
        found.faults.append(f"{line.where} {problem}")
        return
    java_protocol = split_name(line.name)[0]
    if java_protocol and PROTOCOLS[java_protocol][0] != wire_protocol:
        found.notes.append(f"{line.where} is not for {wire_protocol}; it is ignored")
        return
    with_tls = bool(java_protocol and PROTOCOLS[java_protocol][1])
    add_effect(line, meaning, sources, found, with_tls=with_tls)


def _combine_protocol(
    sources: dict[str, list[Source]], given: Mapping[str, Any], found: Properties
) -> None:
    for source in sources.pop("java_protocol", []):
        if source.value not in PROTOCOLS:
            found.faults.append(f"{source.where} must be one of {', '.join(PROTOCOLS)}")
            continue
        protocol, tls_first = PROTOCOLS[source.value]
        if tls_first:
            sources.setdefault("tls_first", []).append(Source(True, source.where))
        account = str(given.get("protocol", protocol))
        take(
            "protocol",
            Source(protocol, source.where),
            {"protocol": WIRE_PROTOCOLS.get(account, account)} if "protocol" in given else {},
            found,
        )
