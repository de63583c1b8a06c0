"""Posts alerts to the webhook of the settings: JSON over TLS, and no redirect is followed.

An alert stays in its table until the webhook has taken it, so each is posted at least once. The
address of a webhook is its password: no line of the log and no error has more of it than the host.
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import httpx

from postrail.errors import ConfigurationError, TransientError
from postrail.observe.log import log
from postrail.outgoing.alerts import posts
from postrail.records import OutgoingQueued
from postrail.settings import SenderSettings
from postrail.timed_work.worker import Occasion, Work

logger = log(__name__)

# The row of the timer is locked while it is posted: PostgreSQL ends a transaction that is idle for
# longer than 20 s.
SECONDS = 10.0


class WebhookUnavailable(TransientError):
    """The webhook has not taken an alert; it is posted again."""


def webhook_work(settings: SenderSettings) -> Work:
    """Returns the work of a timer, whose key is the id of an alert."""
    address = settings.alert_webhook.get_secret_value()
    give_up = timedelta(seconds=settings.give_up_after_seconds)
    context = _context(settings.alert_webhook_ca_file)

    async def work(one: Occasion) -> list[OutgoingQueued]:
        alert = await posts.find(one.connection, one.timer.key)
        if alert is None:
            return []
        if not address or one.now - alert.made_at > give_up:
            logger.warning("an alert was not posted", alert=one.timer.key)
        else:
            await post(address, alert.body, context)
        await posts.remove(one.connection, one.timer.key)
        return []

    return work


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"cannot read certificates from {ca_file}: {error}",
            setting="POSTRAIL_SENDER__ALERT_WEBHOOK_CA_FILE",
            remedy="Name a readable PEM file, or leave it blank for the system's certificates",
        ) from error


async def post(address: str, body: str, context: ssl.SSLContext) -> None:
    """Posts an alert; raises WebhookUnavailable unless the webhook has taken it."""
    host = httpx.URL(address).host
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(verify=context, follow_redirects=False, timeout=SECONDS) as client,
            # The answer has no words for us, whatever its length.
            client.stream(
                "POST", address, content=body, headers={"Content-Type": "application/json"}
            ) as response,
        ):
            status = response.status_code
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        why = str(error).replace(address, host) or type(error).__name__
        raise WebhookUnavailable(f"the webhook {host} is unavailable: {why}") from None
    if not httpx.codes.is_success(status):
        raise WebhookUnavailable(
            f"the webhook {host} has not taken an alert: the answer is {status}",
            remedy="Check POSTRAIL_SENDER__ALERT_WEBHOOK; redirects are not followed",
        )
