# make help lists the targets. Everything they create lives in .venv/, node_modules/ and .cache/.

PYTHON ?= python3
UV := uv==0.13.9
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

SBOMS ?= .cache/sbom
SBOM := $(BIN)/cyclonedx-py requirements --output-reproducible --output-file $(SBOMS)

# Test processes that run side by side, each a file at a time; each takes up to 3 GB of memory.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Several processes share the cores here (tests, functions): waiting threads must sleep instead of spinning.
export OMP_WAIT_POLICY := PASSIVE
export GOMP_SPINCOUNT := 10000
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo check test unit functional stack browser jail fuzz lint format lock quality bench clean programs

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/ready node_modules/tests programs  ## Install everything that demo and test need

demo: $(VENV)/ready node_modules/ready  ## Train on sample photos, deploy to a local AWS, ask it; ONCE=1 ends by itself
	@$(BIN)/python -m scripts demo $(if $(ONCE),--once)

check: lint unit  ## What to run before each commit: style, types and the unit tests

test: setup lint  ## Style, types and every test, with coverage by package
	node --test tests/site/*.test.mjs
	$(BIN)/coverage erase
	$(PYTEST) --cov --cov-report=
	@$(BIN)/coverage json --quiet -o .cache/coverage.json
	@$(BIN)/python -m tests.coverage_table .cache/coverage.json

unit: $(VENV)/ready  ## The tests that need no model and no network
	$(PYTEST) tests/unit

functional: $(VENV)/ready  ## The tests with a real model and real photos
	$(PYTEST) tests/functional

stack: $(VENV)/ready node_modules/ready  ## The tests of the whole stack on a local AWS
	$(PYTEST) tests/stack

browser: setup  ## The tests of the website: its modules in Node, its pages in browsers
	node --test tests/site/*.test.mjs
	$(PYTEST) tests/browser

jail: $(VENV)/ready programs  ## The tests of the function as Lambda runs it: file system, user, memory, processor
	$(PYTEST) tests/jail

fuzz: $(VENV)/ready  ## Send damaged photos to the API for MINUTES=20; what goes wrong is stored in .cache/fuzz/
	$(BIN)/python -m tests.fuzz $(or $(MINUTES),20) $(if $(MODEL),--model "$(MODEL)")

lint: $(VENV)/ready  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/ready  ## Fix the style where ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/ready  ## Pin the packages of requirements/ again in requirements/lock/; UPGRADE=1 takes the newest
	@test -x .cache/uv/bin/uv || { $(PYTHON) -m venv .cache/uv && .cache/uv/bin/pip install --quiet $(UV); }
	@$(BIN)/python -m scripts.lock .cache/uv/bin/uv $(if $(UPGRADE),--upgrade)

sbom: $(VENV)/ready  ## List what zip and image consist of, in .cache/sbom/ (CycloneDX)
	@mkdir -p $(SBOMS)
	@$(SBOM)/zip.cdx.json requirements/lock/onnx.txt
	@{ cat requirements/lock/torchscript.txt && grep '^torch==' requirements/lock/torch.txt; } | $(SBOM)/image.cdx.json -
	@ls $(SBOMS)/*

quality: $(VENV)/ready  ## Measure all of docs/quality.md again: PHOTOS=… STRANGERS=… CROWD=… LFW=…, folders of photos
	@test -d "$(PHOTOS)" && test -d "$(STRANGERS)" && test -d "$(CROWD)" && test -d "$(LFW)" \
	  || { echo "Say what to measure on: make quality PHOTOS=DIR STRANGERS=DIR CROWD=DIR LFW=DIR"; exit 1; }
	@mkdir -p $(addprefix .cache/quality/,people crowd enrolment cleaning strangers lfw verification)
	$(BIN)/visage benchmark people "$(PHOTOS)" --strangers "$(STRANGERS)" --pretrained casia-webface \
	  --output .cache/quality/people > .cache/quality/people/output.txt
	$(BIN)/visage benchmark people "$(CROWD)" --unknown 10 --pretrained casia-webface \
	  --output .cache/quality/crowd > .cache/quality/crowd/output.txt
	$(BIN)/visage benchmark enrolment "$(LFW)" --pretrained casia-webface \
	  --output .cache/quality/enrolment > .cache/quality/enrolment/output.txt
	$(BIN)/visage benchmark cleaning "$(PHOTOS)" --pretrained casia-webface \
	  --output .cache/quality/cleaning > .cache/quality/cleaning/output.txt
	$(BIN)/visage benchmark cleaning "$(PHOTOS)" --strangers "$(STRANGERS)" --pretrained casia-webface \
	  --output .cache/quality/strangers > .cache/quality/strangers/output.txt
	$(BIN)/visage benchmark lfw "$(LFW)" --flip --subtract-mean --pretrained casia-webface \
	  --output .cache/quality/lfw > .cache/quality/lfw/output.txt
	$(BIN)/visage benchmark verification "$(LFW)" --pretrained casia-webface \
	  --output .cache/quality/verification > .cache/quality/verification/output.txt
	$(BIN)/python -m scripts.quality .cache/quality

# Without the policy for shared cores: whatever is measured has the cores to itself.
bench: $(VENV)/bench node_modules/ready  ## Measure all of docs/performance.md again: PHOTOS=… (else samples), ONLY=warm,cold,… prints parts
	@env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT $(BIN)/python -m bench $(if $(PHOTOS),"$(PHOTOS)") $(if $(ONLY),--only $(ONLY))

clean:  ## Remove everything that was created
	@if [ -x $(BIN)/visage ]; then $(BIN)/visage local down || true; fi
	rm -rf $(VENV) node_modules .cache .serverless .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage *.egg-info build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bench: $(VENV)/ready requirements/lock/bench.txt
	@$(PIP) install --require-hashes --no-deps -r requirements/lock/bench.txt
	@touch $@

# The locks name every package. With --no-deps pip looks for no newer ones, which it would for an extra of a locked one.
# torch has a step of its own, because each index has its own builds of it: no hash fits them all.
$(VENV)/ready: pyproject.toml $(wildcard requirements/lock/*.txt)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Visage needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing Python packages into $(VENV): the first time takes some minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --no-deps -r requirements/lock/everything.txt
	@$(PIP) install --constraint requirements/lock/torch.txt torch torchvision
	@$(PIP) install --require-hashes --no-deps -r requirements/lock/no-deps.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The tools that test the website are ten times as many as the deployment tool, so that `make demo` leaves them out.
NPM_CI = node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
	  || { echo "Visage needs Node 20.19 or newer, for the deployment tool and the website's tests."; exit 1; }; \
	npm ci --no-audit --no-fund --loglevel=error

node_modules/ready: package.json package-lock.json
	@echo "Installing the deployment tool into node_modules."
	@$(NPM_CI) --omit=dev
	@touch $@

node_modules/tests: package.json package-lock.json
	@echo "Installing the deployment tool and the tools that test the website into node_modules."
	@$(NPM_CI)
	@touch node_modules/ready $@

programs: $(VENV)/ready
	@$(BIN)/python -m scripts.programs
