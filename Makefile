# leadstreams: `make` lists what there is. Nothing but Python 3.11 or later and make is needed; `demo` and `test`
# set themselves up in .venv from hashed lock files.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
KAFKA  := .kafka/libs
SDKS   := tests/collector/sdk/node_modules/.package-lock.json

# How many processes the tests share; `make test JOBS=0` runs them in one, `make test ARGS="-k visits"` a few.
JOBS ?= 2
ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=
SCHEDULE ?= all
SEED ?=
MINUTES ?=

.PHONY: help demo test kafka connect sdks lint format faults bench bench-peers lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready  ## a broker, a worker, the collector and a stream of leads; ends by itself (DEMO_ARGS="--keep")
	@$(BIN)/leadstreams demo $(DEMO_ARGS)

test: $(VENV)/.ready-dev  ## every test that this machine can run (with Apache Kafka after `make kafka`)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

kafka: $(KAFKA)/.ready  ## fetches Apache Kafka through Maven into .kafka, for the tests against a real broker

sdks: $(SDKS)  ## fetches the trackers for Node and browsers through npm, for the collector's tests

connect: $(KAFKA)/.ready .kafka/connect/.ready tests/connectors/node/node_modules  ## fetches the sinks and JavaScript libraries that the tests of the connectors need

lint: $(VENV)/.ready-dev  ## style, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.ready-dev  ## formats the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

faults: $(VENV)/.ready-dev $(KAFKA)/.ready  ## faults on Apache Kafka (SCHEDULE=kill SEED=7 MINUTES=2; SCHEDULE=all LEDGER=file goes on)
	@$(BIN)/python -m tests.faults $(SCHEDULE) $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(LEDGER),--ledger $(LEDGER))

bench: $(VENV)/.ready-dev $(KAFKA)/.ready  ## measures the pipeline on Apache Kafka (BENCH_ARGS)
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-peers: $(VENV)/.ready-dev $(KAFKA)/.ready  ## the same job on other stream processors (BENCH_ARGS)
	@$(BIN)/python -m benchmarks peers $(BENCH_ARGS)

# Newest versions that pyproject.toml allows, for every platform, with hashes.
lock: $(VENV)/.ready-dev  ## renews requirements.lock and requirements-dev.lock
	@$(PIP) install uv
	echo 'setuptools>=77' | $(BIN)/uv pip compile $(LOCKING) pyproject.toml - -o requirements.lock
	echo 'setuptools>=77' | $(BIN)/uv pip compile $(LOCKING) --extra dev -c requirements.lock pyproject.toml - \
		-o requirements-dev.lock

LOCKING := --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-annotate \
	--custom-compile-command "make lock"

clean:  ## removes what make made: environments, caches, the fetched Kafka
	rm -rf $(VENV) .kafka build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "making $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)

# The project itself is installed without build isolation: what builds it is locked as well.
$(VENV)/.ready: requirements.lock pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(KAFKA)/.ready: deploy/kafka/pom.xml
	@command -v java >/dev/null || { echo "a Java runtime, 17 or later, is needed for Apache Kafka" >&2; exit 1; }
	@command -v mvn >/dev/null || { echo "Maven (mvn) is needed to fetch Apache Kafka" >&2; exit 1; }
	@echo "fetching Apache Kafka into $(KAFKA) (124 MB)"
	@rm -rf $(KAFKA)
	@mvn -q -B -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$(KAFKA)
	@touch $@

$(SDKS): tests/collector/sdk/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or later with npm is needed for the trackers" >&2; exit 1; }
	@npm ci --prefix $(<D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.kafka/connect/.ready: deploy/connect/file.pom.xml deploy/connect/http.pom.xml deploy/connect/jdbc.pom.xml
	@echo "fetching sinks of Kafka Connect into .kafka/connect (100 MB)"
	@rm -rf .kafka/connect
	@for name in file http jdbc; do \
		mvn -q -B -f deploy/connect/$$name.pom.xml dependency:copy-dependencies -DincludeScope=runtime \
			-DoutputDirectory=$(CURDIR)/.kafka/connect/$$name || exit 1; done
	@touch $@

tests/connectors/node/node_modules: tests/connectors/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm (Node.js 20 or later) is needed for the tests of the contract" >&2; exit 1; }
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@
