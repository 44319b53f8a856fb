# Two commands set up everything: `make demo` and `make test`. Both need Python 3.11+ and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types contracts schemas unit bench conformance clean

demo: $(VENV)/.run
	@$(BIN)/reconciler demo

test: lint types contracts schemas unit

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

schemas: $(VENV)/.run
	$(BIN)/reconciler schema --check schemas

unit: $(VENV)/.dev
	$(BIN)/pytest -n 3 --cov=reconciler --cov-branch --cov-fail-under=95 --cov-report=term:skip-covered

bench: $(VENV)/.dev
	$(BIN)/python tests/bench.py

# The simulator on trial, the long way (3 minutes): 200 made-up requests, valid and not, of every operation that its own
# OpenAPI description has; then every call of the vendors' clients, as a table for the release notes.
conformance: $(VENV)/.dev
	$(BIN)/python -m tests.simulator.conformance
	$(BIN)/python -m tests.vendors

clean:
	rm -rf $(VENV) .reconciler .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# What running needs is quick to install; what developing needs comes on top of it.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 demo") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	@echo "setting up $(VENV) (first run only)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m compileall -q reconciler
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@
