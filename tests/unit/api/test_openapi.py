"""The contract says what the API does, and the API does what it says."""

import copy
import json

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from api import ModelLoader, Telemetry, create_app
from api.errors import PROBLEMS
from api.openapi import openapi
from model.version import VERSION
from preprocess.errors import NoFaceError
from preprocess.formats import FORMATS

BOOKKEEPING = {"HEAD", "OPTIONS"}


@pytest.fixture(scope="module")
def document():
    return openapi()


@pytest.fixture(scope="module")
def check(document):
    """Validate a value against a schema of the contract; members that the schema does not name are errors."""
    strict = copy.deepcopy(document["components"])
    for schema in strict["schemas"].values():
        _close(schema)

    def check(value, schema):
        OAS31Validator({"$ref": f"#/components/schemas/{schema}", "components": strict}).validate(value)

    return check


def _close(schema):
    if isinstance(schema, dict):
        if "properties" in schema:
            schema["additionalProperties"] = False
        for inner in list(schema.values()):
            _close(inner)


def test_the_contract_is_sound_openapi(document):
    validate(document)


def test_the_contract_is_what_the_api_answers(client, document):
    assert client.get("/openapi.json").json == document


def test_the_contract_names_the_version_and_every_accepted_format(document):
    assert document["info"]["version"] == VERSION
    text = json.dumps(document)
    listed = [example for example in text.split('"detail": "') if "in an accepted format" in example]
    assert listed
    assert all(name in example for example in listed for name in FORMATS.values())


def test_every_route_is_in_the_contract_and_nothing_else(document):
    app = create_app(ModelLoader(None), Telemetry())
    routes = {(rule.rule, method) for rule in app.url_map.iter_rules() for method in rule.methods - BOOKKEEPING}
    listed = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert routes == listed


def test_every_example_fits_its_schema(document, check):
    for response in _responses(document):
        for media in response.get("content", {}).values():
            schema = media["schema"].get("$ref", "").rpartition("/")[2]
            examples = [media["example"]] if "example" in media else []
            examples += [example["value"] for example in media.get("examples", {}).values()]
            for example in examples:
                check(example, schema)


def test_every_problem_with_a_photo_is_in_the_contract(document):
    listed = {
        example["value"]["type"]
        for response in _responses(document)
        for media in response.get("content", {}).values()
        for example in media.get("examples", {}).values()
    }
    addresses = {"not-found", "method-not-allowed", "bad-request"}
    assert listed == {problem.type for problem in PROBLEMS.values() if problem.name not in addresses}


def test_answers_fit_their_schemas(client, check):
    check(client.upload(b"photo").json, "Recognition")
    check(client.upload(b"photo", path="/detect").json, "Detection")
    check(client.get("/labels").json, "Labels")
    check(client.get("/health").json, "Health")


def test_problems_fit_their_schema(client, check, recognizer):
    recognizer.error = NoFaceError("none")
    for answer in (client.get("/nowhere"), client.post("/recognize"), client.upload(b"photo")):
        check(answer.json, "Problem")


def _responses(document):
    return [
        response
        for item in document["paths"].values()
        for operation in item.values()
        for response in operation["responses"].values()
    ]
