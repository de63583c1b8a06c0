"""`postrail blobs`: the blob store, and what nothing names any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.installation import Data, complete, connected, load, load_to_write
from services.cli.output import Json, show_json

if TYPE_CHECKING:
    from postrail.operate.blob_collector import CollectReport
    from postrail.settings import Settings

blobs = typer.Typer(
    name="blobs", no_args_is_help=True, help="Large bodies and attachments in the blob store."
)


@blobs.callback()
def _blobs() -> None:
    """Large bodies and attachments in the blob store."""


@blobs.command("collect")
def collect(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be removed, and remove nothing.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Remove blobs that nothing names and no record can name any more.

    The handler does the same once a day. Example: [bold]postrail blobs collect --dry-run[/bold]
    """
    report = complete(_collect(load(data) if dry_run else load_to_write(data), dry_run))
    if json:
        show_json(report)
    else:
        typer.echo(f"{report}.")


async def _collect(settings: Settings, dry_run: bool) -> CollectReport:
    from postrail.blobs import BlobStore
    from postrail.clock import SystemClock
    from postrail.database import open_pool
    from postrail.operate import blob_collector as collector

    # A single connection tells at once why there is none; the pool would go on trying.
    async with connected(settings):
        store = BlobStore(settings.blobs.url)
    pool = await open_pool(settings.database)
    try:
        return await collector.collect(
            pool,
            store,
            now=SystemClock().now(),
            keep=collector.keep_for(settings.kafka),
            dry_run=dry_run,
        )
    finally:
        await pool.close()
