# Works with Python >= 3.11 and make alone: the first target that needs it creates .venv. uv is used when present, else pip.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

BIN := .venv/bin
READY := .venv/.ready
UV := $(shell command -v uv 2>/dev/null)
BENCHES ?=
PYTEST_ARGS ?=

export UV_PYTHON := $(CURDIR)/$(BIN)/python

.PHONY: help install demo example-tryton test check simulate proofs bench lock format

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(READY) ## Create .venv and install the locked dependencies and the qudao command

$(READY): requirements.lock pyproject.toml
	@set -e; \
	if [ ! -x $(BIN)/python ]; then \
		for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
			if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$python; break; fi; \
		done; \
		[ -n "$$found" ] || { echo "Qudao needs Python 3.11 or newer on PATH" >&2; exit 1; }; \
		echo "creating .venv with $$($$found --version)"; \
		if [ -n "$(UV)" ]; then env -u UV_PYTHON uv venv --quiet --python "$$(command -v $$found)" .venv; \
		else $$found -m venv .venv || { rm -rf .venv; echo "(Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }; fi; \
	fi; \
	if [ -n "$(UV)" ]; then \
		uv pip install --quiet --require-hashes -r requirements.lock; \
		uv pip install --quiet --no-deps --no-build-isolation -e .; \
	else \
		$(BIN)/python -m ensurepip >/dev/null; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: $(READY) ## Watch 200 simulated orders go all the way round
	$(BIN)/qudao demo --orders 200

# Tryton has a venv of its own: Qudao needs nothing of it.
example-tryton: $(READY) .example/.ready ## Watch a real ERP, Tryton 7, sell and ship what simulated buyers order (ORDERS=32)
	$(BIN)/python -m examples.tryton.play --tryton .example/venv/bin/python $(if $(ORDERS),--orders $(ORDERS))

.example/.ready: examples/tryton/requirements.txt | $(READY)
	@rm -rf .example && mkdir .example
	@set -e; if [ -n "$(UV)" ]; then \
		env -u UV_PYTHON uv venv --quiet --python $(BIN)/python .example/venv; \
		UV_PYTHON=$(CURDIR)/.example/venv/bin/python uv pip install --quiet --require-hashes -r $<; \
	else \
		$(BIN)/python -m venv .example/venv; \
		.example/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<; \
	fi
	@touch $@

# The tests start some hundred Python processes; where no bytecode is kept, each would compile every library anew.
test proofs: export PYTHONDONTWRITEBYTECODE :=
test proofs: export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/.pycache

test: $(READY) ## Run the tests on all cores (PYTEST_ARGS adds arguments)
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

check: $(READY) ## Everything CI checks: format, lint, types, import rules, tests
	@echo "== format: ruff format --check";   $(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; exit 1; }
	@echo "== lint: ruff check";              $(BIN)/ruff check --quiet .
	@echo "== types: mypy --strict";          $(BIN)/mypy .
	@echo "== import rules: lint-imports";    $(BIN)/lint-imports
	@echo "== tests: pytest";                 $(MAKE) --no-print-directory test

simulate: $(READY) ## Play seeded days in which everything breaks (SEEDS=1000, SEED=1234, WITHOUT=fence, DATABASE=postgresql)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),20)) \
		$(if $(WITHOUT),--without $(WITHOUT)) $(if $(DATABASE),--database $(DATABASE))

proofs: $(READY) ## The longest tests: every guard taken away in turn, real processes killed at random
	QUDAO_TEST_LONG=1 $(BIN)/python -m pytest -n auto -m long -o faulthandler_timeout=0 tests

bench: $(READY) ## Measure every claim, or those BENCHES names, and write bench/results.md
	$(BIN)/python -m bench $(BENCHES)

lock: ## Renew the locks: versions and hashes only, no address (needs uv)
	@[ -n "$(UV)" ] || { echo "make lock needs uv on PATH" >&2; exit 1; }
	env -u UV_PYTHON uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --upgrade --quiet --custom-compile-command "make lock" -o requirements.lock
	env -u UV_PYTHON uv pip compile examples/tryton/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --upgrade --quiet --custom-compile-command "make lock" \
		-o examples/tryton/requirements.txt

format: $(READY) ## Format the code and apply safe lint fixes
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
