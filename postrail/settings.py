"""The deployment's settings: read once from the environment, validated at start, frozen.

Accounts, connections and projects are rows in PostgreSQL; these settings only say how a process
reaches Kafka, PostgreSQL and the blob store. Each name is `POSTRAIL_` + section +
`__` + field, for example `POSTRAIL_KAFKA__BOOTSTRAP_SERVERS`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from postrail.errors import ConfigurationError


class Section(BaseModel):
    """One group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Section):
    """The broker's address, the login, and the parameters of the topics."""

    bootstrap_servers: str = "127.0.0.1:9092"
    # Precedes each topic and consumer group, so that several installations can share a cluster.
    prefix: str = ""
    # Must never change: another number would move mailboxes between partitions.
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
    # A send or a commit fails when the broker has not answered within this time.
    request_timeout_seconds: float = Field(default=30.0, gt=0)
    # How long an empty poll may delay shutdown.
    poll_timeout_seconds: float = Field(default=0.5, gt=0)
    # The most bytes that one batch of the consumer loop may hold in memory.
    batch_max_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    batch_max_records: int = Field(default=500, ge=1)


class DatabaseSettings(Section):
    """The address of PostgreSQL, and its limits."""

    url: SecretStr = SecretStr("postgresql://postrail@127.0.0.1:5432/postrail")
    pool_max_size: int = Field(default=6, ge=1)
    connect_timeout_seconds: float = Field(default=10.0, gt=0)
    # A longer statement is cancelled: a forgotten lock must not stop the pipeline.
    statement_timeout_seconds: float = Field(default=60.0, gt=0)
    # PostgreSQL refuses all writes; always set for an observer.
    read_only: bool = False


class BlobSettings(Section):
    """The store of large bodies, attachments and archived messages."""

    # file:///folder, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix
    url: str = "file:///var/lib/postrail/blobs"
    # Days that raw messages are archived here, by day and mailbox; 0: only Kafka keeps them.
    archive_days: int = Field(default=0, ge=0)


class SecretSettings(Section):
    """The keys that encrypt stored secrets, and the folder that references read."""

    # Keys of 32 bytes in base64, separated by commas: the first encrypts, all decrypt.
    keys: SecretStr = SecretStr("")
    keys_file: Path | None = None
    # `file:NAME` references are read from this folder only.
    folder: Path | None = None
    # Keys are not read and secrets not revealed; always set for an observer.
    withheld: bool = False


class ServerSettings(Section):
    """The small HTTP server of each process: /metrics, /healthz, /readyz."""

    host: str = "0.0.0.0"  # noqa: S104  Kubernetes probes and Prometheus come from outside the pod.
    # 0 takes a free port, which the process logs.
    port: int = Field(default=9400, ge=0, le=65535)


class FetcherSettings(Section):
    """The limits and intervals of the fetcher."""

    # A message whose record would be larger is put into the blob store, and the record names it.
    inline_max_bytes: int = Field(default=900 * 1024, ge=1024, le=1000 * 1024)
    batch_max_mails: int = Field(default=50, ge=1, le=500)
    batch_max_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    threads: int = Field(default=16, ge=1)
    # Microsoft Graph: the interval of full listings, which find messages that delta has lost.
    full_listing_seconds: float = Field(default=3600.0, ge=60)
    accounts_reload_seconds: float = Field(default=5.0, gt=0)
    # The interval at which a mailbox is compared with the messages that were read from it.
    reconcile_seconds: float = Field(default=24 * 3600.0, ge=60)
    # The pauses, in hours, after which a message is asked for again that its server did not
    # deliver; the last one repeats. The first ones are short, since a server may be busy with a
    # message: Exchange serves stand-ins for those that it still scans.
    parked_pause_hours: tuple[Annotated[float, Field(gt=0, le=8760)], ...] = Field(
        default=(0.25, 1, 6, 24, 48, 96, 192, 384), min_length=1
    )
    # The interval at which records that Kafka has lost are looked for.
    lost_records_seconds: float = Field(default=15.0, gt=0)


class ParserSettings(Section):
    """The limits of the parser."""

    # A larger text or HTML body is put into the blob store, and the record names it.
    inline_max_bytes: int = Field(default=200 * 1024, ge=1024, le=400 * 1024)


