"""Finds where a post goes to and how: by its row, the configuration and the settings."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets
from postrail.settings import SenderSettings
from postrail.webhooks.address import host_of
from postrail.webhooks.claims import Claimed
from postrail.webhooks.post import Target
from postrail.webhooks.queue import Purpose

# Of a row whose address cannot be read; its post says why.
UNKNOWN_HOST = "unknown"


class Targets:
    """Finds the targets of posts; raises ConfigurationError for a missing file of certificates."""

    def __init__(self, settings: SenderSettings, secrets: Secrets) -> None:
        self._alert_url = settings.alert_webhook.get_secret_value()
        self._secrets = secrets
        alerts, callbacks = settings.alert_webhook_ca_file, settings.callback_ca_file
        self._of_alerts = ssl.create_default_context()
        if alerts:
            # Only these, and not those of the system.
            self._of_alerts = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            _trust(self._of_alerts, alerts, "POSTRAIL_SENDER__ALERT_WEBHOOK_CA_FILE")
        self._of_callbacks = ssl.create_default_context()
        if callbacks:
            _trust(self._of_callbacks, callbacks, "POSTRAIL_SENDER__CALLBACK_CA_FILE")

    def host_of(self, stored_url: str) -> str:
        """Returns the host of a stored address."""
        try:
            return host_of(self._url(stored_url)) or UNKNOWN_HOST
        except ConfigurationError:
            return UNKNOWN_HOST

    def find(self, post: Claimed, snapshot: ConfigurationSnapshot) -> Target:
        """Returns the target of a post; raises ConfigurationError if it has none now."""
        url = self._url(post.url)
        if post.purpose == Purpose.ALERT:
            named = [urlsplit(url).hostname or ""]
            return Target(url=url, secret="", private_hosts=named, context=self._of_alerts)
        setup = snapshot.approval_setups.get(post.setup)
        if setup is None or not setup.callback_secret:
            raise ConfigurationError(
                f"the approval setup {post.setup} has no callback_secret to sign the post with",
                setting="callback_secret",
                remedy="Give it one with postrail apply",
            )
        return Target(
            url=url,
            secret=self._secrets.reveal(setup.callback_secret),
            private_hosts=setup.callback_hosts,
            context=self._of_callbacks,
        )

    def _url(self, stored: str) -> str:
        url = self._secrets.reveal(stored) if stored else self._alert_url
        if not url:
            raise ConfigurationError(
                "there is no address to post alerts to",
                setting="POSTRAIL_SENDER__ALERT_WEBHOOK",
                remedy="Set it, or cancel the post",
            )
        return url


def _trust(context: ssl.SSLContext, ca_file: Path, setting: str) -> None:
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"cannot read certificates from {ca_file}: {error}",
            setting=setting,
            remedy="Name a readable PEM file, or leave it blank for the system's certificates",
        ) from error
