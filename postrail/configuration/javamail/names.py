"""Maps JavaMail's properties for reading mail to attributes of a mail account. Pure.

The names and their meaning are those of the package descriptions of Jakarta Mail
(jakarta.ee/specifications/mail, and angus.mail's imap and pop3 providers).
"""

from __future__ import annotations

from postrail.configuration.javamail.meanings import (
    Effect,
    Meaning,
    flag,
    flag_without_effect,
    ignored,
    ignored_class,
    no_password,
    port,
    socket_factory,
    text,
    timeout,
    tls_versions,
)

# JavaMail's protocols: our protocol, and whether TLS starts at once.
PROTOCOLS = {
    "imap": ("imap", False),
    "imaps": ("imap", True),
    "pop3": ("pop3", False),
    "pop3s": ("pop3", True),
}
# The protocol that the server understands, where it differs from the name of ours.
WIRE_PROTOCOLS = {"google_oauth2": "imap", "microsoft_oauth2": "imap"}

# The names after `mail.imap.`, `mail.imaps.`, `mail.pop3.` or `mail.pop3s.`.
MEANINGS: dict[str, Meaning] = {
    "host": text("host"),
    "port": port,
    "user": text("username"),
    "password": no_password,
    "connectiontimeout": timeout,
    "timeout": timeout,
    "writetimeout": timeout,
    "ssl.enable": flag("tls_first"),
    "ssl.protocols": tls_versions,
    "ssl.trust": text("trusted"),
    "ssl.checkserveridentity": flag_without_effect(
        True, "is false, but names are always checked; verify_certificate: false trusts any server"
    ),
    "starttls.enable": flag("starttls"),
    "starttls.required": flag("starttls_needed"),
    "socketFactory.class": socket_factory,
    "socketFactory.port": port,
    "socketFactory.fallback": flag_without_effect(
        False, "is true, but connections never fall back to no encryption"
    ),
    "ssl.socketFactory.port": port,
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
        ignored,
    ),
}

# Names that apply to every protocol.
COMMON_MEANINGS: dict[str, Meaning] = {
    "mail.host": text("host"),
    "mail.user": text("username"),
    "mail.store.protocol": text("java_protocol"),
    **dict.fromkeys(
        ["mail.debug", "mail.debug.auth", "mail.debug.auth.password", "mail.from"], ignored
    ),
    "mail.transport.protocol": ignored,
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
        return lambda value: Effect(note=ignored_class(value))
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
