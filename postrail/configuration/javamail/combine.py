"""Combines what the lines of properties say with the attributes of what they belong to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postrail.configuration.javamail.lines import Line
from postrail.configuration.javamail.meanings import Meaning

STARTTLS = ("starttls", "starttls_if_available")
ENCRYPTING = ("tls_first", "starttls", "starttls_needed")
# A property and its value, the encryptions that it contradicts, and the one that it implies.
_CONTRADICTIONS = (
    ("tls_first", True, ("none", *STARTTLS), "ssl"),
    ("tls_first", False, ("ssl",), "starttls or none"),
    ("starttls", True, ("none",), "starttls"),
    ("starttls", False, STARTTLS, "ssl"),
    ("starttls_needed", True, ("none", "starttls_if_available"), "starttls"),
)


@dataclass(slots=True)
class Properties:
    """The result of reading a text."""

    # The word for what the text belongs to, and the encryption that it has without any line.
    word: str = "account"
    default_encryption: str = "ssl"
    # Attributes that it does not give itself.
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Source:
    """A value and the line that gives it."""

    value: Any
    where: str


def add_effect(
    line: Line,
    meaning: Meaning,
    sources: dict[str, list[Source]],
    found: Properties,
    *,
    with_tls: bool,
) -> None:
    """Adds what the line says to `sources`, or a note, or a fault.

    `with_tls` is true for the names of a protocol with TLS from the start, such as imaps.
    """
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
        sources.setdefault(name, []).append(Source(value, line.where))
    if with_tls and effect.values:
        sources.setdefault("tls_first", []).append(Source(True, line.where))


def combine(sources: dict[str, list[Source]], given: Mapping[str, Any], found: Properties) -> None:
    """Combines the values of the lines with the attributes that are given."""
    _combine_timeout(sources, found)
    agreed = {name: _agreed(name, values, found) for name, values in sources.items()}
    encryption = {name: agreed.pop(name, None) for name in ENCRYPTING}
    _combine_trust(agreed.pop("trusted", None), agreed, given, found)
    for name, source in agreed.items():
        if source is not None:
            take(name, source, given, found)
    _combine_encryption(encryption, given, found)


def _agreed(name: str, values: list[Source], found: Properties) -> Source | None:
    first = values[0]
    for other in values[1:]:
        if other.value != first.value:
            found.faults.append(
                f"{other.where} says {_shown(other.value)}, and {first.where} says"
                f" {_shown(first.value)}; leave one of them out"
            )
            return None
    return first


def take(name: str, source: Source, given: Mapping[str, Any], found: Properties) -> None:
    """Sets the attribute, unless the account gives it another value."""
    if name not in given:
        found.values[name] = source.value
    elif str(given[name]).lower() != str(source.value).lower():
        found.faults.append(
            f"{source.where} says {_shown(source.value)}, and the {found.word}'s {name} is"
            f" {_shown(given[name])}; leave one of them out"
        )


def _combine_timeout(sources: dict[str, list[Source]], found: Properties) -> None:
    """Takes the longest of JavaMail's three timeouts as our one."""
    timeouts = sources.get("timeout_ms", [])
    if len({source.value for source in timeouts}) > 1:
        longest = max(timeouts, key=lambda source: int(source.value))
        sources["timeout_ms"] = [longest]
        found.notes.append(f"{longest.where} is the longest of the timeouts and used for all")


def _combine_trust(
    trusted: Source | None,
    agreed: Mapping[str, Source | None],
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
    take("verify_certificate", Source(False, trusted.where), given, found)


def _combine_encryption(
    properties: Mapping[str, Source | None], given: Mapping[str, Any], found: Properties
) -> None:
    encryption = given.get("encryption") or _encryption(properties, found.default_encryption)
    if encryption is None:
        if any(name in found.values for name in ("host", "port")):
            found.notes.append(f"no line sets the encryption, so it is {found.default_encryption}")
        return
    if "encryption" not in given:
        found.values["encryption"] = encryption
    for name, value, contradicted, remedy in _CONTRADICTIONS:
        source = properties[name]
        if source and source.value is value and encryption in contradicted:
            found.faults.append(
                f"{source.where} contradicts encryption {encryption}; leave the line out, or set"
                f" encryption to {remedy}"
            )
    for source in (properties["starttls"], properties["starttls_needed"]):
        if source and source.value and encryption == "ssl":
            found.notes.append(f"{source.where} has no effect with encryption ssl")


def _encryption(properties: Mapping[str, Source | None], default: str) -> str | None:
    """Returns the encryption that the properties imply; None stands for the default."""
    tls_first, starttls, needed = (
        source.value if (source := properties[name]) else None for name in ENCRYPTING
    )
    if tls_first:
        return "ssl"
    if needed:
        return "starttls"
    if starttls:
        return "starttls_if_available"
    # Where STARTTLS is the default, the line that switches it off leaves no encryption.
    off = tls_first is False or (starttls is False and default == "starttls")
    return "none" if off else None


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
