"""What a process of the second function keeps from one call to the next: the loaded model, and connections."""

from typing import TYPE_CHECKING

from batch.contract import Header
from batch.opening import source_at
from batch.sources import Source
from batch.storage import Storage, storage_at
from model import bundle as bundles
from model.bundle import Manifest
from model.rosters import Rosters
from model.settings import Settings
from model.storage import Connect

if TYPE_CHECKING:
    from model.recognizer import Recognizer


class Serving:
    """The model that the last call needed, with the people of the roster, and the places that it worked with."""

    def __init__(self, settings: Settings, connect: Connect | None = None) -> None:
        """Serve the models beside the one that `settings` name, by their versions; `connect` makes clients of S3."""
        self._settings, self._connect = settings, connect
        self._model: Recognizer | None = None
        self._rosters: Rosters | None = None
        self._outputs: dict[str, Storage] = {}
        self._sources: dict[str, Source] = {}

    def model(self, header: Header) -> "Recognizer":
        """Return the model of an output, which knows the people of the newest roster.

        Raises:
            BundleError: there is no usable bundle of that version.
            RosterError, SharedError: the roster cannot be read.
        """
        if self._model is None or self._model.version != header.model:
            self._model = self._loaded(header.model)
            self._rosters = Rosters(self._settings, lambda _: None)
        if self._rosters is not None and self._settings.roster:
            self._rosters.require(self._model)
        return self._model

    def version(self) -> str:
        """Return the version of the model that this stage serves."""
        return (self._settings.location or "").rstrip("/").rpartition("/")[2]

    def manifest(self) -> Manifest:
        """Return the manifest of the model that this stage serves; it raises what `model` does."""
        return bundles.load(self._location(self.version()), files=()).manifest

    def output(self, location: str) -> Storage:
        """Return the storage of an output; it raises what `batch.storage.storage_at` does."""
        if location not in self._outputs:
            self._outputs[location] = storage_at(location, self._connect)
        return self._outputs[location]

    def source(self, location: str) -> Source:
        """Return a source; it raises what `batch.opening.source_at` does."""
        if location not in self._sources:
            self._sources[location] = source_at(location, self._connect)
        return self._sources[location]

    def close(self) -> None:
        """Close all connections."""
        for output in self._outputs.values():
            output.close()
        for source in self._sources.values():
            source.close()

    def _location(self, version: str) -> str:
        models = (self._settings.location or "").rstrip("/").rpartition("/")[0]
        return f"{models}/{version}"

    def _loaded(self, version: str) -> "Recognizer":
        from model.recognizer import Recognizer  # noqa: PLC0415  # torch takes a second; planning needs none

        return Recognizer.load(self._location(version), self._settings)
