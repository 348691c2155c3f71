# Needs Python 3.11 or newer and make. Everything is installed below this folder.
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
# How long `make soak` plays.
SECONDS ?= 1800
# Halves what it takes to start Meltano and each plugin, of which a run starts five.
export UV_COMPILE_BYTECODE := 1
# As for our own code and the tests: a test run starts hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test test-fast check bench soak docs format clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: .venv/ready .meltano/ready ## Install everything into .venv and .meltano

demo: setup ## Copy a company's finance data from Acumatica to Snowflake, both sandboxed
	$(BIN)/sandbox demo

test: setup ## Run all tests
	$(BIN)/pytest

test-fast: setup ## Run the tests of pure code and one load, within a minute
	$(BIN)/pytest tests/*/unit tests/pipeline/test_pipeline.py::test_the_first_run_copies_everything

check: .venv/ready ## Lint, types, documentation drift
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python docs.py --check

bench: .venv/ready ## Measure: ratios against a reference in the same run
	$(BIN)/python bench/tap_memory.py

soak: .venv/ready ## Play other cases of the proofs for SECONDS=1800
	$(BIN)/python tests/soak.py $(SECONDS)

docs: .venv/ready ## Write the settings tables of the READMEs anew
	$(BIN)/python docs.py

format: .venv/ready ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what was installed and what the sandbox keeps
	rm -rf .venv .meltano .sandbox

.venv/ready: uv.lock pyproject.toml $(wildcard */pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --frozen --quiet --no-python-downloads --python $(BIN)/python
	@touch $@

.meltano/ready: .venv/ready meltano.yml
	$(BIN)/meltano install
	@touch $@
