"""`postrail doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from services.cli.installation import Data, adopted_folder, complete, load
from services.cli.output import Json, clean, console, show_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postrail.doctor import Finding

STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red", "skipped": "yellow"}
FAILED = 1


def doctor(data: Data = None, json: Json = False) -> None:
    """Look at each part that Postrail needs, and say what is wrong and how to mend it.

    Exit code 1 when something is wrong.
    """
    from postrail.clock import SystemClock
    from postrail.doctor.examine import examine

    settings = load(data)
    findings = complete(examine(settings, SystemClock(), _services()))
    if json:
        show_json(findings)
    else:
        show(findings)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(FAILED)


def show(findings: Sequence[Finding]) -> None:
    """One line for each part; setting and remedy below what is wrong."""
    from rich.text import Text

    out = console()
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        mark = Text(f"{finding.state:<8}", STYLES[finding.state])
        out.print(mark + Text(clean(f"{finding.part:<{width}}  {finding.says}")), soft_wrap=True)
        for name, text in (("Setting", finding.setting), ("Remedy", finding.remedy)):
            if text and finding.state in ("wrong", "warning"):
                out.print(Text(clean(f"{'':<8}{'':<{width}}  {name}: {text}")), soft_wrap=True)


def _services() -> Mapping[str, str]:
    """The services of the installation that `postrail up` made, if it is one."""
    from postrail.embedded.endpoints import read_endpoints

    folder = adopted_folder()
    return read_endpoints(folder).services if folder is not None else {}
