"""Makes the errors of connections to mail servers; each names the setting and a remedy.

The faults of one protocol only are in its own package.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from postrail.errors import ConfigurationError, PipelineError, ServerUnavailable
from postrail.wire import Server
from postrail.wire.certificate import Certificate

# OpenSSL's reasons when the two sides share no version.
OLD_TLS = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL")

# An error of a library, or several of them, and the function that makes ours of it.
Translation = tuple[
    type[Exception] | tuple[type[Exception], ...], Callable[[Any, Any], PipelineError]
]


class LoginRefused(ConfigurationError):
    """The server refused user name and password."""

    # How long to wait with the next login; 0: nothing is known.
    after_seconds = 0.0

    def again(self, after_seconds: float) -> LoginRefused:
        """Returns the same error with this pause."""
        found = LoginRefused(self.problem, setting=self.setting, remedy=self.remedy)
        found.after_seconds = after_seconds
        return found


@contextlib.contextmanager
def translated(server: Server, translations: Sequence[Translation]) -> Iterator[None]:
    """Raises our errors for those of libraries, by the first translation that fits."""
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        for kinds, fault in translations:
            if isinstance(error, kinds):
                raise fault(server, error) from error
        raise


def tls_context(server: Server) -> ssl.SSLContext:
    """Returns the server's context for TLS; raises ConfigurationError for a wrong ca_file."""
    try:
        context = ssl.create_default_context(cafile=server.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise certificate_file_fault(server, error) from error
    if server.min_tls_version == "1.3":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if not server.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def certificate_file_fault(server: Server, error: Exception) -> ConfigurationError:
    """Returns the error for a ca_file that cannot be used."""
    return ConfigurationError(
        f"cannot read certificates from {server.ca_file}: {words_of(error)}",
        setting=setting_of(server, "ca_file"),
        remedy="Name a readable PEM file, or leave it blank for the system's certificates",
    )


def plain_login_fault(server: Server) -> ConfigurationError:
    """Returns the error for a server that accepts passwords over encrypted connections only."""
    return ConfigurationError(
        f"{server_of(server)} accepts no password over an unencrypted connection",
        setting=setting_of(server, "encryption"),
        remedy=f"Set encryption to starttls, or to ssl with port {server.usual_ports[1]}",
    )


def plain_login_forbidden(server: Server) -> ConfigurationError:
    """Returns the error for a server without encryption where the settings require it."""
    return ConfigurationError(
        f"{server_of(server)} offers no encryption (STARTTLS), so the password was not sent",
        setting=setting_of(server, "encryption, allow_plain_login"),
        remedy=f"Set encryption to ssl with port {server.usual_ports[1]}; or, if"
        " anyone on the way may read the password, set allow_plain_login: true",
    )


def tls_fault(
    server: Server, error: ssl.SSLError, certificate: Certificate | None = None
) -> PipelineError:
    """Returns the error for TLS that failed or broke; uses the certificate where it is known."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_fault(server, error, certificate)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
        return broken_off(server, error)
    if any(reason in _tls_words(error) for reason in OLD_TLS):
        return ConfigurationError(
            f"{server_of(server)} does not speak TLS {server.min_tls_version}: {_tls_words(error)}",
            setting=setting_of(server, "min_tls_version"),
            remedy="Have the server speak a newer TLS, or lower min_tls_version if it is above 1.2",
        )
    plain, encrypted = server.usual_ports
    return ConfigurationError(
        f"{server_of(server)} does not speak TLS as expected: {_tls_words(error)}",
        setting=setting_of(server, "encryption, port"),
        remedy=f"Port {encrypted} goes with encryption ssl, port {plain} with starttls or none",
    )


def _certificate_fault(
    server: Server, error: ssl.SSLCertVerificationError, certificate: Certificate | None
) -> ConfigurationError:
    # OpenSSL's numbers (X509_V_ERR_…): not valid yet, expired; another host name, another address.
    match getattr(error, "verify_code", None):
        case 9 | 10:
            dates = (
                f", valid from {certificate.valid_from:%Y-%m-%d}"
                f" until {certificate.valid_until:%Y-%m-%d},"
                if certificate
                else ""
            )
            return ConfigurationError(
                f"the certificate of {server_of(server)}{dates} is not trusted:"
                f" {_tls_words(error)}",
                setting=setting_of(server, "host, verify_certificate"),
                remedy="Have it renewed on the server; or correct this machine's clock",
            )
        case 62 | 64:
            return ConfigurationError(
                f"the certificate of {server_of(server)} is not trusted: it is for"
                f" {certificate.for_hosts if certificate else 'another host'}",
                setting=setting_of(server, "host"),
                remedy="Set host to a name that is in the certificate",
            )
    return ConfigurationError(
        f"the certificate of {server_of(server)}{_signed_by(certificate)} is not trusted:"
        f" {_tls_words(error)}",
        setting=setting_of(server, "ca_file, host, verify_certificate"),
        remedy=_how_to_trust(server, certificate),
    )


def _signed_by(certificate: Certificate | None) -> str:
    if certificate is None:
        return ""
    if certificate.self_signed:
        return ", signed by itself,"
    return f", signed by {certificate.issuer!r},"


def _how_to_trust(server: Server, certificate: Certificate | None) -> str:
    if certificate is None or not certificate.self_signed:
        return (
            "Set ca_file to the PEM file of the authority that signed it, and host to the name in"
            " the certificate; verify_certificate: false trusts any server"
        )
    starttls = "" if server.encryption == "ssl" else f" -starttls {server.wire_protocol}"
    return (
        f"Save it: openssl s_client -connect {server.host}:{server.port}{starttls} </dev/null |"
        " openssl x509 > server.pem; ask the server's administrator whether its SHA-256"
        f" fingerprint is {certificate.sha256}; then set ca_file to that file"
    )


def expects_plain(server: Server, greeting: str) -> ConfigurationError:
    """Returns the error for a port that begins without TLS where the settings begin with it."""
    return ConfigurationError(
        f"port {server.port} of {server.host} begins without TLS: {greeting}",
        setting=setting_of(server, "encryption, port"),
        remedy="Set encryption to starttls, or port to the server's port for TLS,"
        f" usually {server.usual_ports[1]}",
    )


def expects_tls(server: Server) -> ConfigurationError:
    """Returns the error for a port that begins with TLS where the settings begin without it."""
    return ConfigurationError(
        f"port {server.port} of {server.host} expects TLS from the start, and sends no greeting",
        setting=setting_of(server, "encryption, port"),
        remedy="Set encryption to ssl, or port to the server's port without TLS,"
        f" usually {server.usual_ports[0]}",
    )


def network_fault(server: Server, error: OSError) -> ServerUnavailable:
    """Returns the error for a connection that failed or broke."""
    if isinstance(error, socket.gaierror):
        return ServerUnavailable(
            f"the host {server.host} is unknown: {error.strerror}",
            setting=setting_of(server, "host"),
            remedy="Correct the host name, or check this machine's name service",
        )
    if isinstance(error, ConnectionRefusedError):
        return ServerUnavailable(
            f"{server_of(server)} refused the connection",
            setting=setting_of(server, "host, port"),
            remedy="Check that the mail server runs and that the port is its"
            f" {server.wire_protocol.upper()} port",
        )
    if isinstance(error, TimeoutError):
        return ServerUnavailable(
            f"{server_of(server)} did not answer in time",
            setting=setting_of(server, "host, port, encryption, timeout_ms"),
            remedy="Check network and firewall; a port that expects TLS from the start"
            f" ({server.usual_ports[1]}) stays silent unless encryption is ssl",
        )
    return ServerUnavailable(
        f"the connection to {server_of(server)} failed: {error.strerror or words_of(error)}",
        setting=setting_of(server, "host, port"),
        remedy="Check the network between here and the mail server",
    )


def broken_off(server: Server, error: Exception) -> ServerUnavailable:
    """Returns the error for a connection that the server ended before its answer was complete."""
    return ServerUnavailable(f"{server_of(server)} broke off the connection: {words_of(error)}")


def starttls_missing(server: Server, error: Exception) -> ConfigurationError:
    """Returns the error for a server that lacks the STARTTLS that the settings require."""
    return ConfigurationError(
        f"{server_of(server)} does not offer STARTTLS: {words_of(error)}",
        setting=setting_of(server, "encryption"),
        remedy="Use what the server offers: encryption ssl with port"
        f" {server.usual_ports[1]}, or none",
    )


def unexpected_answer(server: Server, error: Exception) -> ServerUnavailable:
    """Returns the error for an answer that is not in the protocol."""
    protocol = server.wire_protocol.upper()
    return ServerUnavailable(
        f"{server_of(server)} answered what {protocol} does not expect: {words_of(error)}",
        setting=setting_of(server, "host, port"),
        remedy=f"Check that the port is the server's {protocol} port",
    )


def login_refused(server: Server, words: str) -> LoginRefused:
    """Returns the error for a refused user name or password."""
    return LoginRefused(
        f"{server_of(server)} refused the login of {server.username}: {words}",
        setting=setting_of(server, "username, password"),
        remedy="Correct the user name or the password; some providers require an app password, or"
        f" that {server.wire_protocol.upper()} is enabled first",
    )


def server_of(server: Server) -> str:
    """Returns the server as errors name it."""
    return f"the mail server {server.host}:{server.port}"


def setting_of(server: Server, fields: str) -> str:
    """Returns the server's fields as errors name them."""
    return f"{server.title}: {fields}"


def words_of(error: Exception) -> str:
    """Returns the server's own words, which libraries may pass on as the repr of bytes."""
    text = str(error).strip()
    if text[:2] in ("b'", 'b"'):
        text = text[2:-1]
    return text or type(error).__name__


def _tls_words(error: ssl.SSLError) -> str:
    """Returns OpenSSL's reason, or the error's own words."""
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    return str(reason or words_of(error))
