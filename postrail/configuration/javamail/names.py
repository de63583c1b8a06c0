"""JavaMail's names of properties for reading mail, and what each says of a mail account. Pure.

The names and their meaning are those of the package descriptions of Jakarta Mail
(jakarta.ee/specifications/mail, and angus.mail's imap and pop3 providers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# JavaMail's protocols: which one of ours, and whether TLS comes first.
PROTOCOLS = {
    "imap": ("imap", False),
    "imaps": ("imap", True),
    "pop3": ("pop3", False),
    "pop3s": ("pop3", True),
}
# What is spoken with the server, where that is not the name of our protocol.
SPOKEN = {"google_oauth2": "imap", "microsoft_oauth2": "imap"}
TLS_VERSIONS = ("SSLv2Hello", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
SAFE_VERSIONS = {"TLSv1.2": "1.2", "TLSv1.3": "1.3"}
# A mail account waits no longer, and so long when nothing else is said.
LONGEST_TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Said:
    """What one property says: of attributes by their names, or of how to encrypt.

    `tls_first`, `starttls` and `starttls_needed` stand for the encryption, `trusted` for hosts
    whose certificates are not verified.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


Meaning = Callable[[str], Said]


def _text(name: str) -> Meaning:
    return lambda value: Said({name: value})


def _port(value: str) -> Said:
    number = _number(value)
    if not 0 <= number <= 65535:
        raise ValueError("must be a port from 1 to 65535")
    return Said({"port": number} if number else {})


def _flag(name: str) -> Meaning:
    return lambda value: Said({name: _yes(value)})


def _flag_that_does_nothing(wanted: bool, note: str) -> Meaning:
    return lambda value: Said(note="" if _yes(value) is wanted else note)


def _timeout(value: str) -> Said:
    number = _number(value)
    # JavaMail waits for ever when it is 0 or less, and we never do.
    if number <= 0:
        return Said({"timeout_ms": LONGEST_TIMEOUT_MS}, "is endless; we wait 30000 ms at most")
    if number > LONGEST_TIMEOUT_MS:
        return Said({"timeout_ms": LONGEST_TIMEOUT_MS}, "is more than 30000 ms; that is taken")
    return Said({"timeout_ms": number})


def _versions(value: str) -> Said:
    names = value.replace(",", " ").split()
    if unknown := [name for name in names if name not in TLS_VERSIONS]:
        raise ValueError(f"names {unknown[0]!r}; known are {', '.join(TLS_VERSIONS)}")
    safe = sorted(SAFE_VERSIONS[name] for name in names if name in SAFE_VERSIONS)
    if not safe:
        raise ValueError("names no version that is spoken here; name TLSv1.2 or TLSv1.3")
    older = len(safe) < len(names)
    return Said({"min_tls_version": safe[0]}, "names versions that are never spoken" * older)


def _socket_factory(value: str) -> Said:
    if value.rpartition(".")[2] == "SSLSocketFactory":
        return Said({"tls_first": True})
    return Said(note=_ignored_class(value))


def _ignored_class(value: str) -> str:
    return f"names a Java class ({value}), which has no meaning here; it is ignored"


def _ignored(value: str) -> Said:
    return Said(note="has no effect here; it is ignored")


def _password(value: str) -> Said:
    raise ValueError("does not belong here, readable for everybody; use the attribute password")


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


# What stands behind `mail.imap.`, `mail.imaps.`, `mail.pop3.` or `mail.pop3s.`.
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
    "ssl.checkserveridentity": _flag_that_does_nothing(
        True, "is false, but names are checked here; verify_certificate: false trusts anybody"
    ),
    "starttls.enable": _flag("starttls"),
    "starttls.required": _flag("starttls_needed"),
    "socketFactory.class": _socket_factory,
    "socketFactory.port": _port,
    "socketFactory.fallback": _flag_that_does_nothing(
        False, "is true, but nothing here falls back to a connection without encryption"
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

# Names for every protocol at once.
COMMON_MEANINGS: dict[str, Meaning] = {
    "mail.host": _text("host"),
    "mail.user": _text("username"),
    "mail.store.protocol": _text("java_protocol"),
    **dict.fromkeys(
        ["mail.debug", "mail.debug.auth", "mail.debug.auth.password", "mail.from"], _ignored
    ),
    "mail.transport.protocol": _ignored,
}

# What the text may use as ${{NAME}}, and give a value by NAME=value: which property says the same.
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
    """What the property means; None when there is none of that name."""
    if name in COMMON_MEANINGS:
        return COMMON_MEANINGS[name]
    protocol, suffix = split_name(name)
    if protocol is None:
        return None
    if suffix not in MEANINGS and suffix.endswith(".class"):
        return lambda value: Said(note=_ignored_class(value))
    return MEANINGS.get(suffix)


def split_name(name: str) -> tuple[str | None, str]:
    """`mail.imap.ssl.enable` becomes imap and ssl.enable; None where it is of no such protocol."""
    mail, _, rest = name.partition(".")
    protocol, _, suffix = rest.partition(".")
    if mail == "mail" and protocol in PROTOCOLS:
        return protocol, suffix
    return None, name


def known_names(protocol: str) -> list[str]:
    """All names for a protocol, for a suggestion."""
    return [f"mail.{protocol}.{suffix}" for suffix in MEANINGS] + list(COMMON_MEANINGS)
