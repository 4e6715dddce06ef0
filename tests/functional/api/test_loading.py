"""The real model, loaded while Lambda initialises."""

import json

from tests.processes import python


def test_in_lambda_a_third_of_torchs_modules_is_not_imported(bundle):
    script = "import handler, sys; print([m for m in ('torch._decomp', 'torch._prims') if m in sys.modules])"
    assert python(script, AWS_LAMBDA_FUNCTION_NAME="visage", VISAGE_MODEL=str(bundle)).splitlines()[-1] == "[]"


def test_the_function_loads_its_model_while_lambda_initialises(bundle):
    log = python("import handler", AWS_LAMBDA_FUNCTION_NAME="visage", VISAGE_MODEL=str(bundle))
    line = json.loads(log)
    assert line["message"] == "model ready"
    assert list(line["startup_ms"]) == ["import", "fetch", "load", "warm_up", "total"]
    assert sum(line["startup_ms"].values()) <= 2 * line["startup_ms"]["total"]
