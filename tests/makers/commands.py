"""Runs commands as a user does, each test in a folder of its own, within the test's process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from services.cli.app import run

# Runs a command; returns its exit code, output and errors.
Postrail = Callable[..., tuple[int, str, str]]


def commands_in(
    folder: Path,
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Postrail:
    """Returns a function that runs commands in this folder with this environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)

    def call(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(arguments)
        output, errors = capfd.readouterr()
        return code, output, errors

    return call
