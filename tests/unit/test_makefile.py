"""What `make` says where something is missing, and that its list is complete."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make on a copy of the Makefile."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder)
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def python_that(folder: Path, behaviour: str) -> Path:
    """A program in place of Python; `behaviour` is shell code that sees the code asked to run."""
    program = folder / "fake-python"
    program.write_text(f'#!/bin/sh\ncase "$2" in\n{behaviour}\nesac\n')
    program.chmod(0o755)
    return program


def test_says_what_to_install_without_the_venv_module(tmp_path: Path) -> None:
    python = python_that(tmp_path, "*ensurepip*) exit 1 ;;\n*) exit 0 ;;")
    done = make(tmp_path, "run", f"PYTHON={python}")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_says_so_when_python_is_too_old(tmp_path: Path) -> None:
    python = python_that(tmp_path, "*version_info*) exit 1 ;;")
    done = make(tmp_path, "check", f"PYTHON={python}")
    assert done.returncode != 0
    assert "Python 3.11 or later" in done.stdout


def test_lists_every_target(tmp_path: Path) -> None:
    listed = re.findall(r"^  make ([a-z-]+)", make(tmp_path).stdout, re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(phony.split())
