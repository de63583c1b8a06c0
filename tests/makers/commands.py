"""Runs commands as a user does, each test in a folder of its own, within the test's process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.cli.app import run

# Runs a command; returns its exit code, output and errors.
Postrail = Callable[..., tuple[int, str, str]]


def commands_in(
    folder: Path,
    environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capture: pytest.CaptureFixture[str] | pytest.CaptureFixture[bytes],
) -> Postrail:
    """Returns a function that runs commands in this folder with this environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)

    def call(*arguments: str) -> tuple[int, str, str]:
        capture.readouterr()
        code = run(arguments)
        output, errors = capture.readouterr()
        return code, text_of(output), text_of(errors)

    return call


def text_of(output: str | bytes) -> str:
    """Returns the output as text; bytes that are not UTF-8 become surrogates."""
    return output if isinstance(output, str) else output.decode(errors="surrogateescape")


def answer(postrail: Postrail, *arguments: str) -> Any:
    """Returns the JSON that a command prints; it has to succeed."""
    code, output, errors = postrail(*arguments, "--json")
    assert code == 0, errors
    return json.loads(output)
