"""Makes the settings of one test, with its own names on shared servers."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

from postrail.settings import Settings

PARTITIONS = 4


def environment_of(
    folder: Path, *, bootstrap_servers: str, database_url: str, prefix: str = ""
) -> dict[str, str]:
    """Returns the POSTRAIL_ variables of a small installation with its blobs in `folder`."""
    blobs = folder / "blobs"
    blobs.mkdir(exist_ok=True)
    return {
        "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
        "POSTRAIL_KAFKA__PREFIX": prefix or f"t{secrets.token_hex(6)}.",
        "POSTRAIL_KAFKA__PARTITIONS": str(PARTITIONS),
        "POSTRAIL_KAFKA__REPLICATION": "1",
        "POSTRAIL_KAFKA__MIN_INSYNC_REPLICAS": "1",
        "POSTRAIL_DATABASE__URL": database_url,
        "POSTRAIL_BLOBS__URL": blobs.as_uri(),
        "POSTRAIL_SECRETS__KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        "POSTRAIL_SERVER__HOST": "127.0.0.1",
        "POSTRAIL_SERVER__PORT": "0",
        # Tests do not wait for bundles, unless they are about them.
        "POSTRAIL_NOTIFICATIONS__BUNDLE_SECONDS": "0",
    }


def settings_of(environment: dict[str, str]) -> Settings:
    """Returns the Settings that a process with these variables would load."""
    sections: dict[str, dict[str, Any]] = {}
    single: dict[str, str] = {}
    for name, value in environment.items():
        section, _, field = name.removeprefix("POSTRAIL_").lower().partition("__")
        if field:
            # As pydantic-settings reads lists.
            read = json.loads(value) if value[:1] == "[" else value
            sections.setdefault(section, {})[field] = read
        else:
            single[section] = value
    return Settings.model_validate(sections | single)
