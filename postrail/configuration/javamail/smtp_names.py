"""Maps JavaMail's properties for sending mail to attributes of an outgoing connection. Pure.

The names and their meaning are those of the package descriptions of Jakarta Mail
(jakarta.ee/specifications/mail, and angus.mail's smtp provider). docs/connections.md has the table.
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

# JavaMail's protocols, each with whether TLS starts at once.
SMTP_PROTOCOLS = {"smtp": False, "smtps": True}


def _return_path(value: str) -> Effect:
    local, at, domain = value.partition("@")
    return Effect(
        {"bounce_address": value.lower()},
        f"is the return path; each message extends it, such as {local}+TOKEN{at}{domain}",
    )


# The names after `mail.smtp.` or `mail.smtps.`.
SMTP_MEANINGS: dict[str, Meaning] = {
    "host": text("host"),
    "port": port,
    "user": text("username"),
    "password": no_password,
    "auth": flag("login"),
    "from": _return_path,
    "localhost": text("ehlo_name"),
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
    "ehlo": flag_without_effect(True, "is false, but EHLO is always tried"),
    "sendpartial": flag_without_effect(
        True, "is false, but a refused recipient never stops the others"
    ),
    "class": lambda value: Effect(note=ignored_class(value)),
    **dict.fromkeys(
        [
            "allow8bitmime",
            "auth.login.disable",
            "auth.mechanisms",
            "auth.digest-md5.disable",
            "auth.ntlm.disable",
            "auth.ntlm.domain",
            "auth.ntlm.flags",
            "auth.plain.disable",
            "auth.xoauth2.disable",
            "auth.xoauth2.two.line.authentication.format",
            "chunksize",
            "dsn.notify",
            "dsn.ret",
            "localaddress",
            "localport",
            "mailextension",
            "noop.strict",
            "proxy.host",
            "proxy.password",
            "proxy.port",
            "proxy.user",
            "quitonsessionreject",
            "quitwait",
            "reportsuccess",
            "sasl.authorizationid",
            "sasl.enable",
            "sasl.mechanisms",
            "sasl.realm",
            "sasl.usecanonicalhostname",
            "socketFactory",
            "socks.host",
            "socks.port",
            "ssl.ciphersuites",
            "ssl.socketFactory",
            "submitter",
            "usesocketchannels",
            "userset",
        ],
        ignored,
    ),
}

# Names that apply to every protocol.
SMTP_COMMON_MEANINGS: dict[str, Meaning] = {
    "mail.host": text("host"),
    "mail.user": text("username"),
    "mail.from": text("from_address"),
    "mail.debug": flag("debug"),
    "mail.transport.protocol": text("java_protocol"),
    **dict.fromkeys(
        [
            "mail.debug.auth",
            "mail.debug.auth.password",
            "mail.debug.auth.username",
            "mail.mime.address.strict",
            "mail.store.protocol",
            "mail.transport.protocol.rfc822",
        ],
        ignored,
    ),
}

# Variables that the text may use as ${{NAME}} and set by NAME=value, each with its property.
SMTP_VARIABLES = {
    "PROTOCOL": "mail.transport.protocol",
    "SMTP_HOST_NAME": "mail.smtp.host",
    "SMTP_HOST_PORT": "mail.smtp.port",
    "SMTP_ENABLE_TLS": "mail.smtp.starttls.enable",
    "SMTP_ENABLE_SSL": "mail.smtp.ssl.enable",
    "SMTP_USER": "mail.smtp.user",
    "SMTP_TIMEOUT": "mail.smtp.timeout",
}


def smtp_protocol_in(name: str) -> str:
    """Returns smtp or smtps for a name of one of them, and a blank text for all others."""
    mail, _, rest = name.partition(".")
    protocol = rest.partition(".")[0]
    return protocol if mail == "mail" and protocol in SMTP_PROTOCOLS else ""


def smtp_meaning_of(name: str) -> Meaning | None:
    """Returns the meaning of the property, or None for an unknown name."""
    if name in SMTP_COMMON_MEANINGS:
        return SMTP_COMMON_MEANINGS[name]
    protocol = smtp_protocol_in(name)
    suffix = name.removeprefix(f"mail.{protocol}.")
    if protocol and suffix not in SMTP_MEANINGS and suffix.endswith(".class"):
        return SMTP_MEANINGS["class"]
    return SMTP_MEANINGS.get(suffix) if protocol else None


def smtp_names() -> list[str]:
    """Returns all names, for suggestions."""
    return [f"mail.smtp.{suffix}" for suffix in SMTP_MEANINGS] + list(SMTP_COMMON_MEANINGS)
