"""Translates the settings into kafka-python's options, and its errors into ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from kafka.errors import KafkaError

from postrail.errors import TransientError
from postrail.settings import KafkaSettings


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Returns the connection options that consumers, producers and admin clients share."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": "postrail",
        "security_protocol": settings.security_protocol,
        "request_timeout_ms": int(settings.request_timeout_seconds * 1000),
        "bootstrap_timeout_ms": int(min(settings.request_timeout_seconds, 10) * 1000),
        "reconnect_backoff_max_ms": 2000,
    }
    if settings.ca_file:
        options["ssl_cafile"] = str(settings.ca_file)
    if settings.sasl_mechanism:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password.get_secret_value()
    return options


@contextlib.contextmanager
def kafka_faults(settings: KafkaSettings) -> Iterator[None]:
    """Turns the errors of kafka-python into TransientError: the broker may answer later."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise TransientError(
            f"Kafka at {settings.bootstrap_servers}: {type(error).__name__}: {error}",
            setting="POSTRAIL_KAFKA__BOOTSTRAP_SERVERS",
            remedy="Check that the broker runs at that address and grants this user access",
        ) from error
