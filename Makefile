# Everything a developer or CI runs. Each target sets up what it needs; a second run does not do it again.
PYTHON ?= python3
BIN    := .venv/bin

# Containers often forbid Python to keep what it compiles; each worker of the suite and each command would compile anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test days check site lint-deploy lower-bounds release home locks bench year chaos simulate clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.venv/installed: pyproject.toml reconciler/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3 -m venv does not work here; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Setting up .venv (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: .venv/installed ## watch the main job on an embedded Coder, in under a minute
	@$(BIN)/reconciler demo

test: .venv/installed ## run the whole suite
	@$(if $(COVERAGE),mkdir -p build)
	@$(BIN)/python $(if $(COVERAGE),-m slipcover --json --out build/coverage.json) -m pytest -n auto --dist worksteal -q
	@$(if $(COVERAGE),$(BIN)/python -m tests.covered build/coverage.json)

days: .venv/installed ## run the suite on other days: a leap day, ends of months and of a year, years ahead
	@$(BIN)/python -m tests.days $(DAYS)

check: .venv/installed ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

site: .venv/installed ## the documentation site, into build/site; a link that leads nowhere is an error
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@rm -rf build/site
	@$(BIN)/python -m sphinx -b html -W --keep-going -q docs build/site
	@echo "The site is in build/site/index.html."

lint-deploy: .venv/installed ## the pipelines and manifests of deploy/, by the tools that their users run
	@.ci/lint-deploy

lower-bounds: ## the suite's core against the oldest libraries that pyproject.toml allows
	@.ci/lower-bounds

release: .venv/installed ## wheel and source archive twice, same bytes; metadata checked; bill of materials
	@.ci/release

home: ## name the owner of this repository and pin the workflows: make home OWNER=your-company TAG=v0.1.0
	@.ci/home "$(OWNER)" "$(TAG)"

locks: ## deploy/requirements.txt and deploy/build-requirements.txt from pyproject.toml, with hashes
	@.ci/locks

simulate: .venv/installed ## 100,000 worlds of the deterministic simulation, on all cores; a quarter of an hour
	@$(BIN)/python -m tests.simulation $(SIMULATE)

chaos: .venv/installed ## 10,000 runs of the fault harness, 10,000 of law 5, 5,000 of two at once, on all cores; two hours
	@$(BIN)/python -m tests.chaos --runs 10000 $(CHAOS)
	@$(BIN)/python -m tests.chaos --runs 10000 --order $(CHAOS)
	@$(BIN)/python -m tests.chaos --runs 5000 --pairs $(CHAOS)

year: .venv/installed ## a scripted year of a company of 300 people, hour by hour; about ten minutes
	@$(BIN)/python -m tests.year $(YEAR)

bench: .venv/installed ## measure the targets of tests/bench as ratios, in ten minutes; BENCH=--quick in two
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@$(BIN)/python -m tests.bench $(BENCH)

clean: ## remove what the targets made
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
