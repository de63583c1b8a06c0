"""A JavaMail text of properties in, the attributes of a mail account that it says out. Pure.

    PROTOCOL=imap
    mail.${{PROTOCOL}}.host=${{IMAP_HOST_NAME}}
    # a comment

A variable stands for what the account's attributes say, or for what a line gave it before. Whatever
is not understood is a fault, and so is what contradicts the account or itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postrail.configuration.javamail.lines import MOST_FAULTS, Line, property_lines, unknown
from postrail.configuration.javamail.names import (
    PROTOCOLS,
    SPOKEN,
    VARIABLES,
    known_names,
    meaning_of,
    split_name,
)

STARTTLS = ("starttls", "starttls_if_available")
ENCRYPTING = ("tls_first", "starttls", "starttls_needed")
# A property and its value, the encryptions that it contradicts, and those that it means.
CONTRADICTIONS = (
    ("tls_first", True, ("none", *STARTTLS), "ssl"),
    ("tls_first", False, ("ssl",), "starttls or none"),
    ("starttls", True, ("none",), "starttls"),
    ("starttls", False, STARTTLS, "ssl"),
    ("starttls_needed", True, ("none", "starttls_if_available"), "starttls"),
)


@dataclass(slots=True)
class Properties:
    """What a text says."""

    # Attributes that the account does not give itself.
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Source:
    """A value and the line that says it."""

    value: Any
    where: str


def read_properties(text: str, account: Mapping[str, Any]) -> Properties:
    """What the text says beside the attributes that the account gives."""
    given = {name: value for name, value in account.items() if value not in (None, "", 0)}
    found = Properties()
    lines, found.faults = property_lines(text, _variables_of(given))
    spoken = _spoken(lines, given, found)
    sources: dict[str, list[_Source]] = {}
    for line in lines:
        if len(found.faults) < MOST_FAULTS:
            _understand(line, spoken, sources, found)
    if not found.faults:
        _settle(sources, given, found)
    return found


def _variables_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Each variable's value by the account's attributes; blank where it gives none."""
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
    return found | {"PROTOCOL": SPOKEN.get(protocol, protocol)}


def _spoken(lines: Iterable[Line], given: Mapping[str, Any], found: Properties) -> str:
    """The protocol that the account speaks: imap or pop3."""
    if "protocol" in given:
        protocol = str(given["protocol"])
        return SPOKEN.get(protocol, protocol)
    said = [line for line in lines if line.name == "mail.store.protocol" and line.value]
    if said:
        return PROTOCOLS.get(said[-1].value, ("imap", False))[0]
    named = {PROTOCOLS[name][0] for line in lines if (name := split_name(line.name)[0])}
    if named != {"pop3"}:
        return "imap"
    found.values["protocol"] = "pop3"
    return "pop3"


def _understand(
    line: Line, spoken: str, sources: dict[str, list[_Source]], found: Properties
) -> None:
    """Adds what the line says to `sources`, or a note, or a fault."""
    meaning = meaning_of(line.name)
    if meaning is None:
        problem = unknown(line.name, known_names(spoken), "see the names of JavaMail")
        found.faults.append(f"{line.where} {problem}")
        return
    java_protocol = split_name(line.name)[0]
    if java_protocol and PROTOCOLS[java_protocol][0] != spoken:
        found.notes.append(f"{line.where} is for another protocol than {spoken}; it is ignored")
        return
    if not line.value:
        return
    try:
        said = meaning(line.value)
    except ValueError as error:
        found.faults.append(f"{line.where} {error}")
        return
    if said.note:
        found.notes.append(f"{line.where} {said.note}")
    for name, value in said.values.items():
        sources.setdefault(name, []).append(_Source(value, line.where))
    if java_protocol and PROTOCOLS[java_protocol][1] and said.values:
        sources.setdefault("tls_first", []).append(_Source(True, line.where))


def _settle(sources: dict[str, list[_Source]], given: Mapping[str, Any], found: Properties) -> None:
    """Brings together what the lines and the account say."""
    _settle_protocol(sources, given, found)
    _settle_timeout(sources, found)
    agreed = {name: _agreed(name, said, found) for name, said in sources.items()}
    encryption = {name: agreed.pop(name, None) for name in ENCRYPTING}
    _settle_trust(agreed.pop("trusted", None), agreed, given, found)
    for name, source in agreed.items():
        if source is not None:
            _take(name, source, given, found)
    _settle_encryption(encryption, given, found)


def _agreed(name: str, said: list[_Source], found: Properties) -> _Source | None:
    first = said[0]
    for other in said[1:]:
        if other.value != first.value:
            found.faults.append(
                f"{other.where} says {_shown(other.value)}, and {first.where} says"
                f" {_shown(first.value)}; leave one of them out"
            )
            return None
    return first


def _take(name: str, source: _Source, given: Mapping[str, Any], found: Properties) -> None:
    """The value becomes the attribute's, unless the account says another one."""
    if name not in given:
        found.values[name] = source.value
    elif str(given[name]).lower() != str(source.value).lower():
        found.faults.append(
            f"{source.where} says {_shown(source.value)}, and the account's {name} is"
            f" {_shown(given[name])}; leave one of them out"
        )


def _settle_protocol(
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
            {"protocol": SPOKEN.get(account, account)} if "protocol" in given else {},
            found,
        )


def _settle_timeout(sources: dict[str, list[_Source]], found: Properties) -> None:
    """JavaMail has three where we have one: the longest."""
    said = sources.get("timeout_ms", [])
    if len({source.value for source in said}) > 1:
        longest = max(said, key=lambda source: int(source.value))
        sources["timeout_ms"] = [longest]
        found.notes.append(f"{longest.where} is the longest of the timeouts, and taken for all")


def _settle_trust(
    trusted: _Source | None,
    agreed: Mapping[str, _Source | None],
    given: Mapping[str, Any],
    found: Properties,
) -> None:
    """JavaMail's ssl.trust: certificates of these hosts, or of all, are not verified."""
    if trusted is None:
        return
    host = agreed.get("host")
    name = str(host.value if host else given.get("host", "")).lower()
    if not {"*", name} & set(trusted.value.lower().split()):
        found.notes.append(f"{trusted.where} does not name this host; it is ignored")
        return
    _take("verify_certificate", _Source(False, trusted.where), given, found)


def _settle_encryption(
    said: Mapping[str, _Source | None], given: Mapping[str, Any], found: Properties
) -> None:
    encryption = given.get("encryption") or _encryption(said)
    if encryption is None:
        if any(name in found.values for name in ("host", "port")):
            found.notes.append("no line says how to encrypt, so encryption is ssl")
        return
    if "encryption" not in given:
        found.values["encryption"] = encryption
    for name, value, contradicted, remedy in CONTRADICTIONS:
        source = said[name]
        if source and source.value is value and encryption in contradicted:
            found.faults.append(
                f"{source.where} contradicts encryption {encryption}; leave the line out, or set"
                f" encryption to {remedy}"
            )
    for source in (said["starttls"], said["starttls_needed"]):
        if source and source.value and encryption == "ssl":
            found.notes.append(f"{source.where} has no effect, as TLS comes first (ssl)")


def _encryption(said: Mapping[str, _Source | None]) -> str | None:
    """What the properties together mean; None leaves it to the default, which encrypts."""
    tls_first, starttls, needed = (
        source.value if (source := said[name]) else None for name in ENCRYPTING
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
