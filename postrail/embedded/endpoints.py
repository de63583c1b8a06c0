"""The addresses of an installation's servers, in the file `endpoints.json` of its data folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from postrail.embedded.ports import LOOPBACK
from postrail.errors import ConfigurationError

ENDPOINTS_FILE = "endpoints.json"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The addresses of an installation's servers; all on loopback."""

    data: str
    kafka: str
    database_url: str
    blobs_url: str
    keys_file: str
    # The name of the installation; blank in files of earlier releases.
    instance: str = ""
    smtp_host: str = ""
    smtp_port: int = 0
    imap_host: str = ""
    imap_port: int = 0
    mail_api_url: str = ""
    # The port of each server, to use the same ones next time.
    ports: Mapping[str, int] = field(default_factory=dict)
    # The /metrics address of each service.
    services: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Returns the settings of the services, as environment variables."""
        name = {"POSTRAIL_INSTANCE": self.instance} if self.instance else {}
        return {
            **name,
            "POSTRAIL_DATA": self.data,
            "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS": self.kafka,
            "POSTRAIL_KAFKA__REPLICATION": "1",
            "POSTRAIL_KAFKA__MIN_INSYNC_REPLICAS": "1",
            "POSTRAIL_DATABASE__URL": self.database_url,
            "POSTRAIL_BLOBS__URL": self.blobs_url,
            "POSTRAIL_SECRETS__KEYS_FILE": self.keys_file,
            "POSTRAIL_SERVER__HOST": LOOPBACK,
            "POSTRAIL_SERVER__PORT": "0",
        }


def read_endpoints(folder: Path) -> Endpoints:
    """Reads the endpoints that the last start wrote; raises ConfigurationError without them."""
    path = folder / ENDPOINTS_FILE
    try:
        return Endpoints(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{folder} holds no installation ({ENDPOINTS_FILE} is missing)",
            remedy="Start one there: postrail up --data " + str(folder),
            setting="POSTRAIL_DATA",
        ) from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", remedy="Remove it; the next start writes it again"
        ) from error
