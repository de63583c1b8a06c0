"""What goes wrong between us and an IMAP server, in words that name the account's setting.

`connection_fault` wraps every dialogue; the others make the error for a certain step of it.
"""

from __future__ import annotations

import contextlib
import imaplib
import socket
import ssl
from collections.abc import Iterator

from imapclient.exceptions import CapabilityError

from postrail.accounts.models import MailAccount
from postrail.errors import ConfigurationError, PipelineError
from postrail.mailbox import MailboxAway

# RFC 5530: the server is busy or broken, the credentials may be right.
PASSING_LOGIN_CODES = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")
FOLDERS_SHOWN = 10


@contextlib.contextmanager
def connection_fault(account: MailAccount) -> Iterator[None]:
    """Turns what imapclient, imaplib, ssl and socket raise into our errors."""
    try:
        yield
    except PipelineError:
        raise
    except ssl.SSLError as error:
        raise _tls_fault(account, error) from error
    except OSError as error:
        raise _network_fault(account, error) from error
    except CapabilityError as error:
        raise _capability_fault(account, error) from error
    except imaplib.IMAP4.abort as error:
        raise _abort_fault(account, error) from error
    except imaplib.IMAP4.error as error:
        raise _protocol_fault(account, error) from error


def login_fault(account: MailAccount, error: Exception) -> PipelineError:
    """The server refused user name and password, or has no time for us."""
    words = _words(error)
    if any(code in words.upper() for code in PASSING_LOGIN_CODES):
        return MailboxAway(f"{_server(account)} cannot log {account.username} in now: {words}")
    return ConfigurationError(
        f"{_server(account)} refused the login of {account.username}: {words}",
        setting=_setting(account, "username, password"),
        remedy="Correct the user name or the password; some providers want an app password, or"
        " IMAP to be allowed first",
    )


def plain_login_fault(account: MailAccount) -> ConfigurationError:
    """The server takes passwords over encrypted connections only (LOGINDISABLED, RFC 2595)."""
    return ConfigurationError(
        f"{_server(account)} takes no password over an unencrypted connection",
        setting=_setting(account, "encryption"),
        remedy="Set encryption to starttls, or to ssl with port 993",
    )


def folder_fault(account: MailAccount, error: Exception, folders: list[str]) -> ConfigurationError:
    """The folder cannot be selected."""
    there = ", ".join(folders[:FOLDERS_SHOWN]) + (", …" if len(folders) > FOLDERS_SHOWN else "")
    return ConfigurationError(
        f"{_server(account)} does not open the folder {account.folder!r}: {_words(error)}",
        setting=_setting(account, "folder"),
        remedy="Make the folder or correct its name" + (f"; there are: {there}" if there else ""),
    )


def certificate_file_fault(account: MailAccount, error: Exception) -> ConfigurationError:
    """The file with the certificate authorities cannot be used."""
    return ConfigurationError(
        f"cannot read certificates from {account.ca_file}: {_words(error)}",
        setting=_setting(account, "ca_file"),
        remedy="Name a readable PEM file, or leave it blank for the system's certificates",
    )


def _tls_fault(account: MailAccount, error: ssl.SSLError) -> PipelineError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"the certificate of {_server(account)} is not trusted: {_tls_words(error)}",
            setting=_setting(account, "ca_file, host, verify_certificate"),
            remedy="Set ca_file to the PEM file of the authority that signed it, and host to the"
            " name in the certificate; verify_certificate: false trusts anybody",
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
        return MailboxAway(f"{_server(account)} broke off the connection: {_words(error)}")
    return ConfigurationError(
        f"{_server(account)} does not speak TLS as expected: {_tls_words(error)}",
        setting=_setting(account, "encryption, port"),
        remedy="Port 993 goes with encryption ssl, port 143 with starttls or none",
    )


def _network_fault(account: MailAccount, error: OSError) -> MailboxAway:
    if isinstance(error, socket.gaierror):
        return MailboxAway(
            f"the host {account.host} is not known: {error.strerror}",
            setting=_setting(account, "host"),
            remedy="Correct the host name, or check this machine's name service",
        )
    if isinstance(error, ConnectionRefusedError):
        return MailboxAway(
            f"{_server(account)} refused the connection",
            setting=_setting(account, "host, port"),
            remedy="Check that the mail server runs and that the port is its IMAP port",
        )
    if isinstance(error, TimeoutError):
        return MailboxAway(
            f"{_server(account)} did not answer in time",
            setting=_setting(account, "host, port, encryption, timeout_seconds"),
            remedy="Check network and firewall; a port that expects TLS from the start (993) stays"
            " silent unless encryption is ssl",
        )
    return MailboxAway(
        f"the connection to {_server(account)} failed: {error.strerror or _words(error)}",
        setting=_setting(account, "host, port"),
        remedy="Check the network between here and the mail server",
    )


def _abort_fault(account: MailAccount, error: Exception) -> MailboxAway:
    if "unexpected response" in str(error):
        return _protocol_fault(account, error)
    return MailboxAway(f"{_server(account)} broke off the connection: {_words(error)}")


def _capability_fault(account: MailAccount, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{_server(account)}: {_words(error)}",
        setting=_setting(account, "encryption"),
        remedy="Use what the server offers: encryption ssl with port 993, or none",
    )


def _protocol_fault(account: MailAccount, error: Exception) -> MailboxAway:
    return MailboxAway(
        f"{_server(account)} answered what IMAP does not expect: {_words(error)}",
        setting=_setting(account, "host, port"),
        remedy="Check that the port is the server's IMAP port",
    )


def _server(account: MailAccount) -> str:
    return f"the mail server {account.host}:{account.port}"


def _setting(account: MailAccount, fields: str) -> str:
    return f"mail account {account.name}: {fields}"


def _tls_words(error: ssl.SSLError) -> str:
    """OpenSSL's reason, where it gave one."""
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    return str(reason or _words(error))


def _words(error: Exception) -> str:
    """The server's own words; imaplib hands some of them on as the text of bytes."""
    text = str(error).strip()
    if text[:2] in ("b'", 'b"'):
        text = text[2:-1]
    return text or type(error).__name__
