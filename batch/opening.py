"""Opens the source at a location."""

from pathlib import Path

from batch.inventory import MANIFEST, InventorySource
from batch.sources import BucketSource, FolderSource, Source
from model.storage import Connect


def source_at(location: str, connect: Connect | None = None) -> Source:
    """Return the photos in a folder, under "s3://bucket/prefix", or of the inventory "s3://bucket/…/manifest.json".

    Raises:
        SourceError: the inventory cannot be used.
        BatchError: the location has another form, or S3 cannot be reached or refuses.
    """
    if location.startswith("s3://"):
        kind = InventorySource if location.endswith(f"/{MANIFEST}") else BucketSource
        return kind(location, connect)
    return FolderSource(Path(location))
