"""Jars that match the manifest need no network; missing or damaged ones are downloaded again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from postrail.embedded import java
from postrail.embedded.greenmail import GREENMAIL, GreenMail
from postrail.errors import ConfigurationError, TransientError

PROGRAM = java.JavaProgram("Demo 1.0", "org.example:demo:1.0", "org.example.Main")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / PROGRAM.slug
    folder.mkdir()
    (folder / "demo.jar").write_bytes(b"1234")
    manifest = {"endpoint": PROGRAM.endpoint, "jars": {"demo.jar": 4}}
    (tmp_path / f"{PROGRAM.slug}.json").write_text(json.dumps(manifest))
    return tmp_path


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects the endpoints to resolve; each download fails as it does offline."""
    asked: list[str] = []

    class Offline:
        returncode = 1

        def __init__(self, command: list[str], **options: Any) -> None:
            asked.append(command[-3])
            options["stdout"].write(b"no route to host")

        def wait(self, timeout: float | None = None) -> int:
            return 1

        def kill(self) -> None:
            pass

    monkeypatch.setattr(subprocess, "Popen", Offline)
    return asked


def test_a_whole_manifest_needs_no_network(cache: Path, network: list[str]) -> None:
    assert java.jars(PROGRAM, cache) == (cache / PROGRAM.slug / "demo.jar",)
    assert network == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda cache: (cache / PROGRAM.slug / "demo.jar").unlink(),
        # A full disk may leave a partial file.
        lambda cache: (cache / PROGRAM.slug / "demo.jar").write_bytes(b"12"),
        lambda cache: (cache / f"{PROGRAM.slug}.json").unlink(),
        lambda cache: (cache / f"{PROGRAM.slug}.json").write_text("{"),
    ],
    ids=["missing jar", "half a jar", "no manifest", "half a manifest"],
)
def test_a_damaged_cache_is_downloaded_and_a_failed_download_explained(
    cache: Path, network: list[str], damage: Any
) -> None:
    damage(cache)
    lines: list[str] = []
    with pytest.raises(TransientError, match="no route to host") as raised:
        java.jars(PROGRAM, cache, lines.append)
    assert "Maven Central" in raised.value.remedy
    assert network == [PROGRAM.endpoint] * java.RESOLVE_ATTEMPTS
    assert lines == ["Demo 1.0: fetching its jars from Maven Central, this first time only"]


def test_another_version_is_not_taken_from_the_manifest(cache: Path, network: list[str]) -> None:
    newer = java.JavaProgram("Demo 1.0", "org.example:demo:1.1", "org.example.Main")
    with pytest.raises(TransientError):
        java.jars(newer, cache)
    assert set(network) == {"org.example:demo:1.1"}


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "NEEDED_MODULES", ("json", "no_such_module"))
    with pytest.raises(ConfigurationError, match="no_such_module") as raised:
        java.require_modules()
    assert "postrail[embedded]" in raised.value.remedy


@pytest.mark.parametrize("address", ["no-domain", "@example.org", "a,b@example.org"])
def test_an_address_that_greenmail_cannot_take_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a user"):
        GreenMail(tmp_path, [], smtp_port=1, imap_port=2, api_port=3, users={address: "secret"})
    assert GREENMAIL.slug == "greenmail-2.1.13"
