"""Maps JavaMail's properties for reading mail to attributes of a mail account. Pure.

The names and their meaning are those of the package descriptions of Jakarta Mail
(jakarta.ee/specifications/mail, and angus.mail's imap and pop3 providers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# JavaMail's protocols: our protocol, and whether TLS starts at once.
PROTOCOLS = {
    "imap": ("imap", False),
    "imaps": ("imap", True),
    "pop3": ("pop3", False),
    "pop3s": ("pop3", True),
}
# The protocol that the server understands, where it differs from the name of ours.
WIRE_PROTOCOLS = {"google_oauth2": "imap", "microsoft_oauth2": "imap"}
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


def _text(name: str) -> Meaning:
    return lambda value: Effect({name: value})


def _port(value: str) -> Effect:
    number = _number(value)
    if not 0 <= number <= 65535:
        raise ValueError("must be a port from 1 to 65535")
    return Effect({"port": number} if number else {})


def _flag(name: str) -> Meaning:
    return lambda value: Effect({name: _yes(value)})


def _flag_without_effect(wanted: bool, note: str) -> Meaning:
    return lambda value: Effect(note="" if _yes(value) is wanted else note)


def _timeout(value: str) -> Effect:
    number = _number(value)
    # In JavaMail 0 or less means no timeout.
    if number <= 0:
        return Effect({"timeout_ms": LONGEST_TIMEOUT_MS}, "means no timeout; 30000 ms is used")
    if number > LONGEST_TIMEOUT_MS:
        return Effect({"timeout_ms": LONGEST_TIMEOUT_MS}, "is above the maximum; 30000 ms is used")
    return Effect({"timeout_ms": number})


def _versions(value: str) -> Effect:
    names = value.replace(",", " ").split()
    if unknown := [name for name in names if name not in TLS_VERSIONS]:
        raise ValueError(f"names {unknown[0]!r}; known are {', '.join(TLS_VERSIONS)}")
    safe = sorted(SAFE_VERSIONS[name] for name in names if name in SAFE_VERSIONS)
    if not safe:
        raise ValueError("names only unsupported versions; name TLSv1.2 or TLSv1.3")
    older = len(safe) < len(names)
    return Effect({"min_tls_version": safe[0]}, "names versions that are never used" * older)


def _socket_factory(value: str) -> Effect:
    if value.rpartition(".")[2] == "SSLSocketFactory":
        return Effect({"tls_first": True})
    return Effect(note=_ignored_class(value))


def _ignored_class(value: str) -> str:
    return f"names a Java class ({value}), which has no effect here; it is ignored"


def _ignored(value: str) -> Effect:
    return Effect(note="has no effect here; it is ignored")


def _password(value: str) -> Effect:
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


# The names after `mail.imap.`, `mail.imaps.`, `mail.pop3.` or `mail.pop3s.`.
MEANINGS: dict[str, Meaning] = {
    "host": _text("host"),
    "port": _port,
    "user": _text("username"),
    "password": _password,
    "connectiontimeout": _timeout,
    "timeout": _timeout,
    "writetimeout": _timeout,
    "ssl.enable": _flag("tls_first"),
    "ssl.protocols": _versions,
    "ssl.trust": _text("trusted"),
    "ssl.checkserveridentity": _flag_without_effect(
        True, "is false, but names are always checked; verify_certificate: false trusts any server"
    ),
    "starttls.enable": _flag("starttls"),
    "starttls.required": _flag("starttls_needed"),
    "socketFactory.class": _socket_factory,
    "socketFactory.port": _port,
    "socketFactory.fallback": _flag_without_effect(
        False, "is true, but connections never fall back to no encryption"
    ),
    "ssl.socketFactory.port": _port,
    **dict.fromkeys(
        [
            "auth",
            "auth.login.disable",
            "auth.mechanisms",
            "auth.ntlm.disable",
            "auth.ntlm.domain",
            "auth.plain.disable",
            "auth.xoauth2.disable",
            "sasl.authorizationid",
            "sasl.enable",
            "sasl.mechanisms",
            "sasl.realm",
            "localaddress",
            "localport",
            "proxy.host",
            "proxy.port",
            "socks.host",
            "socks.port",
            "socketFactory",
            "ssl.ciphersuites",
            "ssl.socketFactory",
            "usesocketchannels",
            # IMAP only.
            "allowreadonlyselect",
            "appendbuffersize",
            "closefoldersonstorefailure",
            "compress.enable",
            "connectionpool.debug",
            "connectionpoolsize",
            "connectionpooltimeout",
            "enableimapevents",
            "enableresponseevents",
            "fetchsize",
            "finalizecleanclose",
            "ignorebodystructuresize",
            "minidletime",
            "partialfetch",
            "peek",
            "proxyauth.user",
            "separatestoreconnection",
            "statuscachetimeout",
            "throwsearchexception",
            # POP3 only.
            "apop.enable",
            "cachewriteto",
            "disablecapa",
            "disabletop",
            "filecache.dir",
            "filecache.enable",
            "forgettopheaders",
            "keepmessagecontent",
            "rsetbeforequit",
        ],
        _ignored,
    ),
}

# Names that apply to every protocol.
COMMON_MEANINGS: dict[str, Meaning] = {
    "mail.host": _text("host"),
    "mail.user": _text("username"),
    "mail.store.protocol": _text("java_protocol"),
    **dict.fromkeys(
        ["mail.debug", "mail.debug.auth", "mail.debug.auth.password", "mail.from"], _ignored
    ),
    "mail.transport.protocol": _ignored,
}

# Variables that the text may use as ${{NAME}} and set by NAME=value, each with its property.
VARIABLES: dict[str, str] = {
    "PROTOCOL": "mail.store.protocol",
    **{
        f"{protocol.upper()}_{name}": f"mail.{protocol}.{suffix}"
        for protocol in ("imap", "pop3")
        for name, suffix in {
            "HOST_NAME": "host",
            "HOST_PORT": "port",
            "ENABLE_STARTTLS": "starttls.enable",
            "ENABLE_SSL": "ssl.enable",
            "USER": "user",
            "TIMEOUT": "timeout",
        }.items()
    },
}


def meaning_of(name: str) -> Meaning | None:
    """Returns the meaning of the property, or None for an unknown name."""
    if name in COMMON_MEANINGS:
        return COMMON_MEANINGS[name]
    protocol, suffix = split_name(name)
    if protocol is None:
        return None
    if suffix not in MEANINGS and suffix.endswith(".class"):
        return lambda value: Effect(note=_ignored_class(value))
    return MEANINGS.get(suffix)


def split_name(name: str) -> tuple[str | None, str]:
    """Splits `mail.imap.ssl.enable` into imap and ssl.enable; None stands for other protocols."""
    mail, _, rest = name.partition(".")
    protocol, _, suffix = rest.partition(".")
    if mail == "mail" and protocol in PROTOCOLS:
        return protocol, suffix
    return None, name


def known_names(protocol: str) -> list[str]:
    """Returns all names for a protocol, for suggestions."""
    return [f"mail.{protocol}.{suffix}" for suffix in MEANINGS] + list(COMMON_MEANINGS)
