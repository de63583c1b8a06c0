"""The other user that PostgreSQL runs as when the tests, or an installation, run as root."""

from __future__ import annotations

from pathlib import Path

import pytest

from postrail.embedded import run_as
from postrail.errors import ConfigurationError


def test_closed_folders_above_a_path_are_found(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    found = run_as.closed_folders([inner])
    assert tmp_path / "closed" in found
    assert inner not in found


def test_root_without_the_capability_gets_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_as.os, "geteuid", lambda: 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(run_as, "_permitted_capabilities", lambda: 0)
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigurationError, match="no other user may enter") as raised:
        run_as.run_as_other_user(tmp_path, tmp_path / "postgres")
    assert "--data" in raised.value.remedy


def test_root_without_setpriv_gets_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_as.os, "geteuid", lambda: 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(run_as.shutil, "which", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="setpriv") as raised:
        run_as.run_as_other_user(tmp_path, tmp_path / "postgres")
    assert "util-linux" in raised.value.remedy
