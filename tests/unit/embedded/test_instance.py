"""The data folder: who holds it, what its endpoints say, and its secret key."""

from __future__ import annotations

import base64
import json
import os
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from postrail.embedded import postgres
from postrail.embedded.instance import (
    ENDPOINTS_FILE,
    Endpoints,
    lock_folder,
    read_endpoints,
    write_keys_file,
    write_name_file,
)
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


def test_a_folder_has_one_holder_and_says_who(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        with pytest.raises(ConfigurationError) as raised:
            lock_folder(tmp_path)
        assert f"process {os.getpid()} since 20" in raised.value.problem
        assert "--data" in raised.value.remedy
    lock_folder(tmp_path).close()


def test_endpoints_are_read_as_written(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text(json.dumps(asdict(ENDPOINTS)))
    assert read_endpoints(tmp_path) == ENDPOINTS


def test_a_folder_has_a_name_for_good_that_no_other_one_has(tmp_path: Path) -> None:
    for name in ("one", "one", "two"):
        write_name_file(tmp_path / name)
    one, two = (tmp_path / name for name in ("one", "two"))
    assert one.read_text() != two.read_text()
    before = one.read_text()
    write_name_file(one)
    assert one.read_text() == before
    named = Endpoints(**{**asdict(ENDPOINTS), "instance": before.strip()})
    assert settings_of(named.environment()).instance == before.strip()


def test_endpoints_of_an_earlier_release_leave_the_name_alone() -> None:
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


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"
    write_keys_file(path)
    first = path.read_text()
    write_keys_file(path)
    assert path.read_text() == first
    assert len(base64.b64decode(first)) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_closed_folders_on_the_way_are_found(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    found = postgres.closed_folders([inner])
    assert tmp_path / "closed" in found
    assert inner not in found


def test_root_without_the_capability_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres.os, "geteuid", lambda: 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(postgres, "_permitted_capabilities", lambda: 0)
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigurationError, match="no other user may enter") as raised:
        postgres.run_as_other_user(tmp_path)
    assert "--data" in raised.value.remedy


def test_root_without_setpriv_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres.os, "geteuid", lambda: 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(postgres.shutil, "which", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="setpriv") as raised:
        postgres.run_as_other_user(tmp_path)
    assert "util-linux" in raised.value.remedy
