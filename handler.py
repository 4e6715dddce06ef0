"""Lambda entry point: loads the model while Lambda initialises, then passes each event to the API."""

# ruff: noqa: E402

from functools import partial
from typing import Any

from model.prefetch import Prefetch
from model.settings import Settings

settings = Settings.read()
# The download starts before the slow imports below.
prefetch = Prefetch(settings)

from flask import Flask

from api import ModelLoader, Telemetry, create_app, gateway, load_from_settings
from api.errors import ModelUnavailableError
from api.telemetry import Handler


def create_handler(app: Flask, model: ModelLoader, telemetry: Telemetry) -> Handler:
    """Return a Lambda handler: `app` answers requests, and a scheduler's event keeps `model` loaded."""

    def handle(event: Any, context: Any) -> dict[str, Any]:
        if gateway.is_request(event):
            return gateway.answer(app, event, context)
        if gateway.is_warmer(event):
            telemetry.count("Warmups")
            return {"warm": warm_up(model, telemetry)}
        telemetry.count("UnknownEvents")
        return gateway.refuse(context.aws_request_id)

    return telemetry.watch(handle)


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
model = ModelLoader(partial(load_from_settings, settings, prefetch.download))
app = create_app(model, telemetry)
lambda_handler = create_handler(app, model, telemetry)

if settings.in_lambda:
    warm_up(model, telemetry)
