"""Reads a text of JavaMail properties as attributes of a mail account. Pure.

    PROTOCOL=imap
    mail.${{PROTOCOL}}.host=${{IMAP_HOST_NAME}}
    # a comment

A variable stands for the value of the account's attribute, or for the value that an earlier line
set. Unknown names are faults, and so are contradictions with the account or within the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postrail.configuration.javamail.lines import MOST_FAULTS, Line, property_lines, unknown
from postrail.configuration.javamail.names import (
    PROTOCOLS,
    VARIABLES,
    WIRE_PROTOCOLS,
    known_names,
    meaning_of,
    split_name,
)

STARTTLS = ("starttls", "starttls_if_available")
ENCRYPTING = ("tls_first", "starttls", "starttls_needed")
# A property and its value, the encryptions that it contradicts, and the one that it implies.
CONTRADICTIONS = (
    ("tls_first", True, ("none", *STARTTLS), "ssl"),
    ("tls_first", False, ("ssl",), "starttls or none"),
    ("starttls", True, ("none",), "starttls"),
    ("starttls", False, STARTTLS, "ssl"),
    ("starttls_needed", True, ("none", "starttls_if_available"), "starttls"),
)


@dataclass(slots=True)
class Properties:
    """The result of reading a text."""

    # Attributes that the account does not give itself.
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Source:
    """A value and the line that gives it."""

    value: Any
    where: str


def read_properties(text: str, account: Mapping[str, Any]) -> Properties:
    """Returns the attributes that the text adds to those of the account."""
    given = {name: value for name, value in account.items() if value not in (None, "", 0)}
    found = Properties()
    lines, found.faults = property_lines(text, _variables_of(given))
    wire_protocol = _wire_protocol(lines, given, found)
    sources: dict[str, list[_Source]] = {}
    for line in lines:
        if len(found.faults) < MOST_FAULTS:
            _read_line(line, wire_protocol, sources, found)
    if not found.faults:
        _combine(sources, given, found)
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
    line: Line, wire_protocol: str, sources: dict[str, list[_Source]], found: Properties
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
    if not line.value:
        return
    try:
        effect = meaning(line.value)
    except ValueError as error:
        found.faults.append(f"{line.where} {error}")
        return
    if effect.note:
        found.notes.append(f"{line.where} {effect.note}")
    for name, value in effect.values.items():
        sources.setdefault(name, []).append(_Source(value, line.where))
    if java_protocol and PROTOCOLS[java_protocol][1] and effect.values:
        sources.setdefault("tls_first", []).append(_Source(True, line.where))


def _combine(
    sources: dict[str, list[_Source]], given: Mapping[str, Any], found: Properties
) -> None:
    """Combines the values of the lines with those of the account."""
    _combine_protocol(sources, given, found)
    _combine_timeout(sources, found)
    agreed = {name: _agreed(name, values, found) for name, values in sources.items()}
    encryption = {name: agreed.pop(name, None) for name in ENCRYPTING}
    _combine_trust(agreed.pop("trusted", None), agreed, given, found)
    for name, source in agreed.items():
        if source is not None:
            _take(name, source, given, found)
    _combine_encryption(encryption, given, found)


def _agreed(name: str, values: list[_Source], found: Properties) -> _Source | None:
    first = values[0]
    for other in values[1:]:
        if other.value != first.value:
            found.faults.append(
                f"{other.where} says {_shown(other.value)}, and {first.where} says"
                f" {_shown(first.value)}; leave one of them out"
            )
            return None
    return first


def _take(name: str, source: _Source, given: Mapping[str, Any], found: Properties) -> None:
    """Sets the attribute, unless the account gives it another value."""
    if name not in given:
        found.values[name] = source.value
    elif str(given[name]).lower() != str(source.value).lower():
        found.faults.append(
            f"{source.where} says {_shown(source.value)}, and the account's {name} is"
            f" {_shown(given[name])}; leave one of them out"
        )


def _combine_protocol(
    sources: dict[str, list[_Source]], given: Mapping[str, Any], found: Properties
) -> None:
    for source in sources.pop("java_protocol", []):
        if source.value not in PROTOCOLS:
            found.faults.append(f"{source.where} must be one of {', '.join(PROTOCOLS)}")
            continue
        protocol, tls_first = PROTOCOLS[source.value]
        if tls_first:
            sources.setdefault("tls_first", []).append(_Source(True, source.where))
        account = str(given.get("protocol", protocol))
        _take(
            "protocol",
            _Source(protocol, source.where),
            {"protocol": WIRE_PROTOCOLS.get(account, account)} if "protocol" in given else {},
            found,
        )


def _combine_timeout(sources: dict[str, list[_Source]], found: Properties) -> None:
    """Takes the longest of JavaMail's three timeouts as our one."""
    timeouts = sources.get("timeout_ms", [])
    if len({source.value for source in timeouts}) > 1:
        longest = max(timeouts, key=lambda source: int(source.value))
        sources["timeout_ms"] = [longest]
        found.notes.append(f"{longest.where} is the longest of the timeouts and used for all")


def _combine_trust(
    trusted: _Source | None,
    agreed: Mapping[str, _Source | None],
    given: Mapping[str, Any],
    found: Properties,
) -> None:
    """Reads JavaMail's ssl.trust, whose hosts (or *) are accepted without verification."""
    if trusted is None:
        return
    host = agreed.get("host")
    name = str(host.value if host else given.get("host", "")).lower()
    if not {"*", name} & set(trusted.value.lower().split()):
        found.notes.append(f"{trusted.where} does not name this host; it is ignored")
        return
    _take("verify_certificate", _Source(False, trusted.where), given, found)


def _combine_encryption(
    properties: Mapping[str, _Source | None], given: Mapping[str, Any], found: Properties
) -> None:
    encryption = given.get("encryption") or _encryption(properties)
    if encryption is None:
        if any(name in found.values for name in ("host", "port")):
            found.notes.append("no line sets the encryption, so it is ssl")
        return
    if "encryption" not in given:
        found.values["encryption"] = encryption
    for name, value, contradicted, remedy in CONTRADICTIONS:
        source = properties[name]
        if source and source.value is value and encryption in contradicted:
            found.faults.append(
                f"{source.where} contradicts encryption {encryption}; leave the line out, or set"
                f" encryption to {remedy}"
            )
    for source in (properties["starttls"], properties["starttls_needed"]):
        if source and source.value and encryption == "ssl":
            found.notes.append(f"{source.where} has no effect with encryption ssl")


def _encryption(properties: Mapping[str, _Source | None]) -> str | None:
    """Returns the encryption that the properties imply; None stands for the default, ssl."""
    tls_first, starttls, needed = (
        source.value if (source := properties[name]) else None for name in ENCRYPTING
    )
    if tls_first:
        return "ssl"
    if needed:
        return "starttls"
    if starttls:
        return "starttls_if_available"
    return "none" if tls_first is False else None


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
