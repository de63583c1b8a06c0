"""Puts `services` into the wheel as `postrail_services`, as anyone may install a `services`."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "postrail_services"
# The sources name the package in import statements only; elsewhere they use `__name__`.
IMPORT = re.compile(r"^(\s*(?:from|import) )services\b", re.MULTILINE)


class WheelServices(BuildHookInterface):  # type: ignore[type-arg]
    """Copies the services, renames the package in their imports, and adds the copy."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the copy to a wheel; an editable one uses the repository's own `services`."""
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp())
        copy = self._folder / PACKAGE
        shutil.copytree(
            Path(self.root) / "services", copy, ignore=shutil.ignore_patterns("__pycache__")
        )
        for source in copy.rglob("*.py"):
            text = source.read_text(encoding="utf-8")
            source.write_text(IMPORT.sub(rf"\1{PACKAGE}", text), encoding="utf-8")
        build_data["force_include"][str(copy)] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the copy."""
        if version != "editable":
            shutil.rmtree(self._folder)
