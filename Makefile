# Two commands set up everything: `make demo` and `make test`. Both need Python 3.11+ and a package registry.
# `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEED ?= 1

.PHONY: demo test lint types contracts schemas unit house demo-fleet bench conformance campaign kills fleet-kills mutants build smoke image sbom docs constraints pictures clean help

demo: $(VENV)/.run ## the whole story on a built-in simulator of both APIs
	@$(BIN)/reconciler demo

test: lint types contracts schemas unit ## everything that has to hold: the five that follow

lint: $(VENV)/.dev ## ruff: mistakes and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/.dev ## which package may import which
	$(BIN)/lint-imports

schemas: $(VENV)/.run ## the files in schemas/ are what the code says
	$(BIN)/reconciler schema --check schemas

unit: $(VENV)/.dev ## the tests, with their coverage
	$(BIN)/pytest -n 4 --dist worksteal --cov=reconciler --cov-branch --cov-fail-under=95 --cov-report=term:skip-covered

house: $(VENV)/.dev ## the code in numbers: sizes, names, imports
	$(BIN)/python -m tests.house

# PROJECTS=200 makes it a larger one. Everything that it starts ends with it.
demo-fleet: $(VENV)/.dev ## a fleet of 40 projects: by processes, by shards, and on a scheduler with three workers
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/14-fleet/run-fleet.sh

# BENCH=--full measures a million certificates and slow networks too, BENCH='--only "100,000 cert"' a part; 5 minutes.
bench: $(VENV)/.dev ## what it costs, beside straight-line scripts for the same answers and beside the last release
	$(BIN)/python -m bench $(BENCH)

# The simulator on trial, the long way (3 minutes): 200 made-up requests, valid and not, of every operation that its own
# OpenAPI description has; then every call of the vendors' clients, as a table for the release notes.
conformance: $(VENV)/.dev ## the simulator on trial, the long way
	$(BIN)/python -m tests.simulator.conformance
	$(BIN)/python -m tests.vendors

# 20,000 random schedules of runs that meet faults and kills, every single fault at every I/O event of twelve plans, and
# every interleaving of two runs with few turns (5 minutes on 2 cores). docs/trust.md says what that shows.
campaign: $(VENV)/.run ## the write protocol on trial, the long way
	$(BIN)/reconciler selftest --tier small --seed $(SEED) --json TRUST.json

# At least 250 kills of the whole process at system calls, and 50 system calls that fail, with each back end: 20 minutes
# on 2 cores, of which git takes most. Where there is a TRUST.json, both targets add what they showed to it.
kills: $(VENV)/.dev ## `apply` killed for real, with each back end, the long way
	$(BIN)/python -m tests.kills.campaign --trust TRUST.json

# 20 times each a worker, the scheduler, the client and a target's own process, in the middle of 300 writes; 40 minutes.
fleet-kills: $(VENV)/.dev ## `apply` over a fleet with its parts killed for real, the long way
	$(BIN)/python -m tests.kills.fleet_campaign

mutants: $(VENV)/.dev ## seeded bugs: each must be seen by the test that is named for it
	$(BIN)/python -m tests.mutants.runner --trust TRUST.json

build: $(VENV)/.dev ## the wheel and the source archive, in dist/
	rm -rf build dist
	$(BIN)/python -m build --outdir dist

smoke: build ## what is in the wheel, and the demo from it in an empty environment with the pinned versions
	$(BIN)/python -m tests.smoke dist

image: ## the container image, with docker
	docker build --tag "pki-reconciler:$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' reconciler/__init__.py)" .

# Of an environment that has what the image has, so that licences and what needs what are told by the packages themselves.
sbom: $(VENV)/.dev ## what the image's Python packages are, in dist/: a bill of materials by CycloneDX
	@scratch="$$(mktemp -d)" && trap 'rm -rf "$$scratch"' EXIT && $(BIN)/python -m venv --without-pip "$$scratch" && \
	$(BIN)/python -m pip --python "$$scratch/bin/python" install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: --requirement constraints-image.txt && \
	$(BIN)/python -m pip --python "$$scratch/bin/python" install --quiet --disable-pip-version-check --no-deps . && \
	mkdir -p dist && $(BIN)/cyclonedx-py environment "$$scratch/bin/python" --pyproject pyproject.toml \
		--mc-type application --output-reproducible --output-format JSON --output-file dist/sbom.cdx.json

# From a copy of what its pages link to, since a page of a site can't link out of it.
docs: $(VENV)/.docs ## the site of the pages in docs/, in build/site; a link that leads nowhere fails
	rm -rf build/pages build/site && mkdir -p build/pages
	tar -cf - *.md LICENSE TRUST.json constraints.txt docs examples schemas | tar -xf - -C build/pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# uv, since its pins hold for every Python and system, not for this one alone. Its settings and its cache are left out,
# so that no address of an index and no path of this machine gets into the file.
constraints: $(VENV)/bin/python ## the pins anew: the newest of everything that running needs, with hashes
	@scratch="$$(mktemp -d)" && trap 'rm -rf "$$scratch"' EXIT && $(BIN)/python -m venv "$$scratch" && \
	"$$scratch/bin/python" -m pip install --quiet --disable-pip-version-check uv && \
	compile() { "$$scratch/bin/uv" pip compile --quiet --no-config --no-cache --upgrade --universal \
		--python-version 3.11 --generate-hashes --custom-compile-command 'make constraints' "$$@"; } && \
	compile pyproject.toml --output-file constraints.txt && \
	compile pyproject.toml --all-extras --output-file constraints-image.txt && \
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
	compile - --no-annotate --output-file constraints-build.txt

pictures: $(VENV)/.dev ## the pictures of docs/html-report.md, taken in Chromium
	$(BIN)/python -m tests.pictures

clean: ## everything that was made here
	rm -rf $(VENV) build dist .reconciler .mypy_cache .ruff_cache .import_linter_cache .hypothesis

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "make %-12s %s\n", $$1, $$2 }'

# What running needs is quick to install; what developing needs comes on top of it.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 demo") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	@echo "setting up $(VENV) (first run only)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m compileall -q reconciler
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@