class HandlerSettings(Section):
    """The limits and intervals of the handler."""

    batch_max_mails: int = Field(default=50, ge=1, le=500)
    # The most bytes that the texts of one batch may have; each counts once more for each person who
    # is notified of it. The process needs a few times as much memory.
    batch_max_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    # The interval at which due messages are looked up without an announcement.
    poll_seconds: float = Field(default=0.5, gt=0)
    retry_base_seconds: float = Field(default=30.0, gt=0)
    retry_max_seconds: float = Field(default=3600.0, gt=0)
    # A message fails when it alone has met a limit of PostgreSQL (such as statement_timeout) this
    # many times, with growing pauses: by default within about four hours.
    limit_tries: int = Field(default=10, ge=1)
    # A row that has no outcome after this time counts as unaccounted.
    unaccounted_after_seconds: float = Field(default=900.0, gt=0)
    # A message whose mail account is not configured waits for it this long; then it fails.
    missing_account_days: float = Field(default=14.0, gt=0, le=3650)

    @property
    def missing_account_wait(self) -> timedelta:
        """Returns how long a message waits for its mail account."""
        return timedelta(days=self.missing_account_days)


class NotificationSettings(Section):
    """The limits of what people are sent."""

    # A notification holds at most this many characters of a comment, and names the issue, which has
    # all of it.
    excerpt_max_characters: int = Field(default=20_000, ge=100, le=100_000)
    # The first event of an issue goes to each person at once; those of the next seconds are bundled
    # into one message. 0: every event is a message of its own.
    bundle_seconds: int = Field(default=60, ge=0, le=3600)
    # The files of a letter may have this many bytes together: a sender has all of them in memory,
    # several times, for each channel.
    letter_files_max_bytes: int = Field(default=50_000_000, ge=0, le=500_000_000)


class SenderSettings(Section):
    """The limits and intervals of the sender."""

    connections: int = Field(default=4, ge=1, le=100)
    batch_max_mails: int = Field(default=50, ge=1, le=500)
    poll_seconds: float = Field(default=0.5, gt=0)
    # The duration of a claim on a delivery; the SMTP dialogue must end well before.
    claim_seconds: float = Field(default=120.0, gt=1)
    # The pauses after 4xx replies and connection faults; the last one is repeated.
    retry_pauses_seconds: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(60.0, 300.0, 900.0, 3600.0), min_length=1
    )
    # A delivery fails after 4xx replies or connection faults for this long (RFC 5321, 4.5.4.1).
    give_up_after_seconds: float = Field(default=5 * 24 * 3600.0, gt=0)
    # An attempt without a reply to the final dot is repeated this many times; then the delivery
    # waits as unconfirmed for a person. The first repetition waits for the pause, the next for
    # twice as long.
    unknown_repeats: int = Field(default=2, ge=0, le=20)
    unknown_pause_seconds: float = Field(default=3600.0, gt=0)
    # Is told, beside the people of the project, of messages that failed for good, and of mail
    # servers that have been unavailable for an hour.
    alert_address: str = ""
    # Alerts are posted there as JSON, over https. The address is a secret.
    alert_webhook: SecretStr = SecretStr("")
    # The certificates that it is trusted by; without a file, those of the system.
    alert_webhook_ca_file: Path | None = None
    # Further certificates that the systems of callbacks are trusted by, beside the system's.
    callback_ca_file: Path | None = None

    @field_validator("alert_webhook")
    @classmethod
    def _over_tls(cls, given: SecretStr) -> SecretStr:
        parts = urlsplit(given.get_secret_value())
        if given.get_secret_value() and (parts.scheme != "https" or not parts.hostname):
            raise ValueError("it must be an address that begins with https://")
        return given


class OutboxSettings(Section):
    """The intervals of the sweeper, which sends rows that their own process has not sent."""

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
    notifications: NotificationSettings = NotificationSettings()
    sender: SenderSettings = SenderSettings()
    outbox: OutboxSettings = OutboxSettings()
    # The name of this installation, which owns its database (see docs/adr/0018).
    instance: str = Field(default="postrail", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    # Reads only: never writes to a mailbox, a tracker, an SMTP server or a table.
    observer: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    # The folder of `postrail up`; commands read `endpoints.json` there.
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
    """Applies the settings of a local installation to this process and its children."""
    os.environ.update(environment)
