"""The real model, loaded while Lambda initialises."""

import json
import os
import subprocess
import sys


def test_in_lambda_a_third_of_torchs_modules_is_not_imported(bundle):
    script = "import handler, sys; print([m for m in ('torch._decomp', 'torch._prims') if m in sys.modules])"
    assert _python(script, AWS_LAMBDA_FUNCTION_NAME="visage", VISAGE_MODEL=str(bundle)).splitlines()[-1] == "[]"


def test_the_function_loads_its_model_while_lambda_initialises(bundle):
    log = _python("import handler", AWS_LAMBDA_FUNCTION_NAME="visage", VISAGE_MODEL=str(bundle))
    line = json.loads(log)
    assert line["message"] == "model ready"
    assert list(line["startup_ms"]) == ["import", "fetch", "load", "warm_up", "total"]
    assert sum(line["startup_ms"].values()) <= 2 * line["startup_ms"]["total"]


def _python(script, **environment):
    """Run `script` in an interpreter of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()
