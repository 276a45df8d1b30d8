# Two commands do everything: `make run` and `make test`. They need Python 3.11+ and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint lock

run: $(VENV)/.installed
	$(BIN)/llamacloud-batch-exporter $(if $(LLAMA_CLOUD_API_KEY)$(LLAMA_CLOUD_API_KEY_FILE),,--demo) $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Names, versions and hashes only, resolved for the oldest Python that is supported.
lock: $(VENV)/.installed-dev
	$(BIN)/pip-compile $(LOCK) --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK) --output-file requirements-build.lock \
		--only-build-deps --build-deps-for editable pyproject.toml
	$(BIN)/pip-compile $(LOCK) --output-file requirements-dev.lock --constraint requirements.lock \
		--extra dev pyproject.toml

LOCK := --quiet --upgrade --generate-hashes --strip-extras --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --no-header --no-annotate --allow-unsafe

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock requirements-build.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes \
		--requirement requirements.lock --requirement requirements-build.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@
