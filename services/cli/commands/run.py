"""`postrail run`: one service as this process."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from services import module_of
from services.cli.data_folder import Data
from services.cli.installation import load


class Service(StrEnum):
    """The services that `postrail run` starts."""

    FETCHER = "fetcher"
    PARSER = "parser"
    HANDLER = "handler"
    SENDER = "sender"
    MONITOR = "monitor"


def run(
    service: Annotated[Service, typer.Argument(metavar="SERVICE", help="The service to run.")],
    data: Data = None,
) -> None:
    """Run one service in the foreground, until Ctrl-C or SIGTERM.

    Example: [bold]postrail run handler[/bold]
    """
    load(data)
    arguments = [sys.executable, "-m", module_of(service.value)]
    sys.stdout.flush()
    os.execv(sys.executable, arguments)  # noqa: S606  This process becomes the service.
