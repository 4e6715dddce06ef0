"""The contract says what the API does, and the API does what it says."""

import copy
import json

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from api import ModelLoader, Telemetry, create_app, guard_for
from api.access import route_of
from api.errors import PROBLEMS
from api.openapi import openapi
from model.settings import AccessSettings
from model.version import VERSION
from preprocess.errors import NoFaceError
from preprocess.formats import FORMATS
from tests.gateway import Client

BOOKKEEPING = {"HEAD", "OPTIONS"}


GUARDED = AccessSettings(auth="key")


@pytest.fixture(scope="module")
def document():
    """The contract of an API that asks for keys, which has everything that any other contract has."""
    return openapi(GUARDED)


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


@pytest.mark.parametrize("auth", ["none", "key", "jwt", "iam"])
@pytest.mark.parametrize("private_labels", [True, False])
def test_the_contract_is_sound_openapi(auth, private_labels):
    validate(openapi(AccessSettings(auth=auth, private_labels=private_labels)))


def test_the_contract_is_what_the_api_answers(client, serve, recognizer, telemetry, document):
    assert client.get("/openapi.json").json == openapi(AccessSettings())
    guarded = Client(serve(lambda: recognizer, guard=guard_for(GUARDED, telemetry.keys_unavailable)), "2.0")
    assert guarded.get("/openapi.json").json == document


@pytest.mark.parametrize(
    ("access", "schemes", "labels", "recognize"),
    [
        (AccessSettings(), ["key"], [], []),
        (AccessSettings(private_labels=True), ["key"], [{"key": ["recognize"]}], []),
        (GUARDED, ["key"], [{"key": ["recognize"]}], [{"key": ["recognize"]}]),
        (AccessSettings(auth="jwt"), ["jwt"], [{"jwt": []}], [{"jwt": []}]),
        (AccessSettings(auth="iam"), ["iam"], [{"iam": []}], [{"iam": []}]),
    ],
)
def test_the_contract_says_who_may_use_what(access, schemes, labels, recognize):
    document = openapi(access)
    paths = document["paths"]
    assert list(document["components"]["securitySchemes"]) == schemes
    assert (paths["/labels"]["get"]["security"], paths["/recognize"]["post"]["security"]) == (labels, recognize)
    assert paths["/embed"]["post"]["security"] == (recognize or [{"key": ["recognize"]}])
    for path in ("/health", "/openapi.json"):
        assert paths[path]["get"]["security"] == []
        assert not {"401", "403"} & set(paths[path]["get"]["responses"])
    assert ({"401", "403"} <= set(paths["/recognize"]["post"]["responses"])) is bool(recognize)


def test_the_contract_names_the_version_and_every_accepted_format(document):
    assert document["info"]["version"] == VERSION
    text = json.dumps(document)
    listed = [example for example in text.split('"detail": "') if "in an accepted format" in example]
    assert listed
    assert all(name in example for example in listed for name in FORMATS.values())


def test_every_route_is_in_the_contract_and_nothing_else(document):
    app = create_app(ModelLoader(None), Telemetry())
    rules = list(app.url_map.iter_rules())
    routes = {(route_of(rule.rule), method) for rule in rules for method in rule.methods - BOOKKEEPING}
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


def test_answers_fit_their_schemas(client, owner, check):
    check(client.upload(b"photo").json, "Recognition")
    check(client.upload(b"photo", path="/detect").json, "Detection")
    check(owner.upload(b"photo", path="/embed").json, "Embeddings")
    check(client.compare().json, "Verification")
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
