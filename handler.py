"""Lambda entry point: loads the model while Lambda initialises, then passes each event to the API."""

# ruff: noqa: E402

from functools import partial
from typing import Any

from model.errors import SnapshotError
from model.prefetch import Prefetch
from model.settings import Settings

settings = Settings.read()
# The download starts before the slow imports below.
prefetch = Prefetch(settings)

from flask import Flask

from api import ModelLoader, Telemetry, create_app, gateway, guard_for, load_for_snapshot, load_from_settings
from api.errors import ModelUnavailableError
from api.telemetry import Handler
from model.rosters import Rosters
from model.uploads import Uploads


def create_handler(app: Flask, model: ModelLoader, telemetry: Telemetry) -> Handler:
    """Return a Lambda handler: `app` answers requests, and a scheduler's event keeps `model` loaded."""

    def handle(event: Any, context: Any) -> dict[str, Any]:
        if gateway.is_request(event):
            return gateway.answer(app, event, context)
        if gateway.is_warmer(event):
            telemetry.count("Warmups")
            return warmth(model, telemetry)
        telemetry.count("UnknownEvents")
        return gateway.refuse(context.aws_request_id)

    return telemetry.watch(handle)


def initialise(model: ModelLoader, telemetry: Telemetry, *, for_snapshot: bool) -> None:
    """Load the model before the first request.

    Raises:
        SnapshotError: Lambda would take a snapshot without the model. It then publishes no version, and the deployment
            fails. With such a snapshot, every start would have to load the model.
    """
    if not warm_up(model, telemetry) and for_snapshot:
        raise SnapshotError(
            "The model cannot be loaded, so there must be no snapshot. The log line above has the reason."
        )


def warmth(model: ModelLoader, telemetry: Telemetry) -> dict[str, Any]:
    """Load the model if it is not loaded. Say which one it is, and whether it was loaded before this event."""
    was_loaded = model.loaded
    if not warm_up(model, telemetry):
        return {"warm": False}
    loaded = model.get()
    return {"warm": True, "was_warm": was_loaded, "version": loaded.version, "engine": loaded.engine.name}


def warm_up(model: ModelLoader, telemetry: Telemetry) -> bool:
    """Load the model and return whether that succeeded. A failure is logged, and a later request tries again."""
    try:
        loaded = model.get()
    except ModelUnavailableError as error:
        telemetry.model_unavailable(error.__cause__)
        return False
    telemetry.model_ready(loaded.version, loaded.startup_ms)
    return True


telemetry = Telemetry(settings)
load = partial(load_from_settings, settings, prefetch.download)
model = ModelLoader(partial(load_for_snapshot, load) if settings.for_snapshot else load)
guard = guard_for(settings.access, telemetry.keys_unavailable)
rosters = Rosters(settings, telemetry.roster_unavailable, prefetch.roster)
uploads = Uploads(settings.uploads) if settings.uploads else None
app = create_app(model, telemetry, uploads, guard, rosters)
lambda_handler = create_handler(app, model, telemetry)

if settings.in_lambda:
    guard.prepare()
    initialise(model, telemetry, for_snapshot=settings.for_snapshot)
    if settings.for_snapshot:
        rosters.prepare(model.get())
