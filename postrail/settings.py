"""The deployment's settings: read once from the environment, validated at start, frozen.

What operators of the help desk configure (accounts, connections, projects) are rows in PostgreSQL;
this is only what a process needs to find its neighbours. Each name is `POSTRAIL_` + section +
`__` + field, for example `POSTRAIL_KAFKA__BOOTSTRAP_SERVERS`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from postrail.errors import ConfigurationError


class Section(BaseModel):
    """One group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Section):
    """Where the broker is, how to log in, and how the topics are made."""

    bootstrap_servers: str = "127.0.0.1:9092"
    # Put before each topic and consumer group, so that several installations share a cluster.
    prefix: str = ""
    # Fixed for life: another number would move mailboxes between partitions.
    partitions: int = Field(default=32, ge=1, le=1000)
    replication: int = Field(default=3, ge=1)
    min_insync_replicas: int = Field(default=2, ge=1)
    retention_days: int = Field(default=30, ge=1)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ca_file: Path | None = None
    session_timeout_seconds: float = Field(default=6.0, gt=0)
    heartbeat_interval_seconds: float = Field(default=1.5, gt=0)
    # How long the broker may take to answer before a send or a commit counts as failed.
    request_timeout_seconds: float = Field(default=30.0, gt=0)
    # How long an empty poll may delay shutdown.
    poll_timeout_seconds: float = Field(default=0.5, gt=0)
    # What one batch of the consumer loop may hold in memory.
    batch_max_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    batch_max_records: int = Field(default=500, ge=1)


class DatabaseSettings(Section):
    """Where PostgreSQL is."""

    url: SecretStr = SecretStr("postgresql://postrail@127.0.0.1:5432/postrail")
    pool_max_size: int = Field(default=6, ge=1)
    connect_timeout_seconds: float = Field(default=10.0, gt=0)
    # A statement that runs longer is cancelled: a forgotten lock must not hold the pipeline.
    statement_timeout_seconds: float = Field(default=60.0, gt=0)
    # PostgreSQL refuses each write; an observer's is always so.
    read_only: bool = False


class BlobSettings(Section):
    """Where large bodies, attachments and archived mails are kept."""

    # file:///folder, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix
    url: str = "file:///var/lib/postrail/blobs"
    # Raw mails are kept here this many days, by day and mailbox; 0: no archive beside Kafka's.
    archive_days: int = Field(default=0, ge=0)


class SecretSettings(Section):
    """The keys that encrypt stored secrets, and where references may point."""

    # 32 bytes in base64, several parted by commas: the first encrypts, all decrypt.
    keys: SecretStr = SecretStr("")
    keys_file: Path | None = None
    # `file:NAME` references are read from this folder only.
    folder: Path | None = None
    # Nothing is revealed, and no key is read; an observer's are always so.
    withheld: bool = False


class ServerSettings(Section):
    """The small HTTP server of each process: /metrics, /healthz, /readyz."""

    host: str = "0.0.0.0"  # noqa: S104  Kubernetes probes and Prometheus come from outside the pod.
    # 0 takes a free port; the process logs which.
    port: int = Field(default=9400, ge=0, le=65535)


class FetcherSettings(Section):
    """How the fetcher reads mailboxes."""

    # A mail whose record would be larger goes to the blob store, and the record names it.
    inline_max_bytes: int = Field(default=900 * 1024, ge=1024, le=1000 * 1024)
    batch_max_mails: int = Field(default=50, ge=1, le=500)
    batch_max_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    threads: int = Field(default=16, ge=1)
    # Microsoft Graph: how often a folder is listed as a whole, for what delta has lost.
    full_listing_seconds: float = Field(default=3600.0, ge=60)
    accounts_reload_seconds: float = Field(default=5.0, gt=0)
    # How often what a mailbox holds is compared with what was read of it.
    reconcile_seconds: float = Field(default=24 * 3600.0, ge=60)


class ParserSettings(Section):
    """How the parser writes bodies and attachments."""

    # A text or HTML body that is larger goes to the blob store, and the record names it.
    inline_max_bytes: int = Field(default=200 * 1024, ge=1024, le=400 * 1024)


class HandlerSettings(Section):
    """How the handler works through its table."""

    batch_max_mails: int = Field(default=50, ge=1, le=500)
    # How long to wait for due mails when none was announced.
    poll_seconds: float = Field(default=0.5, gt=0)
    retry_base_seconds: float = Field(default=30.0, gt=0)
    retry_max_seconds: float = Field(default=3600.0, gt=0)
    # A row without an outcome for longer counts as unaccounted.
    unaccounted_after_seconds: float = Field(default=900.0, gt=0)


class SenderSettings(Section):
    """How the sender delivers."""

    connections: int = Field(default=4, ge=1, le=100)
    batch_max_mails: int = Field(default=50, ge=1, le=500)
    poll_seconds: float = Field(default=0.5, gt=0)
    # A claim on a delivery; the SMTP dialogue must end well before.
    claim_seconds: float = Field(default=120.0, gt=1)
    retry_base_seconds: float = Field(default=60.0, gt=0)
    retry_max_seconds: float = Field(default=4 * 3600.0, gt=0)
    # After this long of 4xx replies or connection faults a delivery has failed (RFC 5321, 4.5.4.1).
    give_up_after_seconds: float = Field(default=5 * 24 * 3600.0, gt=0)


class OutboxSettings(Section):
    """When rows that were not sent right after their transaction are swept up."""

    sweep_seconds: float = Field(default=1.0, gt=0)
    # Younger rows are left to the process that wrote them.
    sweep_after_seconds: float = Field(default=3.0, ge=0)


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="POSTRAIL_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    blobs: BlobSettings = BlobSettings()
    secrets: SecretSettings = SecretSettings()
    server: ServerSettings = ServerSettings()
    fetcher: FetcherSettings = FetcherSettings()
    parser: ParserSettings = ParserSettings()
    handler: HandlerSettings = HandlerSettings()
    sender: SenderSettings = SenderSettings()
    outbox: OutboxSettings = OutboxSettings()
    # What this installation is called; a database belongs to one (see docs/adr/0018).
    instance: str = Field(default="postrail", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    # Looks only: nothing is written to a mailbox, a tracker, an SMTP server or a table.
    observer: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    # The folder of `postrail up`; commands look there for `endpoints.json`.
    data: Path | None = None

    @model_validator(mode="after")
    def _observers_cannot_write(self) -> Settings:
        if self.observer:
            database = self.database.model_copy(update={"read_only": True})
            secrets = self.secrets.model_copy(update={"withheld": True})
            object.__setattr__(self, "database", database)
            object.__setattr__(self, "secrets", secrets)
        return self


def load_settings() -> Settings:
    """Reads the environment; raises ConfigurationError that names each wrong setting."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "POSTRAIL_" + "__".join(str(part).upper() for part in first["loc"])
        raise ConfigurationError(
            f"{name}: {first['msg']}", setting=name, remedy="Correct it in the environment"
        ) from error


def adopt(environment: Mapping[str, str]) -> None:
    """Takes over the settings of a local installation, for this process and those it starts."""
    os.environ.update(environment)
