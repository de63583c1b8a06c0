"""The real oidc-provider (npm) as a child process, and a browser that fills in its forms."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urljoin

import httpx

from postrail.embedded.ports import answers, free_port
from postrail.embedded.processes import Child
from tests.servers.certificates import Certificates
from tests.servers.dovecot import INSTALL, program

FOLDER = Path(__file__).parent / "oidc"
REDIRECT = "http://localhost:9999/answer"
CLIENT_SECRET = "desk-s3cret"
START_SECONDS = 30.0
MOST_PAGES = 12

INTROSPECTION = """\
introspection_url = https://dovecot:dovecot-s3cret@localhost:{port}/tenant/v2.0/token/introspection
introspection_mode = post
force_introspection = yes
username_attribute = sub
active_attribute = active
active_value = true
timeout_msecs = 5000
"""


class OidcProvider:
    """One provider; any user name may sign in."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        if not (FOLDER / "node_modules").is_dir():
            raise AssertionError(f"oidc-provider is not installed; run {INSTALL}")
        self._certificates = certificates
        self.port = free_port()
        # Serves /.well-known; msal appends v2.0 itself.
        self.host_address = f"https://localhost:{self.port}"
        self.authority = f"{self.host_address}/tenant/v2.0"
        script, key = str(FOLDER / "provider.mjs"), str(certificates.key_file)
        self._child = Child(
            "oidc-provider",
            [program("node"), script, str(self.port), key, str(certificates.certificate_file)],
            log_file=folder / "oidc-provider.log",
        )

    def start(self) -> None:
        """Starts the provider and waits until it answers."""
        self._child.start()
        self._child.wait_until(lambda: answers(self.port), START_SECONDS)

    def stop(self) -> None:
        """Stops the provider, which forgets all tokens."""
        self._child.stop()

    def introspection(self) -> str:
        """Returns the file of Dovecot's passdb oauth2, with which it verifies tokens here."""
        return INTROSPECTION.format(port=self.port)

    def sign_in(self, address: str, user: str, code: str = "") -> str:
        """Signs in and consents; returns the redirect address, or the text of the last page."""
        with httpx.Client(verify=self._certificates.client_context()) as browser:
            response = browser.get(address)
            for _ in range(MOST_PAGES):
                if response.is_redirect:
                    target = urljoin(str(response.url), response.headers["Location"])
                    if target.startswith(REDIRECT):
                        return target
                    response = browser.get(target)
                elif form := re.search(r'<form[^>]*action="([^"]+)"', response.text):
                    target = urljoin(str(response.url), html.unescape(form[1]))
                    response = browser.post(target, data=_filled_in(response.text, user, code))
                else:
                    break
        return response.text

    def end(self, access_token: str) -> None:
        """Expires only this access token."""
        with httpx.Client(verify=self._certificates.client_context()) as client:
            client.get(f"{self.host_address}/end/{access_token}").raise_for_status()

    def revoke(self, token: str) -> None:
        """Revokes a token and all tokens of the same sign-in (RFC 7009)."""
        with httpx.Client(verify=self._certificates.client_context()) as client:
            client.post(
                f"{self.authority}/token/revocation",
                data={"token": token},
                auth=("desk", CLIENT_SECRET),
            ).raise_for_status()


def _filled_in(page: str, user: str, code: str) -> dict[str, str]:
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden" and "name" in attributes:
            fields[attributes["name"]] = html.unescape(attributes.get("value", ""))
    if 'name="login"' in page:
        fields |= {"login": user, "password": "any"}
    if 'name="user_code"' in page and not fields.get("user_code"):
        fields["user_code"] = code
    return fields
