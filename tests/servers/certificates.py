"""A certificate authority for one test run, and a server certificate for localhost."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the authority to trust, the server's chain, the server's key."""

    ca_file: Path
    certificate_file: Path
    key_file: Path

    def client_context(self) -> ssl.SSLContext:
        """Returns a context for clients that should trust the server."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def server_context(self) -> ssl.SSLContext:
        """Returns a context for servers in this process."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def make_certificates(folder: Path, *names: str) -> Certificates:
    """Makes both; without other names, the server's are localhost and 127.0.0.1."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    server = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority.cert_pem.write_to_path(str(made.ca_file))
    for number, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(str(made.certificate_file), append=number > 0)
    server.private_key_pem.write_to_path(str(made.key_file))
    return made
