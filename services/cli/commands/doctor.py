"""`postrail doctor`: a check of every part of the installation, with remedies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer
from rich.text import Text

from postrail.clock import SystemClock
from postrail.doctor import Finding
from postrail.doctor.examine import examine
from postrail.embedded.endpoints import read_endpoints
from services.cli.data_folder import Data, adopted_folder
from services.cli.installation import complete, load
from services.cli.output import Json, console, show_json
from services.cli.visible import clean

STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red", "skipped": "yellow"}
FAILED = 1


def doctor(data: Data = None, json: Json = False) -> None:
    """Check every part of the installation; suggest fixes.

    Exit code 1 when something is wrong.
    """
    settings = load(data)
    findings = complete(examine(settings, SystemClock(), _services()))
    if json:
        show_json(findings)
    else:
        show(findings)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(FAILED)


def show(findings: Sequence[Finding]) -> None:
    """Prints a line for each part; below a problem its setting and remedy."""
    out = console()
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        mark = Text(f"{finding.state:<8}", STYLES[finding.state])
        out.print(mark + Text(clean(f"{finding.part:<{width}}  {finding.says}")), soft_wrap=True)
        for name, text in (("Setting", finding.setting), ("Remedy", finding.remedy)):
            if text and finding.state in ("wrong", "warning"):
                out.print(Text(clean(f"{'':<8}{'':<{width}}  {name}: {text}")), soft_wrap=True)


def _services() -> Mapping[str, str]:
    """Returns the addresses of the services that `postrail up` runs, if it does."""
    folder = adopted_folder()
    return read_endpoints(folder).services if folder is not None else {}
