"""The file of endpoints is read as it was written, and gives the settings of the services."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from postrail.embedded.endpoints import ENDPOINTS_FILE, Endpoints, read_endpoints
from postrail.errors import ConfigurationError
from tests.makers.settings import settings_of

ENDPOINTS = Endpoints(
    data="/data",
    kafka="127.0.0.1:20001",
    database_url="postgresql://postrail:pass@127.0.0.1:20002/postrail",
    blobs_url="file:///data/blobs",
    keys_file="/data/secret.keys",
    ports={"kafka": 20001, "postgres": 20002},
)


def test_endpoints_are_read_as_written(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text(json.dumps(asdict(ENDPOINTS)))
    assert read_endpoints(tmp_path) == ENDPOINTS


def test_endpoints_of_an_earlier_release_set_no_name() -> None:
    assert "POSTRAIL_INSTANCE" not in ENDPOINTS.environment()


def test_a_folder_without_endpoints_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no installation") as raised:
        read_endpoints(tmp_path)
    assert "postrail up" in raised.value.remedy


@pytest.mark.parametrize("text", ["{", '{"kafka": "only"}', '{"unknown": 1}'])
def test_broken_endpoints_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text(text)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_endpoints(tmp_path)


def test_the_environment_is_what_settings_know() -> None:
    environment = ENDPOINTS.environment()
    del environment["POSTRAIL_DATA"]
    settings = settings_of(environment)
    assert settings.kafka.bootstrap_servers == ENDPOINTS.kafka
    assert settings.kafka.replication == settings.kafka.min_insync_replicas == 1
    assert settings.database.url.get_secret_value() == ENDPOINTS.database_url
    assert settings.secrets.keys_file == Path("/data/secret.keys")
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 0)


def test_the_name_of_the_installation_is_a_setting() -> None:
    named = Endpoints(**{**asdict(ENDPOINTS), "instance": "local-1"})
    assert settings_of(named.environment()).instance == "local-1"
