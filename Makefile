# make help lists the targets. Everything they create lives in .venv/, node_modules/ and .cache/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# Several processes share the cores here (tests, functions): waiting threads must sleep instead of spinning.
export OMP_WAIT_POLICY := PASSIVE
export GOMP_SPINCOUNT := 10000
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format quality bench clean chromium

help:  ## Show this help
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: $(VENV)/ready node_modules/ready chromium  ## Install everything that demo and test need

demo: $(VENV)/ready node_modules/ready  ## Train on sample photos, deploy to a local AWS, ask it; ONCE=1 ends by itself
	@$(BIN)/python -m scripts demo $(if $(ONCE),--once)

test: setup lint  ## Lint, types and every test
	node --test tests/site/*.test.mjs
	$(BIN)/python -m pytest

lint: $(VENV)/ready  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/ready  ## Mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

quality: $(VENV)/ready  ## Measure all of docs/quality.md again: PHOTOS=… STRANGERS=… LFW=…, folders of photos
	@test -d "$(PHOTOS)" && test -d "$(STRANGERS)" && test -d "$(LFW)" \
	  || { echo "Say what to measure on: make quality PHOTOS=DIR STRANGERS=DIR LFW=DIR"; exit 1; }
	@mkdir -p $(addprefix .cache/quality/,people cleaning strangers lfw)
	$(BIN)/visage benchmark people "$(PHOTOS)" --strangers "$(STRANGERS)" --pretrained casia-webface \
	  --output .cache/quality/people > .cache/quality/people/output.txt
	$(BIN)/visage benchmark cleaning "$(PHOTOS)" --pretrained casia-webface \
	  --output .cache/quality/cleaning > .cache/quality/cleaning/output.txt
	$(BIN)/visage benchmark cleaning "$(PHOTOS)" --strangers "$(STRANGERS)" --pretrained casia-webface \
	  --output .cache/quality/strangers > .cache/quality/strangers/output.txt
	$(BIN)/visage benchmark lfw "$(LFW)" --flip --pretrained casia-webface \
	  --output .cache/quality/lfw > .cache/quality/lfw/output.txt
	$(BIN)/python -m scripts.quality .cache/quality

bench: $(VENV)/bench node_modules/ready  ## Measure all of docs/performance.md again: PHOTOS=… (else samples), ONLY=warm,cold,… prints parts
	@$(BIN)/python -m bench $(if $(PHOTOS),"$(PHOTOS)") $(if $(ONLY),--only $(ONLY))

clean:  ## Remove everything that was created
	@if [ -x $(BIN)/visage ]; then $(BIN)/visage local down || true; fi
	rm -rf $(VENV) node_modules .cache .serverless .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bench: $(VENV)/ready requirements/bench.txt
	@$(PIP) install --no-deps -r requirements/bench.txt
	@touch $@

$(VENV)/ready: pyproject.toml requirements.txt $(wildcard requirements/*.txt)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Visage needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing Python packages into $(VENV): the first time takes some minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -r requirements/dev.txt
	@$(PIP) install --no-deps -r requirements/no-deps.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/ready: package.json package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
	  || { echo "Visage needs Node 20.19 or newer, for the deployment tool and the website's tests."; exit 1; }
	@echo "Installing the deployment tool into node_modules."
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

chromium:
	@sh scripts/chromium.sh
