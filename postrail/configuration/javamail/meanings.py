"""What properties do: functions from a property's value to attributes of ours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TLS_VERSIONS = ("SSLv2Hello", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
SAFE_VERSIONS = {"TLSv1.2": "1.2", "TLSv1.3": "1.3"}
# The default timeout of a mail account, and its maximum.
LONGEST_TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Effect:
    """The attributes that one property sets, by their names, and a note for the operator.

    `tls_first`, `starttls` and `starttls_needed` together decide the encryption; `trusted` names
    hosts whose certificates are not verified.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


Meaning = Callable[[str], Effect]


def text(name: str) -> Meaning:
    """Returns the meaning of a property whose value is that of an attribute."""
    return lambda value: Effect({name: value})


def port(value: str) -> Effect:
    """Reads a port; 0 stands for the default."""
    number = _number(value)
    if not 0 <= number <= 65535:
        raise ValueError("must be a port from 1 to 65535")
    return Effect({"port": number} if number else {})


def flag(name: str) -> Meaning:
    """Returns the meaning of a property that is true or false, as the attribute is."""
    return lambda value: Effect({name: _yes(value)})


def flag_without_effect(wanted: bool, note: str) -> Meaning:
    """Returns the meaning of a property of which only one value is possible here."""
    return lambda value: Effect(note="" if _yes(value) is wanted else note)


def timeout(value: str) -> Effect:
    """Reads a timeout in milliseconds."""
    number = _number(value)
    # In JavaMail 0 or less means no timeout.
    if number <= 0:
        return Effect({"timeout_ms": LONGEST_TIMEOUT_MS}, "means no timeout; 30000 ms is used")
    if number > LONGEST_TIMEOUT_MS:
        return Effect({"timeout_ms": LONGEST_TIMEOUT_MS}, "is above the maximum; 30000 ms is used")
    return Effect({"timeout_ms": number})


def tls_versions(value: str) -> Effect:
    """Reads the versions of TLS that may be spoken."""
    names = value.replace(",", " ").split()
    if unknown := [name for name in names if name not in TLS_VERSIONS]:
        raise ValueError(f"names {unknown[0]!r}; known are {', '.join(TLS_VERSIONS)}")
    safe = sorted(SAFE_VERSIONS[name] for name in names if name in SAFE_VERSIONS)
    if not safe:
        raise ValueError("names only unsupported versions; name TLSv1.2 or TLSv1.3")
    older = len(safe) < len(names)
    return Effect({"min_tls_version": safe[0]}, "names versions that are never used" * older)


def socket_factory(value: str) -> Effect:
    """Reads a Java class that makes sockets: with TLS, or of no use here."""
    if value.rpartition(".")[2] == "SSLSocketFactory":
        return Effect({"tls_first": True})
    return Effect(note=ignored_class(value))


def ignored_class(value: str) -> str:
    """Returns the note for a Java class."""
    return f"names a Java class ({value}), which has no effect here; it is ignored"


def ignored(value: str) -> Effect:
    """Reads a property that has no effect here."""
    return Effect(note="has no effect here; it is ignored")


def no_password(value: str) -> Effect:
    """Refuses a password."""
    raise ValueError("must not be given here, where it is readable; use the attribute password")


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"must be a number, not {value!r}") from None


def _yes(value: str) -> bool:
    words = {"true": True, "false": False}
    if value.lower() not in words:
        raise ValueError(f"must be true or false, not {value!r}")
    return words[value.lower()]
