"""How every Kafka client of ours connects: the settings in kafka-python's words."""

from __future__ import annotations

from typing import Any

from postrail.settings import KafkaSettings


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """The connection options that consumers, producers and admin clients share."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": "postrail",
        "security_protocol": settings.security_protocol,
        "request_timeout_ms": int(settings.request_timeout_seconds * 1000),
        "bootstrap_timeout_ms": int(settings.request_timeout_seconds * 1000),
        "reconnect_backoff_max_ms": 2000,
    }
    if settings.ca_file:
        options["ssl_cafile"] = str(settings.ca_file)
    if settings.sasl_mechanism:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password.get_secret_value()
    return options
