"""`postrail parse`: the result of the parser for messages in files; it needs no server."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from postrail.errors import PermanentError
from postrail.message_parts import BouncedRecipient
from services.cli.bounced import bounced_lines
from services.cli.output import as_json, console, show_fields, show_texts
from services.parser.report import report_of_file

# The fields that `postrail parse FILE` shows first, in this order; others are only in the JSON.
SHOWN = (
    ("Subject", "subject"),
    ("From", "from"),
    ("Sender", "sender"),
    ("To", "to"),
    ("Cc", "cc"),
    ("Bcc", "bcc"),
    ("Reply-To", "reply_to"),
    ("Delivered to", "delivered_to"),
    ("Date", "date"),
    ("Received", "last_received_at"),
    ("Message-ID", "message_id"),
    ("Conversation", "conversation_id"),
    ("Kind", "kind"),
    ("because of", "kind_reason"),
    ("Charsets", "charsets"),
    ("Defects", "defects"),
    ("Error", "error"),
)

Report = dict[str, object]


def parse(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Files with one message each.")
    ] = None,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help="Print a line of JSON for each file; without files, for each path that is read"
            " from standard input.",
        ),
    ] = False,
) -> None:
    """Parse messages in files and show the result; needs no server.

    Example: [bold]postrail parse message.eml[/bold]
    """
    if not files and not jsonl:
        raise typer.BadParameter("name a file, or give --jsonl and paths on standard input")
    if jsonl:
        _answer_lines(files or (Path(line.rstrip("\n")) for line in sys.stdin))
        return
    for file in files or ():
        _show(file, _report(file))


def _report(file: Path) -> Report:
    try:
        return report_of_file(file)
    except OSError as error:
        problem = f"{file} cannot be read: {error.strerror}"
        raise PermanentError(problem, remedy="Name a file that holds one message") from error


def _answer_lines(files: Iterable[Path]) -> None:
    for file in files:
        try:
            answer = _report(file)
        except PermanentError as error:
            # Each path has its line, so that a missing file does not shift the answers.
            answer = {"error": error.problem}
        sys.stdout.write(as_json(answer) + "\n")
        sys.stdout.flush()


def _show(file: Path, report: Report) -> None:
    show_fields([("File", file), *((title, report[name]) for title, name in SHOWN)])
    show_fields([("Bounced", one) for one in _bounced(report)])
    show_fields([("Attachment", one) for one in _files(report, "attachments")])
    show_fields([("Unpacked", one) for one in _files(report, "unpacked")])
    show_fields([("List", one) for one in _list(report)])
    show_fields([("Signed by", one) for one in _files(report, "signatures")])
    texts = (
        ("Calendar", "calendar"),
        ("New text", "reply_text"),
        ("Quoted", "quoted_text"),
        ("Signature", "signature"),
    )
    show_texts([(title, cast(str, report[name])) for title, name in texts])
    console().print()


def _bounced(report: Report) -> list[str]:
    bounce = cast("dict[str, Any]", report["bounce"])
    recipients = [BouncedRecipient(**one) for one in bounce.get("details", [])]
    status = next(iter(bounce["statuses"]), "") if bounce else None
    return bounced_lines(recipients, status)


def _files(report: Report, name: str) -> list[str]:
    files = cast("list[Report]", report[name])
    return [f"{one['name']} ({one['content_type']}, {one['size']} bytes)" for one in files]


def _list(report: Report) -> list[str]:
    found = cast(Report, report["mailing_list"])
    if not found:
        return []
    leave = ", ".join(cast("list[str]", found["unsubscribe"]))
    list_id = f"<{found['list_id']}>" if found["list_id"] else ""
    name = " ".join(filter(None, [cast(str, found["name"]), list_id]))
    return [", ".join(filter(None, [name, f"to leave: {leave}" if leave else ""]))]
