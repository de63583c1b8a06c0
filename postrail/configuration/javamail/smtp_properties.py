"""Reads a text of JavaMail properties as attributes of an outgoing connection. Pure.

    PROTOCOL=smtp
    mail.${{PROTOCOL}}.host=${{SMTP_HOST_NAME}}

It has the form of mail accounts' properties, with names and variables of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postrail.configuration.javamail.combine import (
    STARTTLS,
    Properties,
    Source,
    add_effect,
    combine,
)
from postrail.configuration.javamail.lines import MOST_FAULTS, Line, property_lines, unknown
from postrail.configuration.javamail.smtp_names import (
    SMTP_PROTOCOLS,
    SMTP_VARIABLES,
    smtp_meaning_of,
    smtp_names,
    smtp_protocol_in,
)

IF_AVAILABLE = "starttls_if_available"


def read_smtp_properties(text: str, connection: Mapping[str, Any]) -> Properties:
    """Returns the attributes that the text adds to those of the connection."""
    given = {name: value for name, value in connection.items() if value not in (None, "", 0)}
    found = Properties(word="connection", default_encryption="starttls")
    lines, found.faults = property_lines(text, _variables_of(given), SMTP_VARIABLES)
    sources: dict[str, list[Source]] = {}
    for line in lines:
        if len(found.faults) < MOST_FAULTS:
            _read_line(line, sources, found)
    if not found.faults:
        _combine_protocol(sources, found)
        login = sources.pop("login", [])
        combine(sources, given, found)
        if given.get("mode") == "oauth2" and found.values.get("encryption") == IF_AVAILABLE:
            # Tokens are never sent unencrypted.
            found.values["encryption"] = "starttls"
        _check_login(login, given | found.values, found)
    return found


def _variables_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Returns each variable's value from the connection's attributes, or a blank text."""
    encryption = given.get("encryption")
    return {
        "PROTOCOL": "smtp",
        "SMTP_HOST_NAME": str(given.get("host", "")),
        "SMTP_HOST_PORT": str(given.get("port", "")),
        "SMTP_ENABLE_TLS": str(encryption in STARTTLS).lower() if encryption else "",
        "SMTP_ENABLE_SSL": str(encryption == "ssl").lower() if encryption else "",
        "SMTP_USER": str(given.get("username", "")),
        "SMTP_TIMEOUT": str(given.get("timeout_ms", "")),
    }


def _read_line(line: Line, sources: dict[str, list[Source]], found: Properties) -> None:
    meaning = smtp_meaning_of(line.name)
    if meaning is None:
        problem = unknown(line.name, smtp_names(), "see the table in docs/connections.md")
        found.faults.append(f"{line.where} {problem}")
        return
    with_tls = SMTP_PROTOCOLS.get(smtp_protocol_in(line.name), False)
    add_effect(line, meaning, sources, found, with_tls=with_tls)


def _combine_protocol(sources: dict[str, list[Source]], found: Properties) -> None:
    for source in sources.pop("java_protocol", []):
        if source.value not in SMTP_PROTOCOLS:
            found.faults.append(f"{source.where} must be one of {', '.join(SMTP_PROTOCOLS)}")
        elif SMTP_PROTOCOLS[source.value]:
            sources.setdefault("tls_first", []).append(Source(True, source.where))


def _check_login(sources: list[Source], values: Mapping[str, Any], found: Properties) -> None:
    """Reads mail.smtp.auth: whether there is a login follows from the user name here."""
    has_login = bool(values.get("username")) or values.get("mode", "smtp") != "smtp"
    for source in sources:
        if source.value and not has_login:
            found.faults.append(f"{source.where} says true, and there is no username; give it")
        elif not source.value and has_login:
            found.faults.append(
                f"{source.where} says false, and the connection has a username; leave one of them"
                " out"
            )
