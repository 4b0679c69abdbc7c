# make demo: see it work.  make test: every test, quickly.  make check: what a change must pass.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
VENV ?= .venv
BIN := $(VENV)/bin
# Processes of tests: twice the cores of a small machine, as many tests wait most of their time.
JOBS ?= 4

# The first Python that pnsync supports and that can make a virtual environment.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help demo test full check lint format types contracts audit advisories sbom bench comparison soak fuzz mutants mutation lock clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1	/' | expand -t 16

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "pnsync needs Python 3.11, 3.12 or 3.13 with venv; none was found." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock requirements-build.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.runtime ## plan and apply the quickstart on the simulated vendors
	@PATH="$(abspath $(BIN)):$$PATH" bash examples/quickstart/demo.sh

# How much they try: tests/profile.py.
PROFILE ?= quick

# With compiled modules kept: else every process of the tests compiles all of them for itself.
test: $(VENV)/.dev ## all tests, the quick way: fewer examples, smaller bulks, fewer cases of a kind
	env -u PYTHONDONTWRITEBYTECODE PNSYNC_TEST_PROFILE=$(PROFILE) $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

full: PROFILE = full
full: test ## all tests with all their examples, before a release

check: PROFILE = check
check: lint types contracts audit test ## format, lint, types, contracts, dependencies, and more of the tests

lint: $(VENV)/.dev ## ruff: format and rules
	$(BIN)/ruff format --check pnsync tests benchmarks
	$(BIN)/ruff check pnsync tests benchmarks

format: $(VENV)/.dev ## put the code into canonical form
	$(BIN)/ruff format pnsync tests benchmarks
	$(BIN)/ruff check --fix pnsync tests benchmarks

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/.dev ## who may import whom
	$(BIN)/lint-imports

audit: $(VENV)/.dev ## what is locked: hashes, licences, known weaknesses; offline
	@$(BIN)/python -m tests.supply

# A checkout of github.com/pypa/advisory-database; without one it is cloned.
DATABASE ?=

advisories: $(VENV)/.dev ## renew the copy of known weaknesses that audit reads
	$(BIN)/python -m tests.supply.advisories $(DATABASE)

sbom: $(VENV)/.dev ## dist/pnsync.cdx.json: what a user can come to install, as CycloneDX
	@mkdir -p dist
	$(BIN)/python -m tests.supply.sbom > dist/pnsync.cdx.json

bench: $(VENV)/.dev ## CPU seconds and memory of a plan
	$(BIN)/python -m benchmarks

# A Python with what benchmarks/terraform/requirements.txt names.
PROVIDER_PYTHON ?= $(BIN)/python

comparison: $(VENV)/.dev ## Terraform and pnsync killed at the same points (docs/comparison.md)
	$(BIN)/python -m benchmarks.terraform --provider-python $(PROVIDER_PYTHON)

SECONDS ?= 600
# The first history; another number plays others.
SEED ?= 0

soak: $(VENV)/.dev ## SECONDS of simulated histories, then of crash points; figures as a table
	@$(BIN)/python -m tests.simulation --seed $(SEED) --seconds $(SECONDS) $(if $(WORLDS),--worlds $(WORLDS))
	@for more in "" "--power" "--parallelism 4"; do \
	  PYTHONPATH=tests $(BIN)/python -m crash --seconds $$(( $(SECONDS) / 6 + 1 )) $$more; done

fuzz: $(VENV)/.dev ## SECONDS of hostile bytes for every reader
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

mutants: $(VENV)/.dev ## wrong versions of the protocol, and what catches each
	@PYTHONPATH=tests $(BIN)/python -m mutants

# One of the modules that `tests/mutation/modules.py` lists; all of them without a name.
MODULE ?=

mutation: $(VENV)/.dev ## small faults in MODULE, one by one: those that no test notices, and a score
	@$(BIN)/python -m tests.mutation $(MODULE)

lock: $(VENV)/.dev ## renew the locks
	printf 'setuptools>=77\n' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade -o requirements-build.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --quiet --upgrade -o requirements-dev.lock

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .mutation .import_linter_cache
