"""`postrail connections`: the mail servers that send our messages."""

from __future__ import annotations

import typer

from services.cli.commands.connections.test import check_connection, send_test_message

connections = typer.Typer(no_args_is_help=True)

connections.command("test")(check_connection)
connections.command("send-test")(send_test_message)
