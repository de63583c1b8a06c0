"""`postrail blobs`: the blob store, which holds large bodies and attachments."""

from __future__ import annotations

from typing import Annotated

import typer

from postrail.blobs import BlobStore
from postrail.clock_sync.postgres_time import time_of
from postrail.database import open_pool
from postrail.operate import blob_collector
from postrail.operate.blob_collector import CollectReport
from postrail.settings import Settings
from services.cli.data_folder import Data
from services.cli.installation import complete, connected, load, load_to_write
from services.cli.output import Json, show_json

blobs = typer.Typer(no_args_is_help=True)


@blobs.command("collect")
def collect(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be removed; remove nothing.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Remove blobs that no row names and no Kafka record can still name.

    The handler does the same once a day.

    Example: [bold]postrail blobs collect --dry-run[/bold]
    """
    report = complete(_collect(load(data) if dry_run else load_to_write(data), dry_run))
    if json:
        show_json(report)
    else:
        typer.echo(f"{report}.")


async def _collect(settings: Settings, dry_run: bool) -> CollectReport:
    # A single connection fails at once with the reason; the pool would keep trying.
    async with connected(settings) as connection:
        now = await time_of(connection)
        store = BlobStore(settings.blobs.url, create=not dry_run)
    pool = await open_pool(settings.database)
    try:
        return await blob_collector.collect(
            pool,
            store,
            now=now,
            keep=blob_collector.keep_for(settings.kafka),
            dry_run=dry_run,
        )
    finally:
        await pool.close()
