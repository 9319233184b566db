# Everything that a clone needs is set up by the targets themselves; `make` lists them.

# Leave PYTHON empty to take the first Python 3.11 or newer that really runs.
PYTHON ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
MUTANTS_ARGS ?=

BIN := .venv/bin
UV_PIP_COMPILE := .venv-lock/bin/uv pip compile --quiet --generate-hashes --universal \
	--python-version 3.11 --no-emit-index-url --no-emit-find-links --no-config \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup server demo test check bench mutants lock clean

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: ## Make .venv with the locked packages (quick when nothing changed)
	@sh scripts/setup.sh

server: setup
	@$(BIN)/python -m reconciler.embedded >/dev/null

demo: server ## Run the main job against a MongoDB of its own, until Ctrl-C
	@$(BIN)/reconciler demo $(DEMO_ARGS)

test: server ## Run all tests (PYTEST_ARGS="-n 0 -k posting")
	@echo "==> Running the tests"
	@# Hundreds of commands are started; with PYTHONDONTWRITEBYTECODE each would compile the sources.
	@$(BIN)/python -m compileall -q reconciler tests benchmarks alerts dashboards
	@# What pytest keeps of the last runs stays on the disk.
	@scratch=$$(sh scripts/scratch.sh) && \
		PYTEST_DEBUG_TEMPROOT=$${PYTEST_DEBUG_TEMPROOT:-$${TMPDIR:-/tmp}} TMPDIR=$$scratch \
		$(BIN)/python -m pytest -n 3 --dist loadgroup $(PYTEST_ARGS)

check: setup ## Lint, format, types, import rules, bypassing writers and the freeze
	@echo "==> ruff, mypy, import-linter, reconciler lint, the freeze"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/reconciler freeze verify
	@$(BIN)/reconciler lint reconciler

bench: server ## Measure scans and postings
	@echo "==> Measuring"
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

mutants: server ## Break the source on purpose, one way at a time: the tests must notice
	@echo "==> Trying the mutants"
	@$(BIN)/python -m tests.mutants $(MUTANTS_ARGS)

lock: setup ## Lock the dependencies again (UPGRADE=1 for newer versions)
	@echo "==> Locking the dependencies"
	@test -x .venv-lock/bin/uv || { $(BIN)/python -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv; }
	@$(UV_PIP_COMPILE) pyproject.toml -o requirements/runtime.txt
	@$(UV_PIP_COMPILE) pyproject.toml --extra embedded --group dev -c requirements/runtime.txt -o requirements/dev.txt
	@$(UV_PIP_COMPILE) pyproject.toml --extra cluster -c requirements/dev.txt -o requirements/cluster.txt
	@$(UV_PIP_COMPILE) --group build -c requirements/dev.txt -o requirements/build.txt

clean: ## Remove .venv and every cache
	rm -rf .venv .venv-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
