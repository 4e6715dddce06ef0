"""The function in its jail, as a zip and as an image."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import DeployError
from model.engines import ONNX, TorchScript
from tests.gateway import Client
from tests.jail import deployments
from tests.jail.jail import Deployment, Function, running, why_not

LAYOUTS = {ONNX.name: deployments.of_zip, TorchScript.name: deployments.of_image}


@pytest.fixture(scope="session", autouse=True)
def _bubblewrap() -> None:
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory):
    """Return what is deployed for an engine; it is laid out once."""
    made: dict[str, Deployment] = {}

    def layout(engine: str) -> Deployment:
        if engine not in made:
            try:
                made[engine] = LAYOUTS[engine](tmp_path_factory.mktemp("task"))
            except DeployError as error:
                pytest.skip(str(error))
        return made[engine]

    return layout


@pytest.fixture(scope="module", params=LAYOUTS)
def deployment(request: pytest.FixtureRequest, layout) -> Deployment:
    """What is deployed for each engine: the zip for ONNX Runtime, the image for TorchScript."""
    return layout(request.param)


@pytest.fixture(scope="module")
def function(deployment: Deployment, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    """A function with 1,769 MB, which is one processor."""
    with running(deployment, bundle, tmp_path_factory.mktemp("function")) as function:
        yield function


@pytest.fixture
def api(function: Function) -> Client:
    """Sends requests to that function, as an HTTP API does."""
    function.wait_until("ready")
    return Client(function, "2.0")
