"""`postrail issues attachments`: the files of an issue and its comments."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Annotated

import typer

from postrail.blobs import BlobStore
from postrail.errors import ConfigurationError, PermanentError
from postrail.operate.files.save import SavedFile, chosen_files, save_files
from postrail.operate.issues.attach import NewFile, attach
from postrail.settings import Settings
from postrail.views.issue_detail import AttachmentRow, attachments_of
from services.cli.commands.issues.desk import Author, at_desk
from services.cli.commands.issues.group import Key, issues
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write
from services.cli.output import Json, show_json, show_table
from services.cli.visible import clean

# A file is in memory while it is stored.
FILE_MAX_MIB = 50
FILE_MAX_BYTES = FILE_MAX_MIB * 1024 * 1024

attachments = typer.Typer(no_args_is_help=True)
issues.add_typer(attachments, name="attachments", help="List, add and save the files of an issue.")


@attachments.command("list")
def list_attachments(key: Key, data: Data = None, json: Json = False) -> None:
    """List the files of an issue and its comments.

    Example: [bold]postrail issues attachments list HELP-1[/bold]
    """
    _, found = complete(_files(load(data), key.upper()))
    if json:
        show_json(found)
        return
    show_table(
        ["Id", "Name", "Type", "Bytes", "Comment", "SHA-256"],
        [
            (row.attachment_id, row.name, row.content_type, row.size, row.comment_id, row.sha256)
            for row in found
        ],
        empty="No files.",
    )


@attachments.command("save")
def save_attachments(
    key: Key,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Ids or names of files.", show_default="all"),
    ] = None,
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="The folder to save them in.")
    ] = Path(),
    data: Data = None,
    json: Json = False,
) -> None:
    """Save files of an issue in a folder; existing files are never replaced.

    Example: [bold]postrail issues attachments save HELP-1 --to help-1[/bold]
    """
    saved = complete(_saved(load(data), key.upper(), files or [], to))
    if json:
        show_json(saved)
    elif not saved:
        typer.echo("No files.")
    else:
        for one in saved:
            typer.echo(clean(f"Saved {one.path}" if one.path else f"{one.name}: {one.problem}"))
    failed = [one for one in saved if one.problem]
    if failed:
        raise PermanentError(
            f"{len(failed)} of {len(saved)} files could not be saved",
            remedy="Restore the blobs that are named above into the blob store",
        )


@attachments.command("add")
def add_attachments(
    key: Key,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The files to attach.")],
    author: Author = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Attach files of up to 50 MiB each to an issue.

    Example: [bold]postrail issues attachments add HELP-1 plan.pdf[/bold]
    """
    blobs = BlobStore(load_to_write(data).blobs.url)
    new = [NewFile(path.name, content_of(path)) for path in files]
    done = at_desk(data, author, lambda desk, actor: attach(desk, actor, key.upper(), new, blobs))
    if json:
        show_json(done)
        return
    for attachment_id, one in done.files:
        typer.echo(clean(f"Attached {one.name} to {done.issue_key} as file {attachment_id}."))


def content_of(path: Path) -> bytes:
    """Returns the content of a file; raises ConfigurationError, also for a device or a pipe."""
    try:
        # Others may never end, or never begin.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(f"{path} is not a regular file", remedy="Name a file")
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", remedy="Name a file that you may read"
        ) from error
    if len(content) > FILE_MAX_BYTES:
        raise ConfigurationError(
            f"{path} has more than {FILE_MAX_MIB} MiB",
            remedy="Attach parts of it, or name its place in a comment",
        )
    return content


async def _files(settings: Settings, key: str) -> tuple[str, list[AttachmentRow]]:
    async with connected(settings) as connection:
        return await attachments_of(connection, key)


async def _saved(settings: Settings, key: str, wanted: list[str], folder: Path) -> list[SavedFile]:
    key, found = await _files(settings, key)
    files = chosen_files(found, wanted, key)
    return await save_files(files, folder, BlobStore(settings.blobs.url))
